# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules about kine's table in MySQL and MariaDB, on plain values."""

# pylint: disable=abstract-class-instantiated  # it does not see that StandIn has the methods that MysqlDatabase leaves open
from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_data, rules_mysql_table
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import (
    Contents,
    Counter,
    SerializationFailure,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_facts import Missing
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_schema import INDEXES
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Finding
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import NAMES_IN_RANGE, NAMES_OUTSIDE
from tests.unit.module_utils.kine.standin import CONTENTS, MemoryScratch
from tests.unit.module_utils.kine.standin_mysql import MARIA_TABLE, Maria, judge


@pytest.mark.parametrize(("table", "status"), [(None, "fail"), (MARIA_TABLE, "warn")])
def test_may_not_create(table: t.Any, status: str) -> None:
    finding = judge(rules_mysql_table.may_create, Maria(kine=table, lacks=Missing(("CREATE", "INDEX"), ())))
    assert finding.status == status
    assert "lacks CREATE and INDEX" in finding.observed
    assert finding.remedy == "GRANT ALL ON `kine`.* TO 'kine'@'%';"


def test_may_not_use() -> None:
    finding = judge(rules_mysql_table.may_use, Maria(lacks=Missing((), ("DELETE",))))
    assert (finding.status, "DELETE" in finding.observed) == ("fail", True)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({}, "ok", ""),
        ({"columns": {**MARIA_TABLE.columns, "id": "int"}}, "warn", "id is int"),
        ({"columns": {**MARIA_TABLE.columns, "value": "blob"}}, "fail", "value is blob"),
        ({"columns": {"id": "bigint unsigned"}}, "fail", "name is missing"),
        ({"required": frozenset({"id"})}, "fail", "AUTO_INCREMENT"),
        ({"required": frozenset({"tenant"})}, "fail", "tenant is not kine's"),
    ],
)
def test_columns(changes: dict[str, t.Any], status: str, words: str) -> None:
    finding = judge(rules_mysql_table.columns_fit, Maria(kine=replace(MARIA_TABLE, **changes)))
    assert finding.status == status
    assert words in finding.observed


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "ok"),
        ({"collation": "ascii_general_ci"}, "warn"),
        ({"collated": tuple(reversed(NAMES_IN_RANGE + NAMES_OUTSIDE))}, "warn"),
        ({"selected": frozenset(NAMES_IN_RANGE[1:])}, "fail"),
    ],
)
def test_collation(changes: dict[str, t.Any], status: str) -> None:
    finding = judge(rules_mysql_table.collation_is_bytes, Maria(kine=replace(MARIA_TABLE, **changes)))
    assert finding.status == status
    assert ("ascii_bin" in finding.remedy) is (status != "ok")


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: index.name)
def test_index_missing(index: t.Any) -> None:
    left = tuple(live for live in MARIA_TABLE.indexes if live.index != index)
    finding = judge(rules_mysql_table.indexes_fit, Maria(kine=replace(MARIA_TABLE, indexes=left)))
    assert finding.status == ("fail" if index.unique else "warn")
    assert "DROP" not in finding.remedy


def test_index_of_another_shape_is_replaced() -> None:
    [unique] = [live for live in MARIA_TABLE.indexes if live.index.name == "kine_name_prev_revision_uindex"]
    others = tuple(live for live in MARIA_TABLE.indexes if live is not unique)
    for spoiled in (replace(unique, usable=False), replace(unique, index=replace(unique.index, unique=False))):
        finding = judge(rules_mysql_table.indexes_fit, Maria(kine=replace(MARIA_TABLE, indexes=(*others, spoiled))))
        assert finding.status == "fail"
        assert "DROP INDEX kine_name_prev_revision_uindex, ADD UNIQUE INDEX" in finding.remedy


@pytest.mark.parametrize("rule", [rules_mysql_table.columns_fit, rules_mysql_table.indexes_fit])
def test_no_table(rule: t.Callable[..., Finding]) -> None:
    assert judge(rule, Maria(kine=None)).status == "ok"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"auto_increment_increment": "3"}, "auto_increment_increment is 3"),
        ({"auto_increment_increment": "2", "auto_increment_offset": "2"}, "auto_increment_increment is 2"),
        ({"wsrep_on": "ON"}, "multi-writer"),
    ],
)
def test_ids_that_would_jump(settings: dict[str, str], words: str) -> None:
    finding = judge(rules_mysql_table.revisions_count_up, Maria(settings=settings))
    assert finding.status == "fail"
    assert words in finding.observed


