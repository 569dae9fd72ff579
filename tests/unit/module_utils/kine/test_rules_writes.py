# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that write over two connections, compact, and store large values."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, HaError, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_writes
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Row, Scratch, SerializationFailure
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from tests.unit.module_utils.kine.standin import MemoryScratch, StandIn, look_at

AGAIN = Plan(thorough=False)
RULES = (rules_writes.own_writes_are_read, rules_writes.compaction_works, rules_writes.big_values_fit)


@pytest.mark.parametrize("rule", RULES)
def test_healthy(rule: t.Any) -> None:
    assert rule(look_at(StandIn())).status == "ok"


@pytest.mark.parametrize("rule", RULES[:2])
def test_no_second_connection(rule: t.Any) -> None:
    memory = MemoryScratch()
    memory.more = 0
    finding = rule(look_at(StandIn(memory=memory)))
    assert (finding.status, "no connection slot" in finding.observed) == ("skipped", True)
    assert not memory.rows


class Replica(MemoryScratch):
    """Another connection sees only every second row."""

    def others(self, count: int) -> list[Scratch]:
        behind = MemoryScratch()
        behind.after = lambda revision: [row for row in self.after(revision) if row.id % 2]  # type: ignore[method-assign]
        return [behind] * count


def test_reads_that_are_late() -> None:
    finding = rules_writes.own_writes_are_read(look_at(StandIn(memory=Replica())))
    assert (finding.status, finding.observed.split()[:3]) == ("fail", ["15", "of", "30"])


def test_where_the_way_was_tried_few_reads_do() -> None:
    finding = rules_writes.own_writes_are_read(look_at(StandIn(memory=Replica()), AGAIN))
    assert (finding.status, finding.observed.split()[1:3]) == ("fail", ["of", "5"])


def test_tries_end_early_on_a_slow_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_writes, "OWN_WRITES_SECONDS", 0)
    assert rules_writes.own_writes_are_read(look_at(StandIn())).observed == "0 of 0 rows"


class Compacting(MemoryScratch):
    """A compaction with one fault."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def compact(self, revision: int, beside: t.Callable[[], object]) -> int:
        if self.fault == "refused":
            beside()
            raise SerializationFailure("could not serialize access")
        if self.fault == "deletes nothing":
            beside()
            beside()
            return 0
        gone = super().compact(revision - (self.fault == "deletes too little"), beside)
        if self.fault == "deletes the newest":
            self.rows[:] = [row for row in self.rows if row[0].id != revision]
        if self.fault == "deletes what was written meanwhile":
            self.rows.pop()
        return gone


@pytest.mark.parametrize(
    "fault",
    [
        "refused",
        "deletes nothing",
        "deletes too little",
        "deletes the newest",
        "deletes what was written meanwhile",
    ],
)
def test_compaction_that_is_wrong(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_writes, "SETTLE_SECONDS", 0)
    finding = rules_writes.compaction_works(look_at(StandIn(memory=Compacting(fault))))
    assert finding.status == "fail"
    assert finding.remedy


class Small(MemoryScratch):
    """Values are cut off, or refused."""

    def __init__(self, error: HaError | None = None) -> None:
        super().__init__()
        self.error = error

    def insert(self, name: str, value: bytes, *, previous: int = 0, deleted: bool = False) -> int:
        if self.error and len(value) > 2**20:
            raise self.error
        return super().insert(name, value, previous=previous, deleted=deleted)

    def after(self, revision: int) -> list[Row]:
        return [replace(row, value=(row.value or b"")[: 2**20]) for row in super().after(revision)]


def test_value_that_is_cut_off() -> None:
    finding = rules_writes.big_values_fit(look_at(StandIn(memory=Small())))
    assert (finding.status, finding.observed) == ("fail", "1048576 bytes came back")


@pytest.mark.parametrize(("plan", "size"), [(Plan(), "1.5 MiB"), (AGAIN, "0.125 MiB")])
def test_the_size_that_was_tried_is_told(plan: Plan, size: str) -> None:
    finding = rules_writes.big_values_fit(look_at(StandIn(), plan))
    assert finding.observed == f"a value of {size} comes back as it was written"


def test_value_that_is_refused() -> None:
    finding = rules_writes.big_values_fit(look_at(StandIn(memory=Small(HaError("packet too large")))))
    assert (finding.status, finding.observed) == ("fail", "refused: packet too large")
    assert "Raise the limit" in finding.remedy


@pytest.mark.parametrize("error", [Unreachable("the connection was lost"), Forbidden("permission denied")])
def test_other_errors_are_told_as_such(error: HaError) -> None:
    with pytest.raises(error.__class__):
        rules_writes.big_values_fit(look_at(StandIn(memory=Small(error))))
