# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for MySQL and MariaDB, on plain values."""

# pylint: disable=abstract-class-instantiated  # it does not see that StandIn has the methods that MysqlDatabase leaves open
from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field, replace

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_data, rules_mysql, rules_mysql_table
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks import CHECKS
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks_mysql import MYSQL_CHECKS
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examine import examine
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import (
    Contents,
    Counter,
    Durability,
    Home,
    Housekeeping,
    LiveIndex,
    Prepared,
    Replication,
    SerializationFailure,
    Slots,
    Standby,
    WriteState,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_facts import Missing, MysqlDatabase
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_schema import COLUMNS, INDEXES
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Connections, Finding, Server, Tls
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import NAMES_IN_RANGE, NAMES_OUTSIDE
from tests.unit.module_utils.kine.standin import CONTENTS, PLAN, TABLE, MemoryScratch, StandIn, look_at

URL = "mysql://kine:s3cret@tcp(db.example:3306)/kine?tls=true&rejectReadOnly=true"
IDS = [check.id for check in MYSQL_CHECKS]
MARIA_TABLE = replace(
    TABLE,
    columns={column.name: column.type for column in COLUMNS},
    indexes=tuple(LiveIndex(index, usable=True) for index in INDEXES),
    collation="ascii_bin",
)
SEMI_SYNC = Replication("semi-sync", "AFTER_SYNC", (Standby("", "streaming", "sync"),))
ACCOUNT = Home("'kine'@'%'", "kine", "kine", may_create=True)
MARIADB = Server("MariaDB", "10.11.19")
NOTHING = Missing((), ())
VARIABLES = {
    "auto_increment_increment": "1",
    "auto_increment_offset": "1",
    "wsrep_on": "OFF",
    "innodb_flush_log_at_trx_commit": "1",
    "innodb_doublewrite": "ON",
    "log_bin": "ON",
    "sync_binlog": "1",
    "innodb_snapshot_isolation": "OFF",
    "max_allowed_packet": str(64 * 2**20),
}


@dataclass
class Maria(StandIn, MysqlDatabase):
    """The facts of a healthy MariaDB."""

    place: Home = ACCOUNT
    kine: t.Any = MARIA_TABLE
    level: str = "repeatable read"
    copies: Replication | Exception = SEMI_SYNC
    product: Server = MARIADB
    settings: dict[str, str] = field(default_factory=dict)
    counters: dict[str, str] = field(default_factory=dict)
    lacks: Missing = NOTHING
    stored: str = "InnoDB"

    def server(self) -> Server:
        return self.product

    def variables(self, *names: str) -> t.Mapping[str, str]:
        found = VARIABLES | self.settings
        return {name: found[name] for name in names if name in found}

    def status(self, *names: str) -> t.Mapping[str, str]:
        found = {"rpl_semi_sync_master_status": "ON"} | self.counters
        return {name.lower(): found[name.lower()] for name in names if name.lower() in found}

    def missing(self) -> Missing:
        return self.lacks

    def engine(self) -> str:
        return self.stored


def judge(rule: t.Callable[..., Finding], database: StandIn, url: str = URL, **plan: t.Any) -> Finding:
    return rule(look_at(database, replace(PLAN, **plan), url))


@pytest.mark.parametrize("check", MYSQL_CHECKS, ids=lambda check: check.id)
def test_row_is_complete(check: t.Any) -> None:
    assert set(check.needs) <= set(IDS[: IDS.index(check.id)]), "a check can need only those before it"
    assert "mysql" in check.databases
    assert check.title
    assert check.source
    assert check.function.__doc__


def test_both_databases_have_the_same_checks() -> None:
    assert [check.id for check in CHECKS] == IDS


def test_healthy_database_passes() -> None:
    report = examine(URL, lambda _dsn: contextlib.nullcontext(Maria()), PLAN)
    assert {check.id: check.status for check in report.checks} == dict.fromkeys(IDS, "ok"), report.text()
    assert "s3cret" not in report.text()


def test_broken_dsn_skips_the_checks_of_its_database() -> None:
    report = examine("mysql://kine:s3cret@unix(/run/mysqld.sock)/kine", lambda _dsn: t.cast("t.Any", None), PLAN)
    assert [check.id for check in report.checks] == IDS
    assert "unix socket" in report.checks[0].observed
    assert {check.status for check in report.checks[1:]} == {"skipped"}


def test_plaintext() -> None:
    finding = judge(rules_mysql.is_encrypted, Maria(encryption=Tls()), "mysql://u:p@tcp(h)/kine")
    assert (finding.status, "tls=false" in finding.observed) == ("warn", True)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (WriteState("db-0:3306", standby=True, read_only=True), "replica (db-0:3306)"),
        (WriteState("db-0:3306", standby=False, read_only=True), "read only (db-0:3306)"),
    ],
)
def test_not_writable(state: WriteState, words: str) -> None:
    fine = WriteState("db-1:3306", standby=False, read_only=False)
    finding = judge(rules_mysql.is_writable, Maria(states=[fine, state]))
    assert finding.status == "fail"
    assert words in finding.observed
    assert finding.remedy


