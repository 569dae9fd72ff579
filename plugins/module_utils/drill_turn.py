# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One drill of a database at a time: a Lease beside it, renewed all the while, taken over when nobody renews it.

Not in the hosted cluster, which may not answer during a drill.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import secrets
import threading
import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

BEAT_SECONDS = 2.0
SILENT_SECONDS = 10.0
"""A Lease that was not renewed for so long belongs to a drill that was killed."""
LOOK_SECONDS = 30.0
"""How long an API server may be away that is asked whose it is."""
SETTLE_SECONDS = 1.0
"""Of two drills that take it at the same moment, the one that wrote last has it."""


@dataclasses.dataclass(frozen=True)
class Turn:
    """A Lease that a drill holds."""

    kube: Kube
    lease: Ref
    of: str
    holder: str = dataclasses.field(default_factory=lambda: secrets.token_hex(8))
    ended: threading.Event = dataclasses.field(default_factory=threading.Event)
    lost: threading.Event = dataclasses.field(default_factory=threading.Event)

    def require(self) -> None:
        """Raise Conflict where this drill was silent for so long that another one has taken it for dead.

        It looks itself, because whoever renews the Lease may hang in a request. Raises WaitTimeout where it cannot.
        """
        if self.lost.is_set() or not self._still_ours():
            raise Conflict(
                f"Another drill of {self.of} has begun, because {self.lease} was not renewed in time",
                "The Kubernetes API server was away or slow for too long: drill again when it is well",
            )

    def is_ours(self) -> bool:
        """Whether this drill still holds it."""
        return _holder(self.kube.get(*self.lease)) == self.holder

    def _still_ours(self) -> bool:
        return self.kube.wait(lambda: Verdict(True, "", {"ours": self.is_ours()}), LOOK_SECONDS).details["ours"] is True

    def write(self) -> None:
        """Take it, or say that it is still held."""
        self.kube.apply([_lease(self.lease, self.holder)])


@contextlib.contextmanager
def turn(kube: Kube, name: str, namespace: str, *, of: str = "this database") -> t.Iterator[Turn]:
    """Hold the Lease of what a drill may touch. Raises Conflict while another drill does."""
    lease = Ref("coordination.k8s.io/v1", "Lease", f"{name}-failover-drill", namespace)
    held = Turn(kube, lease, of)
    _require_silence(kube, lease, of)
    held.write()
    time.sleep(SETTLE_SECONDS)
    if not held.is_ours():
        raise _conflict(lease, of)
    threading.Thread(target=_beat, args=(held,), daemon=True, name="drill lease").start()
    try:
        yield held
    finally:
        held.ended.set()
        with contextlib.suppress(HaError):  # what went wrong before is the news; the next drill takes it over
            if held.is_ours():
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


def _beat(held: Turn) -> None:
    while not held.ended.wait(BEAT_SECONDS):
        with contextlib.suppress(HaError):
            if not held.is_ours():
                held.lost.set()
            elif not held.ended.is_set():
                held.write()


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
