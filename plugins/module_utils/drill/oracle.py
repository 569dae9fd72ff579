# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of a drill, from the clients' side only. Pure.

Each rule is one function of the log and of what was found afterwards; it returns what speaks against it, in words.
"""

from __future__ import annotations

import itertools
import typing as t
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import (
    ACKNOWLEDGED,
    FAILED,
    OUTCOMES,
    UNKNOWN,
    Afterwards,
    Log,
    Watched,
    Write,
)

MOST_SHOWN = 5
"""Of what speaks against a rule: a lost database speaks with every write."""


@dataclass(frozen=True)
class Finding:
    """One rule, judged."""

    id: str
    title: str
    ok: bool
    count: int
    observed: str


Rule: t.TypeAlias = t.Callable[[Log, Afterwards], Iterator[str]]


def judge(log: Log, afterwards: Afterwards) -> list[Finding]:
    """Judge every rule, in the order of :data:`RULES`."""
    return [_finding(*rule, log, afterwards) for rule in RULES]


def _finding(name: str, title: str, rule: Rule, log: Log, afterwards: Afterwards) -> Finding:
    against = list(rule(log, afterwards))
    rest = f"; and {len(against) - MOST_SHOWN} more" if len(against) > MOST_SHOWN else ""
    return Finding(name, title, not against, len(against), "; ".join(against[:MOST_SHOWN]) + rest)


def lost(log: Log, afterwards: Afterwards) -> Iterator[str]:
    """Acknowledged writes that are not there any more."""
    for key, writes in _by_key(log).items():
        known, maybe = _last(writes)
        value = afterwards.objects.get(key)
        if known is not None and key not in afterwards.unread and value not in (known.value, *maybe):
            yield f"{known.verb} of {key} was acknowledged at {known.ended:.1f} s, and {_shown(value)} is there"


def invented(log: Log, afterwards: Afterwards) -> Iterator[str]:
    """What is there, or was told by a watch, and nobody sent; a write that was refused counts as not sent."""
    sent: defaultdict[str, set[str | None]] = defaultdict(set)
    for write in log.writes:
        if write.outcome != FAILED:
            sent[write.key].add(write.value)
    for key, value in afterwards.objects.items():
        if value not in sent[key]:
            yield f"{key} says {value}"
    for name, key, told in _told(log):
        if told not in sent[key]:
            yield f"{name} was told that {key} says {told}"


def _told(log: Log) -> Iterator[tuple[str, str, str | None]]:
    """Who was told what key says what, by an event or by a list."""
    for watcher in log.watchers:
        yield from ((watcher.name, event.key, event.value) for event in watcher.events if event.kind != "DELETED")
        yield from ((watcher.name, *item) for anew in watcher.anew for item in anew.objects.items())


def backwards(log: Log, afterwards: Afterwards) -> Iterator[str]:
    """A write that began after another one was acknowledged must get a higher resourceVersion; so must a watch's events."""
    done = sorted((write for write in log.writes if write.version is not None), key=lambda write: write.ended)
    begun = sorted(done, key=lambda write: write.began)
    highest, reached = 0, 0
    for write in begun:
        while reached < len(done) and done[reached].ended < write.began:
            highest = max(highest, done[reached].version or 0)
            reached += 1
        if write.version is not None and write.version <= highest:
            yield f"{write.verb} of {write.key} got {write.version} after {highest} had been given out"
    for watcher in log.watchers:
        for earlier, later in itertools.pairwise(watcher.events):
            if later.version <= earlier.version:
                yield f"{watcher.name} was told {later.version} after {earlier.version}"


def missed(log: Log, afterwards: Afterwards) -> Iterator[str]:
    """An acknowledged write that a watcher never heard of."""
    yield from unheard(log)