def test_offset_without_steps_is_ignored_by_the_server() -> None:
    assert judge(rules_mysql_table.revisions_count_up, Maria(settings={"auto_increment_offset": "2"})).status == "ok"


def test_ids_that_do_jump() -> None:
    database = Maria()
    database.memory.numbers = iter(range(1, 1000, 2))
    assert judge(rules_mysql_table.revisions_count_up, database).status == "fail"


class Ordered(MemoryScratch):
    """A scratch table that lists in an order, and leaves names out."""

    def __init__(self, key: t.Callable[[str], t.Any] | None, gone: str = "") -> None:
        super().__init__()
        self.key, self.gone = key, gone

    def listing(self, start: str, end: str) -> list[t.Any]:
        rows = [row for row in super().listing(start, end) if row.name != self.gone]
        return sorted(rows, key=lambda row: self.key(row.name) if self.key else row.name)


@pytest.mark.parametrize(
    ("scratch", "status"),
    [
        (Ordered(None), "ok"),
        (Ordered(str.lower), "ok"),
        (Ordered(lambda name: name[::-1]), "fail"),
        (Ordered(None, NAMES_IN_RANGE[0]), "fail"),
    ],
)
def test_ranges(scratch: MemoryScratch, status: str) -> None:
    assert judge(rules_mysql_table.ranges_are_exact, Maria(memory=scratch)).status == status


@pytest.mark.parametrize(("mebibytes", "status"), [(1, "fail"), (3.9, "fail"), (4, "warn"), (15, "warn"), (16, "ok")])
def test_packets(mebibytes: float, status: str) -> None:
    settings = {"max_allowed_packet": str(int(mebibytes * 2**20))}
    finding = judge(rules_mysql_table.big_values_fit, Maria(settings=settings))
    assert finding.status == status
    assert bool(finding.remedy) is (status != "ok")


class Disturbed(MemoryScratch):
    """A compaction that is given up."""

    def compact(self, revision: int, beside: t.Callable[[], object]) -> int:
        raise SerializationFailure("Record has changed since last read")


def test_compaction() -> None:
    assert judge(rules_mysql_table.compaction_works, Maria()).status == "ok"
    settings = {"innodb_snapshot_isolation": "ON"}
    passed = judge(rules_mysql_table.compaction_works, Maria(settings=settings))
    assert (passed.status, "beside writes" in passed.observed) == ("fail", True)
    finding = judge(rules_mysql_table.compaction_works, Maria(memory=Disturbed(), settings=settings))
    assert (finding.status, "innodb_snapshot_isolation" in finding.remedy) == ("fail", True)


def test_words_about_data_are_of_this_database() -> None:
    near = Counter(last=2**31 - 2, newest=2**31 - 2, limit=2**31 - 1)
    findings = [
        judge(rules_mysql_table.numbers_go_on, Maria(numbers=near)),
        judge(rules_mysql_table.compaction_keeps_up, Maria(rows=_contents(newest=10**6, compacted=1))),
        judge(rules_mysql_table.gaps_are_rare, Maria(rows=_contents(scanned=1000, gaps=500))),
    ]
    expected = [("fail", "KINE_SCHEMA_MIGRATION=1"), ("warn", "OPTIMIZE TABLE"), ("warn", "auto_increment")]
    for finding, (status, words) in zip(findings, expected, strict=True):
        assert finding.status == status, finding
        assert words in finding.remedy


def test_several_records_of_the_compaction() -> None:
    finding = judge(rules_mysql_table.gaps_are_rare, Maria(rows=_contents(compact_rows=2)))
    assert (finding.status, finding.remedy) == ("fail", rules_data.ONE_RECORD)


def _contents(**changes: t.Any) -> Contents:
    assert CONTENTS is not None
    return replace(CONTENTS, **changes)
