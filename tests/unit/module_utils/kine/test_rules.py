# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check over plain facts: what is fine, what is a warning, what is a failure."""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import replace

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import (
    rules_connection,
    rules_server,
    rules_table,
    rules_writes,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import (
    Durability,
    Home,
    LiveIndex,
    Prepared,
    Replication,
    Row,
    Slots,
    Standby,
    WriteState,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.release import choose
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Tls
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import (
    INDEXES,
    NAMES_IN_RANGE,
    NAMES_OUTSIDE,
    UNIQUE_REVISION,
)
from tests.unit.module_utils.kine.standin import TABLE, URL, MemoryScratch, StandIn, look_at, with_table

PRIMARY = WriteState("192.0.2.1", standby=False, read_only=False)
STANDBY = WriteState("192.0.2.2", standby=True, read_only=True)
READ_ONLY = WriteState("192.0.2.1", standby=False, read_only=True)


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("postgres://kine:x@db.example:5432/kine?sslmode=require&connect_timeout=5", "ok"),
        ("postgres://kine:x@db.example:5432/kine?sslmode=disable", "warn"),
        ("postgres://kine:x@db.example:5432/kine?sslmode=maybe", "fail"),
    ],
)
def test_dsn(url: str, status: str) -> None:
    finding = rules_connection.dsn_is_sound(look_at(StandIn(), url=url))
    assert finding.status == status
    assert bool(finding.remedy) == (status != "ok")


@pytest.mark.parametrize(("tls", "status"), [(Tls(used=True), "ok"), (Tls(), "warn")])
def test_tls(tls: Tls, status: str) -> None:
    assert rules_connection.is_encrypted(look_at(StandIn(encryption=tls))).status == status


@pytest.mark.parametrize(
    ("states", "status", "words"),
    [
        ([PRIMARY], "ok", "5 of 5"),
        ([STANDBY], "fail", "5 of 5 connections reached a standby"),
        ([PRIMARY, PRIMARY, PRIMARY, PRIMARY, STANDBY], "fail", "1 of 5 connections reached a standby"),
        ([PRIMARY, READ_ONLY, PRIMARY, PRIMARY, PRIMARY], "fail", "1 of 5 connections are read only"),
    ],
)
def test_writable(states: list[WriteState], status: str, words: str) -> None:
    finding = rules_connection.is_writable(look_at(StandIn(states=states)))
    assert (finding.status, words in finding.observed) == (status, True)


def test_writable_where_the_way_was_tried() -> None:
    finding = rules_connection.is_writable(look_at(StandIn(states=[PRIMARY, STANDBY]), Plan(thorough=False)))
    assert finding.observed.startswith("1 of 2 connections reached a standby")


@pytest.mark.parametrize(
    ("level", "status"),
    [("read committed", "ok"), ("repeatable read", "warn"), ("read uncommitted", "warn"), ("serializable", "fail")],
)
def test_isolation(level: str, status: str) -> None:
    assert rules_connection.isolation_is_plain(look_at(StandIn(level=level))).status == status


@pytest.mark.parametrize(
    ("mode", "kine", "status"),
    [
        ("", "0.16.3", "fail"),
        ("exec", "0.16.3", "ok"),
        ("simple_protocol", "0.16.3", "ok"),
        ("describe_exec", "0.16.3", "fail"),
        ("cache_describe", "0.16.3", "fail"),
        ("exec", "0.9.9", "fail"),
    ],
)
def test_prepared_statements_that_are_lost(mode: str, kine: str, status: str) -> None:
    lost = StandIn(pooled=Prepared('prepared statement "x" does not exist', 1))
    url = URL + (f"&default_query_exec_mode={mode}" if mode else "")
    finding = rules_connection.statements_stay_prepared(look_at(lost, Plan(kine=choose(kine, None)), url))
    assert finding.status == status
    assert finding.observed.startswith("lost between transactions")
    assert ("default_query_exec_mode=exec" in finding.remedy) == (status == "fail")