def unheard(log: Log) -> Iterator[str]:
    """What a watcher has not heard of yet.

    Whoever was told to begin anew may have missed by right what came between its last event and its new list; but what it
    knows by that list and later events has to be what was acknowledged last.
    """
    by_key = _by_key(log)
    for watcher in log.watchers:
        told = {(event.key, None if event.kind == "DELETED" else event.value) for event in watcher.events}
        view = watcher.view()
        for key, writes in by_key.items():
            known, maybe = _last(writes)
            for write in writes:
                if write.outcome != ACKNOWLEDGED:
                    continue
                heard = (key, write.value) in told or _excused(write, watcher)
                if heard and watcher.anew and write is known:
                    heard = view.get(key) in (write.value, *maybe)
                if not heard:
                    yield f"{watcher.name} never heard of the {write.verb} of {key} at {write.ended:.1f} s"


def _excused(write: Write, watcher: Watched) -> bool:
    """Whether it may have come while the watcher could not hear of it; a deletion has no version that would tell."""
    return any(write.version is None or anew.after < write.version <= anew.version for anew in watcher.anew)


def stale(log: Log, afterwards: Afterwards) -> Iterator[str]:
    """A read that did not find what had been acknowledged before it began."""
    for read in log.reads:
        if read.found is False:
            yield f"{read.key} was not found at {read.began:.1f} s"


def unread(log: Log, afterwards: Afterwards) -> Iterator[str]:
    """What could not be read back: nobody knows whether it is lost."""
    yield from afterwards.unread


def replicas_differ(log: Log, afterwards: Afterwards) -> Iterator[str]:
    """The replicas of the control plane hold different objects in their memories, or do not say."""
    yield from afterwards.replicas


def authority_changed(log: Log, afterwards: Afterwards) -> Iterator[str]:
    """Every kubeconfig and token out there depends on it."""
    before, after = afterwards.authority
    if before != after:
        yield f"{before[:12]} before, {after[:12]} after"


def kine_is_off(log: Log, afterwards: Afterwards) -> Iterator[str]:
    """kine's own numbers, which a later write depends on."""
    yield from afterwards.kine


def not_recovered(log: Log, afterwards: Afterwards) -> Iterator[str]:
    """A database that serves, but without its standby, is one failure away from an outage."""
    if afterwards.down:
        yield afterwards.down


RULES: t.Sequence[tuple[str, str, Rule]] = (
    ("lost", "No acknowledged write is lost", lost),
    ("unread", "Everything could be read back", unread),
    ("invented", "Nothing is there that was never sent", invented),
    ("backwards", "resourceVersion never goes back", backwards),
    ("missed", "No watcher missed an event", missed),
    ("stale", "Every read finds what was acknowledged before it", stale),
    ("replicas", "All replicas hold the same objects", replicas_differ),
    ("authority", "The control plane's authority is the same", authority_changed),
    ("kine", "kine's bookkeeping is consistent", kine_is_off),
    ("recovered", "Control plane and database are up again", not_recovered),
)


def counts(log: Log) -> dict[str, int]:
    """How many writes had which outcome."""
    found = Counter(write.outcome for write in log.writes)
    return {outcome: found[outcome] for outcome in OUTCOMES}


def _by_key(log: Log) -> dict[str, list[Write]]:
    """One writer makes all writes of a key, one after the other, so their order is that of the log."""
    found: defaultdict[str, list[Write]] = defaultdict(list)
    for write in log.writes:
        found[write.key].append(write)
    return found


def _last(writes: t.Sequence[Write]) -> tuple[Write | None, list[str | None]]:
    """The last acknowledged write, and the values of those after it that may have been done."""
    acknowledged = [number for number, write in enumerate(writes) if write.outcome == ACKNOWLEDGED]
    if not acknowledged:
        return None, []
    last = acknowledged[-1]
    return writes[last], [write.value for write in writes[last + 1 :] if write.outcome == UNKNOWN]


def _shown(value: str | None) -> str:
    return "nothing" if value is None else value