@pytest.mark.parametrize(
    ("level", "status"),
    [("repeatable read", "ok"), ("read committed", "ok"), ("read uncommitted", "warn"), ("serializable", "warn")],
)
def test_isolation(level: str, status: str) -> None:
    assert judge(rules_mysql.isolation_is_plain, Maria(level=level)).status == status


def test_slots() -> None:
    look = look_at(Maria(room=Slots(100, 0, 80, -1)), PLAN, URL)
    finding = rules_mysql.connections_suffice(look)
    assert look.connections == Connections(max_connections=100, reserved=0, used=80, role_limit=-1, needed=30)
    assert finding.status == "fail"
    assert "max_connections = 110" in finding.remedy
    assert "'kine'@'%' WITH MAX_USER_CONNECTIONS" in finding.remedy
    assert judge(rules_mysql.connections_suffice, Maria()).status == "ok"
    assert judge(rules_mysql.connections_suffice, Maria(room=Slots(100, 0, 0, 10))).status == "fail"


@pytest.mark.parametrize(
    ("settings", "safe", "engine", "status", "words"),
    [
        ({}, Durability(True, True), "InnoDB", "ok", ""),
        ({"innodb_flush_log_at_trx_commit": "2"}, Durability(False, True), "InnoDB", "fail", "commit is 2"),
        ({"innodb_doublewrite": "OFF"}, Durability(True, False), "InnoDB", "fail", "doublewrite is OFF"),
        ({"sync_binlog": "0"}, Durability(True, True), "InnoDB", "warn", "sync_binlog is 0"),
        ({"sync_binlog": "0", "log_bin": "OFF"}, Durability(True, True), "InnoDB", "ok", ""),
        ({}, Durability(True, True), "Aria", "fail", "engine is Aria"),
    ],
)
def test_durability(settings: dict[str, str], safe: Durability, engine: str, status: str, words: str) -> None:
    finding = judge(rules_mysql.survives_a_crash, Maria(settings=settings, safe=safe, stored=engine))
    assert finding.status == status
    assert words in finding.observed


@pytest.mark.parametrize(
    ("copies", "counters", "status", "words"),
    [
        (SEMI_SYNC, {}, "ok", "semi-synchronous"),
        (Replication("", "AFTER_SYNC", ()), {}, "warn", "asynchronous"),
        (SEMI_SYNC, {"rpl_semi_sync_master_status": "OFF"}, "warn", "enabled but off"),
        (replace(SEMI_SYNC, standbys=(Standby("", "streaming", "async"),)), {}, "warn", "enabled but off"),
        (replace(SEMI_SYNC, commit="AFTER_COMMIT"), {}, "warn", "AFTER_COMMIT"),
        (SEMI_SYNC, {"rpl_semi_sync_master_status": "", "rpl_semi_sync_source_status": "ON"}, "ok", "semi"),
    ],
)
def test_replication(copies: Replication, counters: dict[str, str], status: str, words: str) -> None:
    finding = judge(rules_mysql.replication_is_synchronous, Maria(copies=copies, counters=counters))
    assert finding.status == status
    assert words in finding.observed


@pytest.mark.parametrize(
    ("product", "version", "status"),
    [
        ("MariaDB", "10.11.19", "ok"),
        ("MariaDB", "11.4.2", "ok"),
        ("MariaDB", "10.6.18", "warn"),
        ("MySQL", "8.4.3", "ok"),
        ("MySQL", "8.0.39", "ok"),
        ("MySQL", "5.7.44", "warn"),
    ],
)
def test_version(product: str, version: str, status: str) -> None:
    assert judge(rules_mysql.version_is_known, Maria(product=Server(product, version))).status == status


@pytest.mark.parametrize(
    ("timeouts", "status"),
    [
        ({"max_statement_time": 0.0, "wait_timeout": 28800.0}, "ok"),
        ({"max_statement_time": 5.0, "wait_timeout": 28800.0}, "warn"),
        ({"max_execution_time": 1.0}, "warn"),
        ({"wait_timeout": 30.0}, "warn"),
        ({"net_read_timeout": 30.0}, "ok"),
    ],
)
def test_timeouts(timeouts: dict[str, float], status: str) -> None:
    keeping = Housekeeping(timeouts=timeouts, cleaning=True, live=0, dead=0)
    finding = judge(rules_mysql.timeouts_leave_kine_alone, _with(Maria(), housekeeping=keeping))
    assert finding.status == status
    assert ("GLOBAL" in finding.remedy) is (status == "warn")


def test_proxy_that_loses_prepared_statements() -> None:
    finding = judge(rules_mysql.statements_stay_prepared, _with(Maria(), prepared=Prepared("unknown", 1)))
    assert finding.status == "fail"
    assert "PgBouncer" not in finding.remedy


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


def _with(database: Maria, **facts: t.Any) -> Maria:
    """Return the database with methods that answer with these facts."""
    for name, fact in facts.items():
        setattr(database, name, lambda fact=fact: fact)
    return database