@pytest.mark.parametrize(
    ("schema", "may_create", "status"), [("public", True, "ok"), ("public", False, "fail"), ("", False, "fail")]
)
def test_schema(schema: str, may_create: bool, status: str) -> None:
    place = Home(role="kine", database="kine", schema=schema, may_create=may_create)
    assert rules_table.may_create(look_at(StandIn(place=place))).status == status


@pytest.mark.parametrize(("owned", "status"), [(True, "ok"), (False, "fail")])
def test_owner(owned: bool, status: str) -> None:
    finding = rules_table.owns_table(look_at(with_table(owned=owned, owner="admin")))
    assert finding.status == status
    assert "admin" in finding.observed


@pytest.mark.parametrize(
    "rule", [rules_table.owns_table, rules_table.columns_fit, rules_table.collation_is_bytes, rules_table.indexes_fit]
)
def test_no_table_is_fine(rule: t.Callable[[t.Any], t.Any]) -> None:
    finding = rule(look_at(StandIn(kine=None)))
    assert finding.status == "ok"
    assert "no table yet" in finding.observed


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({}, "ok", ""),
        ({"id": "integer"}, "warn", "id is integer"),
        ({"name": "character varying(630)"}, "warn", "name is character varying(630)"),
        ({"name": "character varying(100)"}, "fail", "name is character varying(100), not text"),
        ({"value": "text"}, "fail", "value is text, not bytea"),
        ({"id": "integer", "value": "text"}, "fail", "value is text, not bytea"),
        ({"extra": "text"}, "ok", ""),
    ],
)
def test_column_types(changes: dict[str, str], status: str, words: str) -> None:
    finding = rules_table.columns_fit(look_at(with_table(columns={**TABLE.columns, **changes})))
    assert (finding.status, words in finding.observed) == (status, True)


@pytest.mark.parametrize("column", sorted(TABLE.columns))
def test_column_missing(column: str) -> None:
    columns = {name: kind for name, kind in TABLE.columns.items() if name != column}
    finding = rules_table.columns_fit(look_at(with_table(columns=columns)))
    assert (finding.status, f"{column} is missing" in finding.observed) == ("fail", True)


@pytest.mark.parametrize(("required", "status"), [({"id"}, "fail"), ({"tenant"}, "fail"), ({"name"}, "ok")])
def test_columns_that_must_be_filled(required: set[str], status: str) -> None:
    assert rules_table.columns_fit(look_at(with_table(required=frozenset(required)))).status == status


@pytest.mark.parametrize(
    ("selected", "collated", "status"),
    [
        (NAMES_IN_RANGE, sorted(NAMES_IN_RANGE + NAMES_OUTSIDE), "ok"),
        (NAMES_IN_RANGE, sorted(NAMES_IN_RANGE + NAMES_OUTSIDE, key=str.lower), "warn"),
        ((), sorted(NAMES_IN_RANGE + NAMES_OUTSIDE), "fail"),
        (NAMES_IN_RANGE[1:], sorted(NAMES_IN_RANGE + NAMES_OUTSIDE), "fail"),
        (NAMES_IN_RANGE + NAMES_OUTSIDE[:1], sorted(NAMES_IN_RANGE + NAMES_OUTSIDE), "fail"),
    ],
)
def test_collation(selected: tuple[str, ...], collated: list[str], status: str) -> None:
    database = with_table(selected=frozenset(selected), collated=tuple(collated))
    assert rules_table.collation_is_bytes(look_at(database)).status == status


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: index.name)
@pytest.mark.parametrize("fault", ["missing", "unusable", "other keys"])
def test_index(index: t.Any, fault: str) -> None:
    instead = {
        "missing": (),
        "unusable": (LiveIndex(index, usable=False),),
        "other keys": (LiveIndex(replace(index, keys=(*index.keys[::-1], "lease")), usable=True),),
    }
    kept = tuple(live for live in TABLE.indexes if live.index != index)
    finding = rules_table.indexes_fit(look_at(with_table(indexes=kept + instead[fault])))
    assert finding.status == ("fail" if index.unique else "warn")
    assert index.name in finding.observed
    assert index.name in finding.remedy
    assert ("PRIMARY KEY" in finding.remedy) == (index is INDEXES[0])


