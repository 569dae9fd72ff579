# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a replica tells its clients is so, which its /readyz does not say.

An API server learns of every change by kine's poll, and keeps what it heard in its memory, which its watches and lists are
served from. Two things may be wrong with this memory, and a restart mends both, because then everything is read anew.

It stands still. kine's poll has no time-out: on a connection to a database server that hangs, or whose node is gone, it waits
until TCP gives up, while reads and writes go over other connections. Measured with a node without power: writes were back after
25 s, watches as soon as the node was (k0s 1.34.4, kine on PostgreSQL). Each API server renews a Lease of its own every ten
seconds, by a write. So its memory of that Lease tells how long it has been deaf.

It holds what the database does not. A PostgreSQL server that is told to end gives up the wait for its synchronous standby, and
what it has written becomes visible there for some milliseconds, though the standby may not have it; what kine's poll finds then,
no later one corrects. The same goes for what is lost in a failover without a synchronous standby. From 1.34 on an API server
compares each kind in its memory with its storage every five minutes, and counts (KEP-4988, DetectCacheInconsistency).
"""

from __future__ import annotations

import datetime
import json
import re
import typing as t
from urllib.parse import quote

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError

Get: t.TypeAlias = t.Callable[[str], tuple[int, str]]
"""Asks one replica for a path; the status and the body. Raises HaError without an answer."""

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
HOSTNAME = "kubernetes.io/hostname"
"""A label of an API server's own Lease (its APIServerIdentity): the host that it runs on, which is its pod."""
DEAF_SECONDS = 30.0
"""A memory that is so far behind is no matter of the ten seconds between two renewals, nor of a database that was slow."""
METRICS = "/metrics"
_FAILED = re.compile(
    r'^apiserver_storage_consistency_checks_total\{[^}]*resource="(?P<resource>[^"]*)",status="failure"\} [1-9]',
    re.MULTILINE,
)
_DEAF = "it has not heard of any change for "
_OTHER = "it remembers something else "


def deaf(get: Get, pod: str) -> str | None:
    """Why this replica's watches cannot be trusted; None when they can, or when nobody knows."""
    selector = quote(f"{HOSTNAME}={pod}", safe="")
    remembered = _renewals(get, f"{LEASES}?resourceVersion=0&labelSelector={selector}")
    for name, then in remembered.items():
        # Without a resourceVersion an API server asks the database.
        now = _renewals(get, f"{LEASES}/{name}").get(name, then)
        behind = (now - then).total_seconds()
        if behind > DEAF_SECONDS:
            return (
                f"{_DEAF}{behind:.0f} s, though the database answers: what feeds its watches hangs "
                f"in a connection to a server that is gone, or is behind after many failed writes. Delete the pod {pod}"
            )
    return None


def inconsistent(get: Get, pod: str) -> str | None:
    """Which kinds this replica does not hold as the database does, by its own comparison; None when it has found none, or when
    nobody knows, as before Kubernetes 1.34. It counts since it was started, so what has healed meanwhile is told, too."""
    try:
        status, body = get(METRICS)
    except HaError:
        return None
    failed = sorted({match["resource"] for match in _FAILED.finditer(body)}) if status == 200 else []
    if not failed:
        return None
    return (
        f"{_OTHER}of {', '.join(failed)} than the database, as its API server found: it shows its clients what was never kept, "
        f"or what has been lost. Delete the pod {pod}"
    )


def needs_restart(said: bool | str) -> bool:
    """Whether what a replica's judgement says is that it answers, out of a memory that only a restart mends."""
    return isinstance(said, str) and said.startswith((_DEAF, _OTHER))


def _renewals(get: Get, path: str) -> dict[str, datetime.datetime]:
    """When each Lease of the answer was renewed; none where it says anything else."""
    try:
        status, body = get(path)
        answer = json.loads(body) if status == 200 else {}
        found = answer.get("items", [answer])
        return {each["metadata"]["name"]: datetime.datetime.fromisoformat(each["spec"]["renewTime"]) for each in found}
    except (HaError, ValueError, AttributeError, KeyError, TypeError):
        return {}
