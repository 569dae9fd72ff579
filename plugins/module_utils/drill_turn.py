# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One drill of a control plane at a time: a Lease in its namespace, renewed all the while, taken over when nobody renews it.

It lives beside the control plane, not in the hosted cluster: that may not answer during a drill.
"""

from __future__ import annotations

import contextlib
import datetime
import secrets
import threading
import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

BEAT_SECONDS = 2.0
SILENT_SECONDS = 10.0
"""A Lease that was not renewed for so long belongs to a drill that was killed."""
SETTLE_SECONDS = 1.0
"""Of two drills that take it at the same moment, the one that wrote last has it."""


@contextlib.contextmanager
def turn(kube: Kube, name: str, namespace: str, *, of: str = "this control plane") -> t.Iterator[None]:
    """Hold the Lease of a control plane, or of what else a drill may touch. Raises Conflict while another drill does."""
    lease = Ref("coordination.k8s.io/v1", "Lease", f"{name}-failover-drill", namespace)
    holder, ended = secrets.token_hex(8), threading.Event()
    _require_silence(kube, lease, of)
    kube.apply([_lease(lease, holder)])
    time.sleep(SETTLE_SECONDS)
    if _holder(kube.get(*lease)) != holder:
        raise _conflict(lease, of)
    threading.Thread(target=_beat, args=(kube, lease, holder, ended), daemon=True, name="drill lease").start()
    try:
        yield
    finally:
        ended.set()
        with contextlib.suppress(HaError):  # what went wrong before is the news; the next drill takes it over
            kube.delete([lease])


def _require_silence(kube: Kube, lease: Ref, of: str) -> None:
    """By looking twice: no clocks are compared."""
    before = kube.get(*lease)
    if before is None:
        return
    time.sleep(SILENT_SECONDS)
    after = kube.get(*lease)
    if after is not None and after["spec"].get("renewTime") != before["spec"].get("renewTime"):
        raise _conflict(lease, of)


def _conflict(lease: Ref, of: str) -> Conflict:
    return Conflict(f"Another drill of {of} runs: it renews {lease}", "Wait for its end")


def _beat(kube: Kube, lease: Ref, holder: str, ended: threading.Event) -> None:
    while not ended.wait(BEAT_SECONDS):
        with contextlib.suppress(HaError):
            if _holder(kube.get(*lease)) == holder and not ended.is_set():
                kube.apply([_lease(lease, holder)])


def _holder(lease: Object | None) -> str | None:
    return lease["spec"].get("holderIdentity") if lease else None


def _lease(lease: Ref, holder: str) -> Object:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {
        "apiVersion": lease.api_version,
        "kind": lease.kind,
        "metadata": {"name": lease.name, "namespace": lease.namespace},
        "spec": {"holderIdentity": holder, "renewTime": now, "leaseDurationSeconds": int(SILENT_SECONDS)},
    }
