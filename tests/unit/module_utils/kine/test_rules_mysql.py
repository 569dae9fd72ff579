# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for MySQL and MariaDB, on plain values."""

# pylint: disable=abstract-class-instantiated  # it does not see that StandIn has the methods that MysqlDatabase leaves open
from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_mysql
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks import CHECKS
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks_mysql import MYSQL_CHECKS
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examine import examine
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import (
    Durability,
    Housekeeping,
    Prepared,
    Replication,
    Slots,
    Standby,
    WriteState,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Connections, Server, Tls
from tests.unit.module_utils.kine.standin import PLAN, look_at
from tests.unit.module_utils.kine.standin_mysql import SEMI_SYNC, URL, Maria, judge, with_facts

IDS = [check.id for check in MYSQL_CHECKS]


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
        ({"innodb_doublewrite": "OFF"}, Durability(True, False), "InnoDB", "warn", "doublewrite is OFF: "),
        ({"innodb_doublewrite": "FALSE"}, Durability(True, False), "InnoDB", "warn", "unless the storage writes whole"),
        (
            {"innodb_doublewrite": "OFF", "sync_binlog": "0"},
            Durability(True, False),
            "InnoDB",
            "warn",
            "; sync_binlog is 0",
        ),
        (
            {"innodb_doublewrite": "OFF", "innodb_flush_log_at_trx_commit": "0"},
            Durability(False, False),
            "InnoDB",
            "fail",
            "commit is 0; innodb_doublewrite is OFF",
        ),
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
        (
            Replication("", "AFTER_SYNC", ()),
            {},
            "warn",
            "no replica shows in SQL, and semi-synchronous replication is off",
        ),
        (replace(SEMI_SYNC, wanted=""), {}, "warn", "asynchronous; replicas connected: 1"),
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


NEW_NAMES = {"rpl_semi_sync_source_enabled": "ON", "rpl_semi_sync_source_wait_point": "AFTER_COMMIT"}
OLD_NAMES = {name.replace("source", "master"): value for name, value in NEW_NAMES.items()}


@pytest.mark.parametrize(
    ("product", "settings", "word"),
    [
        ("MariaDB", OLD_NAMES, "master"),
        ("MariaDB", {}, "master"),
        ("MySQL", NEW_NAMES, "source"),
        ("MySQL", OLD_NAMES, "master"),
        ("MySQL", {}, "source"),  # the plugin is not there yet
    ],
)
def test_variables_are_called_as_the_server_calls_them(product: str, settings: dict[str, str], word: str) -> None:
    early = Maria(copies=replace(SEMI_SYNC, commit="AFTER_COMMIT"), settings=settings, product=Server(product, "8.4.0"))
    off = replace(early, copies=Replication("", "", ()))
    assert f"rpl_semi_sync_{word}_wait_point" in judge(rules_mysql.replication_is_synchronous, early).remedy
    remedy = judge(rules_mysql.replication_is_synchronous, off).remedy
    assert f"rpl_semi_sync_{word}_enabled" in remedy
    assert "RDS Multi-AZ" in remedy


def test_group_replication_is_not_called_asynchronous() -> None:
    group = Maria(copies=Replication("", "", ()), settings={"group_replication_group_name": "0b1c-4000"})
    finding = judge(rules_mysql.replication_is_synchronous, group)
    assert (finding.status, finding.observed.split(",")[0]) == ("warn", "group replication")
    assert "replication_group_members" in finding.remedy


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
    finding = judge(rules_mysql.timeouts_leave_kine_alone, with_facts(Maria(), housekeeping=keeping))
    assert finding.status == status
    assert ("GLOBAL" in finding.remedy) is (status == "warn")


def test_proxy_that_loses_prepared_statements() -> None:
    finding = judge(rules_mysql.statements_stay_prepared, with_facts(Maria(), prepared=Prepared("unknown", 1)))
    assert finding.status == "fail"
    assert "PgBouncer" not in finding.remedy
