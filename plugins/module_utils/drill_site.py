# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One control plane of a drill: its clients at work, what they see, and what is there afterwards."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import drill_place
from ansible_collections.k0smotron.ha.plugins.module_utils.drill import oracle
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import (
    ACKNOWLEDGED,
    Afterwards,
    Lag,
    Log,
    Moment,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_load import Clients, Load
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_subject import Subject
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

LOOK_SECONDS = 1.0
"""How often roles and replicas are looked at for the timeline."""
LAG_SECONDS = 3.0
"""How often the primary is asked for the lag: each time is a process in its pod, and should not be what is measured."""
_EXAMINING = threading.Lock()
"""One at a time: each takes connections of a server that may be everybody's, and counts those of others."""
HEAR_SECONDS = 60.0
"""Watchers get so long after the last write to hear of it; how long they took is in the certificate."""


class Site:
    """A control plane and the clients that a drill has in a namespace of its own there."""

    def __init__(self, subject: Subject, namespace: str, load: Load) -> None:
        self.subject = subject
        self._namespace = namespace
        self._before = subject.bookkeeping(), subject.authority()
        subject.require_seen(self._before[0])
        self._clients = Clients(subject.address, namespace, load)
        self._calm = threading.Event()
        self._over = 0.0
        self._down = ""

    @property
    def log(self) -> Log:
        """What its clients saw, in seconds since they are there."""
        return self._clients.log

    def start(self) -> None:
        """Clients begin, and it is looked at for the timeline until `stop`."""
        self._clients.start()
        for look in (self._look, self._look_at_lag):  # apart, because a primary that hangs lets the second wait
            threading.Thread(target=look, daemon=True).start()

    def require_writes(self) -> None:
        """Raise WaitTimeout when nothing has been written."""
        if not any(write.outcome == ACKNOWLEDGED for write in self.log.writes):
            name = f"{self.subject.options.namespace}/{self.subject.options.name}"
            raise WaitTimeout(f"No write to {name} was acknowledged in the warm-up, so there is nothing to disturb")

    def fault_begins(self) -> None:
        """Gaps are counted from here."""
        self.log.fault_at = self._clients.now()

    def fault_is_over(self) -> None:
        """What is acknowledged from here on shows that it is up again."""
        self._over = self._clients.now()

    def up(self) -> Verdict:
        """Are writes acknowledged again, and is everything up?"""
        if not any(write.began > self._over and write.outcome == ACKNOWLEDGED for write in self.log.writes[-50:]):
            return Verdict(False, "no write has been acknowledged since the fault")
        return self.subject.up()

    def recovery_is_over(self) -> None:
        """What is down now has not recovered in time."""
        verdict = self.up()
        self._down = "" if verdict.up else verdict.reason

    def stop_writing(self) -> None:
        """Writers and readers end; watchers stay, to hear of the last writes."""
        self._clients.stop_writing()

    def afterwards(self) -> Afterwards:
        """What is there, once watchers have heard of it or have had their time."""
        self._let_hear()
        address, known = self.subject.address, {write.key for write in self.log.writes}
        objects, unread = drill_place.read_back(address, self._namespace, known)
        bookkeeping, authority = self._before
        with _EXAMINING:
            kine = self.subject.broken(bookkeeping)
        return Afterwards(
            objects=objects,
            unread=unread,
            replicas=self.subject.differences(),
            authority=(authority, self.subject.authority()),
            kine=kine,
            down=self._down,
        )

    def stop(self) -> None:
        """Nobody is at work any more."""
        self._clients.stop()
        self._calm.set()

    def _let_hear(self) -> None:
        until = time.monotonic() + HEAR_SECONDS
        while next(oracle.unheard(self.log), None) and time.monotonic() < until:
            time.sleep(1)

    def _look(self) -> None:
        last = ""
        while not self._calm.wait(LOOK_SECONDS):
            with contextlib.suppress(HaError):
                seen = self.subject.look()
                if seen != last:
                    self.log.moments.append(Moment(self._clients.now(), seen))
                last = seen

    def _look_at_lag(self) -> None:
        while not self._calm.wait(LAG_SECONDS):
            with contextlib.suppress(HaError):
                missing = self.subject.lag()
                if missing:
                    self.log.lags.append(Lag(self._clients.now(), missing))


@contextlib.contextmanager
def site(subject: Subject, load: Load) -> t.Iterator[Site]:
    """A control plane with a namespace for the drill, which goes in any case; what killed drills left there goes before."""
    drill_place.clean(subject.address)
    namespace = drill_place.make(subject.address)
    try:
        opened = Site(subject, namespace, load)
        try:
            yield opened
        finally:
            opened.stop()
    finally:
        with contextlib.suppress(HaError):  # what went wrong before is the news; the next drill removes it
            drill_place.remove(subject.address, namespace)
