# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the table of checks is run: what is skipped and why, what ends an examination, what is told at the end."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, HaError, Unreachable, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks import CHECKS
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examine import examine
from tests.unit.module_utils.kine.standin import PLAN, URL, StandIn

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Report

IDS = [check.id for check in CHECKS]
WRITING = ["revisions", "ranges", "read_your_writes", "compaction", "big_value", "latency"]


def run(database: StandIn, url: str = URL) -> Report:
    return examine(url, lambda _dsn: contextlib.nullcontext(database), PLAN)


def status(report: Report) -> dict[str, str]:
    return {check.id: check.status for check in report.checks}


def test_ids_are_unique() -> None:
    assert len(set(IDS)) == len(IDS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_row_is_complete(check: t.Any) -> None:
    assert set(check.needs) <= set(IDS[: IDS.index(check.id)]), "a check can need only those before it"
    assert check.title
    assert check.source
    assert check.function.__doc__


def test_healthy_database_passes() -> None:
    report = run(StandIn())
    assert set(status(report).values()) == {"ok"}
    assert [check.id for check in report.checks] == IDS
    assert report.server.version == "15.18"
    assert report.tls.used
    assert report.latency.samples == PLAN.samples


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "empty"),
        ("postgres://kine:s3cret@db.example:5432", "no database"),
        ("postgres://kine:s3|cret@db.example:5432/kine", "literal |"),
        ("sqlite:///x", "not supported"),
        ("postgres://" + "a" * 5_000_000, ""),
        ("postgres://kine:\udce4@db.example:5432/kine", ""),
    ],
)
def test_dsn_that_cannot_be_used(url: str, words: str) -> None:
    def never(_dsn: Dsn) -> t.NoReturn:
        raise AssertionError("no connection may be tried")

    report = examine(url, never, PLAN)
    assert status(report) == {"dsn": "fail", **dict.fromkeys(IDS[1:], "skipped")}
    assert words in report.checks[0].observed
    assert "s3cret" not in report.text() + str(report.as_dict())
    assert len(report.text()) < 10_000


def test_connection_refused_skips_all_others() -> None:
    def refuse(_dsn: Dsn) -> t.NoReturn:
        raise Unreachable("nothing listens on that port", "Start the database.")

    report = examine(URL, refuse, PLAN)
    assert status(report) == {"dsn": "ok", "connect": "fail", **dict.fromkeys(IDS[2:], "skipped")}
    assert "Start the database." in report.text()


def test_connects_with_the_ca_file_that_kine_gets() -> None:
    tried: list[Dsn] = []

    def keep(dsn: Dsn) -> contextlib.nullcontext[StandIn]:
        tried.append(dsn)
        return contextlib.nullcontext(StandIn())

    report = examine(URL.replace("sslmode=require&", ""), keep, replace(PLAN, ca_file="/ca.crt"))
    assert (tried[0].params["sslmode"], tried[0].params["sslrootcert"]) == ("verify-full", "/ca.crt")
    assert report.tls.verified == "authority and name"
    assert set(status(report).values()) == {"ok"}


def test_role_that_may_not_connect_is_a_failure() -> None:
    def refuse(_dsn: Dsn) -> t.NoReturn:
        raise Forbidden("wrong password", "Correct it.")

    assert status(examine(URL, refuse, PLAN))["connect"] == "fail"


def test_read_only_database_is_not_written_to() -> None:
    database = StandIn()
    database.states[0] = database.states[0].__class__("192.0.2.1", standby=False, read_only=True)
    report = run(database)
    assert status(report)["writable"] == "fail"
    assert [check.id for check in report.checks if check.status == "skipped"] == WRITING
    assert report.checks[-1].observed == "Primary, writable failed"
    assert not database.memory.rows


def test_hidden_facts_skip_one_check() -> None:
    report = run(StandIn(room=Forbidden("permission denied for view", "GRANT pg_monitor.")))
    assert status(report)["connections"] == "skipped"
    assert report.count("skipped") == 1
    assert "permission denied" in report.text()


def test_error_of_one_check_leaves_the_others() -> None:
    report = run(StandIn(room=HaError("out of range", "Look into the log.")))
    assert (report.count("fail"), report.count("skipped")) == (1, 0)


@pytest.mark.parametrize("error", [Unreachable("the connection was lost"), WaitTimeout("the deadline passed")])
def test_lost_connection_skips_the_rest(error: HaError) -> None:
    report = run(StandIn(room=error))
    place = IDS.index("connections")
    assert status(report)["connections"] == "fail"
    assert [check.status for check in report.checks[place + 1 :]] == ["skipped"] * (len(IDS) - place - 1)
    assert report.checks[-1].observed == "Connection slots ended the connection"


def test_scratch_that_cannot_be_made_is_told_once() -> None:
    database = StandIn(refusal=HaError("the disk is full", "Make room."))
    report = run(database)
    assert [(check.id, check.observed) for check in report.checks if check.status == "fail"] == [
        ("revisions", "the disk is full")
    ]
    skipped = [check for check in report.checks if check.status == "skipped"]
    assert [check.id for check in skipped] == WRITING[1:]
    reasons = {check.id: check.observed for check in skipped}
    assert reasons.pop("compaction") == "Revisions in order failed"
    assert set(reasons.values()) == {"the scratch table could not be made"}
    assert database.asked_for_scratch == 1


def test_role_that_may_make_no_scratch_skips_all_for_one_reason() -> None:
    database = StandIn(refusal=Forbidden("permission denied for database kine", "GRANT CREATE ON DATABASE."))
    skipped = [check for check in run(database).checks if check.status == "skipped"]
    assert [check.id for check in skipped] == WRITING
    assert {check.observed for check in skipped} == {"not allowed: permission denied for database kine"}
    assert database.asked_for_scratch == 1


def test_scratch_that_cannot_be_removed_is_told() -> None:
    report = run(StandIn(removal=HaError("the scratch schema kine_check_1 could not be removed", "DROP SCHEMA it.")))
    assert (report.checks[-1].id, report.checks[-1].status) == ("cleanup", "warn")
    assert "kine_check_1" in report.text()


def test_unexpected_error_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        run(StandIn(room=ZeroDivisionError()))