def test_unique_index_that_is_not_unique() -> None:
    indexes = tuple(
        LiveIndex(replace(live.index, unique=live.index.unique and live.index != UNIQUE_REVISION), usable=True)
        for live in TABLE.indexes
    )
    assert rules_table.indexes_fit(look_at(with_table(indexes=indexes))).status == "fail"


@pytest.mark.parametrize(
    ("slots", "plan", "status"),
    [
        (Slots(100, 3, 0, -1), Plan(1, 3, 10), "ok"),
        (Slots(100, 3, 67, -1), Plan(1, 3, 10), "ok"),
        (Slots(100, 3, 68, -1), Plan(1, 3, 10), "fail"),
        (Slots(100, 3, 0, 30), Plan(1, 3, 10), "ok"),
        (Slots(100, 3, 0, 29), Plan(1, 3, 10), "fail"),
        (Slots(100, 3, 0, -1), Plan(4, 3, 10), "fail"),
    ],
)
def test_connections(slots: Slots, plan: Plan, status: str) -> None:
    finding = rules_server.connections_suffice(look_at(StandIn(room=slots), plan))
    assert finding.status == status


@pytest.mark.parametrize(("slots", "status"), [(100, "ok"), (70, "warn"), (20, "fail")])
def test_a_kine_that_reads_no_limit_has_none(slots: int, status: str) -> None:
    old = Plan(max_open=10, kine=choose(None, "v1.33.4-k0s.0"))
    finding = rules_server.connections_suffice(look_at(StandIn(room=Slots(slots, 3, 0, -1)), old))
    assert finding.status == status
    assert ("does not read the limit of 10" in finding.observed) is (status == "warn")


@pytest.mark.parametrize(
    ("safe", "status", "off"),
    [
        (Durability(True, True), "ok", []),
        (Durability(False, True), "fail", ["fsync"]),
        (Durability(True, False), "warn", ["full_page_writes"]),
        (Durability(False, False), "fail", ["fsync", "full_page_writes"]),
        (Durability(True, True, flushes_commits=False), "fail", ["synchronous_commit"]),
        (Durability(True, False, flushes_commits=False), "fail", ["synchronous_commit", "full_page_writes"]),
    ],
)
def test_durability(safe: Durability, status: str, off: list[str]) -> None:
    finding = rules_server.survives_a_crash(look_at(StandIn(safe=safe)))
    assert finding.status == status
    assert [part.split()[0] for part in finding.observed.split("; ") if status != "ok"] == off
    assert [name for name in ("fsync", "synchronous_commit", "full_page_writes") if name in finding.remedy] == off


def test_torn_pages_are_for_the_storage_to_prevent() -> None:
    finding = rules_server.survives_a_crash(look_at(StandIn(safe=Durability(True, False))))
    assert "unless the storage writes whole pages of 8 KiB: Aurora, ZFS" in finding.observed
    assert "parameter group" in finding.remedy


SYNC, ASYNC = Standby("a", "streaming", "sync"), Standby("b", "streaming", "async")
HIDDEN = Standby("a", "", "")


@pytest.mark.parametrize(
    ("wanted", "commit", "standbys", "status"),
    [
        ("", "on", [], "warn"),
        ("", "on", [ASYNC], "warn"),
        ("a", "on", [SYNC, ASYNC], "ok"),
        ("a", "remote_apply", [SYNC], "ok"),
        ("a", "local", [SYNC], "warn"),
        ("a", "off", [SYNC], "warn"),
        ("a", "on", [], "fail"),
        ("a", "on", [ASYNC], "fail"),
        ("b", "on", [ASYNC], "fail"),
        ("a", "on", [HIDDEN], "ok"),
        ("A", "on", [HIDDEN], "ok"),
        ("c", "on", [HIDDEN], "fail"),
        ("*", "on", [HIDDEN], "ok"),
        ('"a"', "on", [HIDDEN], "ok"),
        ("FIRST 1 (a, c)", "on", [HIDDEN], "ok"),
        ("ANY 2 (a, c)", "on", [HIDDEN], "fail"),
        ("2 (a, c)", "on", [SYNC], "fail"),
        ("ANY 1 (a, c)", "on", [Standby("a", "streaming", "quorum")], "ok"),
    ],
)
def test_replication(wanted: str, commit: str, standbys: list[Standby], status: str) -> None:
    copies = Replication(wanted, commit, tuple(standbys))
    assert rules_server.replication_is_synchronous(look_at(StandIn(copies=copies))).status == status


