# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kine a k0s brings, and what the checks ask for because of it."""

from __future__ import annotations

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.k0s import DEFAULT_K0S
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_connection, rules_table
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.release import PINNED, Kine, choose
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import LIST_INDEX, NAMES_IN_RANGE
from tests.unit.module_utils.kine.standin import TABLE, StandIn, look_at, with_table

OLD, OLDER = Plan(kine=Kine(0, 16, 2)), Plan(kine=Kine(0, 11, 8))


@pytest.mark.parametrize(
    ("version", "kine"),
    [
        ("v1.27.9-k0s.0", "0.9.9"),
        ("v1.28.4+k0s.0", "0.10.3"),
        ("v1.29.1-k0s.0", "0.11.3"),
        ("v1.30.0-k0s.0", "0.11.8"),
        ("v1.31.1-k0s.0", "0.13.0"),
        ("v1.33.13-k0s.0", "0.13.0"),
        ("v1.34.1-k0s.0", "0.14.4"),
        ("v1.34.2-k0s.0", "0.14.6"),
        ("v1.35.1-k0s.0", "0.14.11"),
        ("v1.36.1-k0s.0", "0.16.2"),
        ("v1.36.2-k0s.0", "0.16.3"),
        ("v1.36.3-k0s.2", "0.16.3"),
        ("v1.37.0-k0s.0", "0.16.3"),
    ],
)
def test_kine_of_k0s(version: str, kine: str) -> None:
    assert str(choose(None, version)) == kine


def test_default_is_the_pinned_k0s() -> None:
    assert choose(None, None) == PINNED == choose(None, str(DEFAULT_K0S))


@pytest.mark.parametrize(("k0s", "reads"), [("v1.33.13-k0s.1", False), ("v1.34.1-k0s.0", True), (None, True)])
def test_options_from_the_environment(k0s: str | None, reads: bool) -> None:
    assert choose(None, k0s).reads_environment is reads


@pytest.mark.parametrize("text", ["0.13.0", "v0.13.0"])
def test_kine_version_comes_first(text: str) -> None:
    assert choose(text, "v1.36.3-k0s.2") == Kine(0, 13, 0)


@pytest.mark.parametrize(("kine", "k0s"), [("1", None), ("latest", None), ("0.16.3 ", None), (None, "1.36")])
def test_not_a_version(kine: str | None, k0s: str | None) -> None:
    with pytest.raises(InvalidInput):
        choose(kine, k0s)


@pytest.mark.parametrize(("plan", "status"), [(Plan(), "fail"), (OLD, "warn"), (OLDER, "warn")])
def test_collation_breaks_range_queries_only(plan: Plan, status: str) -> None:
    database = with_table(selected=frozenset(NAMES_IN_RANGE[1:]))
    assert rules_table.collation_is_bytes(look_at(database, plan)).status == status


@pytest.mark.parametrize(("plan", "status"), [(Plan(), "warn"), (OLD, "warn"), (OLDER, "ok")])
def test_list_index(plan: Plan, status: str) -> None:
    database = with_table(indexes=tuple(live for live in TABLE.indexes if live.index != LIST_INDEX))
    assert rules_table.indexes_fit(look_at(database, plan)).status == status


@pytest.mark.parametrize(
    ("column", "kind", "plan", "status"),
    [
        ("name", "character varying(630)", Plan(), "warn"),
        ("name", "character varying(630)", OLDER, "ok"),
        ("id", "integer", OLDER, "warn"),
    ],
)
def test_old_columns(column: str, kind: str, plan: Plan, status: str) -> None:
    database = with_table(columns={**TABLE.columns, column: kind})
    assert rules_table.columns_fit(look_at(database, plan)).status == status


ONE = "postgres://kine:x@a.example:5432/kine?sslmode=require&connect_timeout=5"
TWO = "postgres://kine:x@a.example:5432,b.example:5432/kine?sslmode=require&target_session_attrs=read-write&connect_timeout=5"


@pytest.mark.parametrize(
    ("url", "kine", "status"),
    [
        (ONE, "0.9.9", "ok"),
        (TWO, "0.9.9", "fail"),
        (TWO, "0.10.3", "ok"),
        (f"{ONE}&target_session_attrs=any", "0.9.9", "fail"),
        (f"{ONE}&target_session_attrs=any", "0.16.3", "ok"),
    ],
)
def test_old_driver(url: str, kine: str, status: str) -> None:
    plan = Plan(kine=choose(kine, None))
    assert rules_connection.dsn_is_sound(look_at(StandIn(), plan, url)).status == status


@pytest.mark.parametrize(
    ("param", "before", "first"),
    [("channel_binding=require", "0.14.16", "0.15.0"), ("require_auth=md5", "0.16.2", "0.16.3")],
)
def test_a_parameter_that_an_older_driver_sends_to_the_server(param: str, before: str, first: str) -> None:
    for kine, k0s, status in ((before, None, "fail"), (first, None, "ok"), (None, "v1.30.0-k0s.0", "fail")):
        plan = Plan(kine=choose(kine, k0s), k0s=k0s)
        finding = rules_connection.dsn_is_sound(look_at(StandIn(), plan, f"{ONE}&{param}"))
        assert finding.status == status
        assert finding.observed.count("sends it to the server") == (status == "fail")


def test_dsn_is_read_by_the_planned_k0s() -> None:
    finding = rules_connection.dsn_is_sound(look_at(StandIn(), Plan(k0s="v1.27.9-k0s.0")))
    assert (finding.status, "older than" in finding.observed) == ("fail", True)


def test_an_old_driver_is_named_once() -> None:
    plan = Plan(k0s="v1.27.9-k0s.0", kine=choose(None, "v1.27.9-k0s.0"))
    assert rules_connection.dsn_is_sound(look_at(StandIn(), plan, TWO)).observed.count("lib/pq") == 1
