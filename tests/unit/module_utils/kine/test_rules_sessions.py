# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else is there, what a pooler does, the server's version and upkeep."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_connection, rules_server
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Housekeeping, Prepared, Session
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Server
from tests.unit.module_utils.kine.standin import CALM, StandIn, look_at


@pytest.mark.parametrize(
    ("prepared", "status", "words"),
    [
        (Prepared("", 1), "ok", "as long as its connection"),
        (Prepared("", 0), "ok", "as long as its connection"),
        (Prepared("", 2), "ok", "a pooler over 2 sessions"),
        (Prepared("does not exist", 1), "fail", "does not exist"),
        (Prepared("does not exist", 2), "fail", "does not exist"),
    ],
)
def test_prepared(prepared: Prepared, status: str, words: str) -> None:
    finding = rules_connection.statements_stay_prepared(look_at(StandIn(pooled=prepared)))
    assert (finding.status, words in finding.observed) == (status, True)


@pytest.mark.parametrize(
    ("product", "version", "status"),
    [
        ("PostgreSQL", "13.14", "warn"),
        ("PostgreSQL", "14.0", "ok"),
        ("PostgreSQL", "15.18", "ok"),
        ("PostgreSQL", "17.2", "ok"),
        ("PostgreSQL", "17beta1", "ok"),
        ("PostgreSQL", "18.1", "warn"),
        ("PostgreSQL", "", "warn"),
        ("Other", "15.1", "warn"),
    ],
)
def test_version(product: str, version: str, status: str) -> None:
    finding = rules_server.version_is_tested(look_at(StandIn(product=Server(product, version))))
    assert (finding.status, version in finding.observed) == (status, True)


@pytest.mark.parametrize(
    ("name", "seconds", "status"),
    [
        ("statement_timeout", 0, "ok"),
        ("statement_timeout", 1, "warn"),
        ("statement_timeout", 59.9, "warn"),
        ("statement_timeout", 60, "ok"),
        ("transaction_timeout", 59, "warn"),
        ("lock_timeout", 9, "warn"),
        ("lock_timeout", 10, "ok"),
        ("idle_in_transaction_session_timeout", 9, "warn"),
        ("idle_in_transaction_session_timeout", 10, "ok"),
        ("idle_session_timeout", 86_400, "warn"),
        ("idle_session_timeout", 0, "ok"),
        ("another", 1, "ok"),
    ],
)
def test_timeouts(name: str, seconds: float, status: str) -> None:
    finding = rules_server.upkeep_leaves_kine_alone(look_at(StandIn(upkeep=replace(CALM, timeouts={name: seconds}))))
    assert finding.status == status
    assert (name in finding.remedy) == (status == "warn")


@pytest.mark.parametrize(
    ("upkeep", "status", "words"),
    [
        (replace(CALM, cleaning=False), "warn", "autovacuum is off"),
        (replace(CALM, live=10, dead=50_000), "ok", ""),
        (replace(CALM, live=10, dead=50_001), "warn", "50001 dead rows"),
        (replace(CALM, live=200_000, dead=100_000), "ok", ""),
        (replace(CALM, live=200_000, dead=100_001), "warn", "100001 dead rows beside 200000"),
    ],
)
def test_dead_rows(upkeep: Housekeeping, status: str, words: str) -> None:
    finding = rules_server.upkeep_leaves_kine_alone(look_at(StandIn(upkeep=upkeep)))
    assert (finding.status, words in finding.observed) == (status, True)


OWN = [Session("kine", own=True, address=f"192.0.2.{number}", may_write=True) for number in range(4)]
READER = Session("exporter", own=False, address="", may_write=False)
WRITER = Session("other", own=False, address="", may_write=True)
MEMBER = Session("second", own=False, address="", may_write=True, through="kine")
ADMINISTRATOR = Session("admin", own=False, address="", may_write=True, through="kine", makes_roles=True)
GRANTED = replace(ADMINISTRATOR, through="")


@pytest.mark.parametrize(
    ("sessions", "expect", "status", "words"),
    [
        ([], "any", "ok", "sessions of role kine: 0"),
        ([], "empty", "ok", "0"),
        (OWN[:3] * 5, "any", "ok", "sessions of role kine: 15"),
        (OWN[:3], "existing", "ok", "3"),
        (OWN[:1], "empty", "fail", "1 address"),
        (OWN[:2], "empty", "fail", "2 addresses"),
        (OWN, "any", "warn", "4 addresses, for 3 replicas"),
        ([READER], "any", "ok", "0"),
        ([READER], "empty", "ok", "0"),
        ([WRITER, WRITER, READER], "any", "warn", "table: other"),
        ([WRITER], "existing", "warn", "table: other"),
        ([WRITER], "empty", "fail", "table: other"),
        ([MEMBER], "empty", "fail", "table: second"),
        ([GRANTED], "empty", "fail", "table: admin"),
        ([ADMINISTRATOR], "empty", "warn", "table: admin"),
        ([ADMINISTRATOR, MEMBER], "empty", "fail", "table: admin, second"),
    ],
)
def test_writers(sessions: list[Session], expect: t.Any, status: str, words: str) -> None:
    finding = rules_server.no_foreign_writers(look_at(StandIn(others=sessions), Plan(expect=expect)))
    assert (finding.status, words in finding.observed) == (status, True)
    assert bool(finding.remedy) == (status != "ok")


def test_what_takes_the_right_to_write_away() -> None:
    finding = rules_server.no_foreign_writers(look_at(StandIn(others=[WRITER, MEMBER])))
    assert finding.remedy.endswith("REVOKE ALL ON TABLE kine FROM other; REVOKE kine FROM second;")
