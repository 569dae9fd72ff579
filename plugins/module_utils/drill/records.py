# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the drill's clients write down: each request and each event, as they saw it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

Outcome: t.TypeAlias = t.Literal["acknowledged", "failed", "unknown"]
ACKNOWLEDGED: t.Final = "acknowledged"
FAILED: t.Final = "failed"
UNKNOWN: t.Final = "unknown"
OUTCOMES: t.Sequence[Outcome] = (ACKNOWLEDGED, FAILED, UNKNOWN)
Verb: t.TypeAlias = t.Literal["create", "update", "delete"]


@dataclass(frozen=True)
class Write:
    """One request that changes an object; value is what the object says afterwards, None where it is gone.

    A request is ``failed`` when the API server said no, or never got it. It is ``unknown`` when it was sent and no answer
    came, or one that says that something behind the API server failed (5xx): then it may have been done, or be done later.
    """

    verb: Verb
    key: str
    value: str | None
    began: float
    ended: float
    outcome: Outcome
    version: int | None = None
    """The resourceVersion that an acknowledged create or update got."""
    error: str = ""
    tries: int = 1
    """How often it was sent, or tried to; it began with the first time."""


@dataclass(frozen=True)
class Read:
    """One GET of an object whose creation had been acknowledged before, and that nobody deletes."""

    key: str
    began: float
    ended: float
    found: bool | None
    """None where there was no answer."""
    tries: int = 1


@dataclass(frozen=True)
class Event:
    """One event of a watch."""

    at: float
    kind: t.Literal["ADDED", "MODIFIED", "DELETED"]
    key: str
    value: str | None
    version: int


@dataclass(frozen=True)
class Anew:
    """A watcher was told to begin anew: it had heard of all up to the version ``after``, and its new list has ``version``."""

    after: int
    version: int
    objects: t.Mapping[str, str]


@dataclass
class Watched:
    """What one watcher saw. Broken says how often its connection ended, anew what it listed when told to begin anew."""

    name: str
    events: list[Event] = field(default_factory=list)
    broken: int = 0
    anew: list[Anew] = field(default_factory=list)

    def view(self) -> dict[str, str]:
        """What is there, as far as this watcher knows: its last list, and what it was told since."""
        last = self.anew[-1] if self.anew else Anew(0, 0, {})
        found = dict(last.objects)
        for event in self.events:
            if event.version > last.version:
                found.pop(event.key, None)
                if event.kind != "DELETED" and event.value is not None:
                    found[event.key] = event.value
        return found


@dataclass(frozen=True)
class Moment:
    """Something that happened meanwhile, for the timeline, such as another leader."""

    at: float
    what: str


@dataclass(frozen=True)
class Lag:
    """For each standby that streams, the bytes that it had not written to its disk yet; it is the primary that knows."""

    at: float
    missing: t.Mapping[str, int]


@dataclass
class Log:
    """All that was seen of one drill. ``fault_at`` is when the fault began, ``calm_at`` when the writers stopped."""

    writes: list[Write] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    watchers: list[Watched] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    lags: list[Lag] = field(default_factory=list)
    fault_at: float = 0.0
    calm_at: float = 0.0


@dataclass(frozen=True)
class Afterwards:
    """What was found when all was calm again: for each key its value in the database, and what else was asked."""

    objects: t.Mapping[str, str]
    unread: t.Sequence[str]
    """What the database was asked for and nobody answered."""
    replicas: t.Sequence[str]
    """What speaks against the replicas of the control plane holding the same objects in their memories."""
    authority: tuple[str, str]
    """Digests of the control plane's authority before and after."""
    kine: t.Sequence[str]
    """What kine_check says against the datastore's own bookkeeping."""
    down: str = ""
    """What was not up again in the time for recovery."""