@pytest.mark.parametrize(
    ("standbys", "words"),
    [
        ([], "no standby shows in SQL, and synchronous_standby_names is empty"),
        ([SYNC, ASYNC], "asynchronous; standbys: a sync, b async"),
        ([HIDDEN], "asynchronous; standbys: a (state hidden from this role)"),
        ([Standby("", "", "async")], "asynchronous; standbys: standby async"),
    ],
)
def test_replication_in_words(standbys: list[Standby], words: str) -> None:
    copies = Replication("", "on", tuple(standbys))
    finding = rules_server.replication_is_synchronous(look_at(StandIn(copies=copies)))
    assert finding.observed == words
    assert ("RDS Multi-AZ" in finding.remedy) == (not standbys)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("a", (1, {"a"})),
        ("a, b", (1, {"a", "b"})),
        ("FIRST 2 (a, b, c)", (2, {"a", "b", "c"})),
        ("any 3(*)", (3, {"*"})),
        ('1 ("acid-minimal-cluster-1")', (1, {"acid-minimal-cluster-1"})),
    ],
)
def test_wanted_standbys(setting: str, expected: tuple[int, set[str]]) -> None:
    count, names = expected
    assert rules_server.wanted_standbys(setting) == (count, frozenset(names))


class Skewed(MemoryScratch):
    """A scratch table with one fault."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault
        if fault == "steps":
            self.numbers = itertools.count(1, 2)
        if fault == "backwards":
            self.numbers = itertools.count(1000, -1)

    def insert(self, name: str, value: bytes, *, previous: int = 0, deleted: bool = False) -> int:
        if self.fault == "no unique index":
            previous = previous or -1 - len(self.rows)
        return super().insert(name, value, previous=previous, deleted=deleted)

    def after(self, revision: int) -> list[Row]:
        rows = super().after(revision)
        faults = {
            "stale": rows[:-1],
            "reversed": rows[::-1],
            "old values lost": [replace(row, old_value=None) for row in rows],
        }
        return faults.get(self.fault, rows)

    def listing(self, start: str, end: str) -> list[Row]:
        rows = super().listing(start, end)
        faults = {
            "empty": [],
            "order": sorted(rows, key=lambda row: row.name.lower()),
            "wide": [*rows, Row(99, NAMES_OUTSIDE[0], b"", None)],
        }
        return faults.get(self.fault, rows)


@pytest.mark.parametrize("fault", ["steps", "backwards", "stale", "reversed", "old values lost", "no unique index"])
def test_revisions_that_are_wrong(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_writes, "SETTLE_SECONDS", 0)
    finding = rules_writes.revisions_count_up(look_at(StandIn(memory=Skewed(fault))))
    assert finding.status == "fail"
    assert finding.remedy


def test_revisions_that_are_right() -> None:
    assert rules_writes.revisions_count_up(look_at(StandIn())).status == "ok"


@pytest.mark.parametrize("fault", ["empty", "order", "wide"])
def test_ranges_that_are_wrong(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_writes, "SETTLE_SECONDS", 0)
    assert rules_writes.ranges_are_exact(look_at(StandIn(memory=Skewed(fault)))).status == "fail"


def test_ranges_that_are_right() -> None:
    assert rules_writes.ranges_are_exact(look_at(StandIn())).status == "ok"


class Late(MemoryScratch):
    """Rows appear only when they are asked for a second time, as behind a proxy that reads from a standby."""

    asked = 0

    def after(self, revision: int) -> list[Row]:
        self.asked += 1
        return super().after(revision) if self.asked % 2 == 0 else []


def test_late_reads_are_not_the_fault_of_revisions_and_ranges() -> None:
    look = look_at(StandIn(memory=Late()))
    assert rules_writes.revisions_count_up(look).status == "ok"
    assert rules_writes.ranges_are_exact(look).status == "ok"
    assert rules_writes.own_writes_are_read(look).status == "fail"
