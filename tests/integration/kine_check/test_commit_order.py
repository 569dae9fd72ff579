# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API servers that start under writes miss some of them, on real kine and PostgreSQL, and none where commits are in order."""

from __future__ import annotations

import typing as t

import psycopg
import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.commit_order import NAME
from tests.integration.kine_check import kine
from tests.integration.modules.runner import Modules

if t.TYPE_CHECKING:
    from tests.integration.kine_check.server import Site


@pytest.fixture
def modules(site: Site, without_cluster: None) -> Modules:
    """Give the runner, without any cluster."""
    del without_cluster
    return Modules(secrets=[site.url()])


def test_starts_miss_writes_unless_commits_are_in_order(modules: Modules, site: Site) -> None:
    modules.ok("commit_order", url=site.url())
    ordered = kine.starts(site.url())
    assert ordered["written"] > 50
    assert (ordered["misled"], ordered["missed"]) == (0, 0), ordered


def test_the_control_a_start_misses_writes_without_it(site: Site) -> None:
    found = kine.starts(site.url())
    assert found["misled"] > 0, "nothing to mend: has kine been mended? Then commit_order can go"


def test_predicted_then_done_then_at_rest(modules: Modules, site: Site) -> None:
    predicted = modules.ok("commit_order", check=True, url=site.url())
    assert predicted["changed"]
    assert modules.ok("commit_order", check=True, url=site.url())["statements"] == predicted["statements"]
    done = modules.ok("commit_order", url=site.url())
    assert (done["changed"], done["ordered"]) == (True, True)
    assert done["statements"] == predicted["statements"]
    assert done["diff"] == predicted["diff"]
    again = modules.ok("commit_order", url=site.url())
    assert (again["changed"], again["ordered"], again["statements"]) == (False, True, [])


def test_kine_takes_the_table_for_its_own(modules: Modules, site: Site) -> None:
    modules.ok("commit_order", url=site.url())
    assert kine.behaviour(site.url()) == kine.WORKS
    checked = modules.ok("kine_check", url=site.url(), max_open_connections=12, samples=5)
    assert {check["id"]: check["status"] for check in checked["checks"] if check["status"] == "fail"} == {}
    assert not modules.ok("commit_order", url=site.url())["changed"]


def test_a_disabled_trigger_is_found_and_absent_takes_all_that_is_ours(modules: Modules, site: Site) -> None:
    modules.ok("commit_order", url=site.url())
    site.as_role(f"ALTER TABLE kine DISABLE TRIGGER {NAME}")
    assert modules.ok("commit_order", url=site.url())["changed"]
    assert modules.ok("commit_order", url=site.url(), state="absent")["changed"]
    assert not modules.ok("commit_order", url=site.url(), state="absent")["changed"]
    with psycopg.connect(site.url()) as connection:
        left = connection.execute("SELECT count(*) FROM pg_proc WHERE proname = %s", [NAME]).fetchone()
        kept = connection.execute("SELECT to_regclass('kine') IS NOT NULL").fetchone()
    assert (left, kept) == ((0,), (True,))


def test_a_backup_that_reads_the_table_is_not_waited_for(modules: Modules, site: Site) -> None:
    modules.ok("commit_order", url=site.url())
    modules.ok("commit_order", url=site.url(), state="absent")
    with psycopg.connect(site.url()) as backup:
        backup.execute("LOCK TABLE kine IN ACCESS SHARE MODE")
        assert modules.ok("commit_order", url=site.url())["changed"]


def test_a_table_in_use_is_given_up_and_left_as_it_is(modules: Modules, site: Site) -> None:
    modules.ok("commit_order", url=site.url())
    modules.ok("commit_order", url=site.url(), state="absent")
    with psycopg.connect(site.url()) as other:
        other.execute("LOCK TABLE kine IN ROW EXCLUSIVE MODE")
        assert "lock timeout" in modules.refused("commit_order", url=site.url())
    assert modules.ok("commit_order", url=site.url())["changed"]


def test_a_strangers_function_is_refused_and_one_of_a_superuser_or_a_member_is_ours(
    modules: Modules, site: Site
) -> None:
    """As any login could make one in public up to PostgreSQL 14."""
    modules.ok("commit_order", url=site.url())
    function = f"public.{NAME}()"
    for owner, attribute in (("stranger", ""), ("member", 'IN ROLE "{role}"')):
        site.admin(f'CREATE ROLE "{{role}}_{owner}" {attribute}')
    site.admin(f'ALTER FUNCTION {function} OWNER TO "{{role}}_stranger"')
    assert f"is {site.role}_stranger's" in modules.refused("commit_order", url=site.url())
    modules.ok("commit_order", url=site.url(), state="absent")
    assert f"DROP FUNCTION {function} CASCADE" in modules.refused("commit_order", url=site.url())
    site.admin(f"DROP FUNCTION {function} CASCADE")
    assert modules.ok("commit_order", url=site.url())["changed"]
    for owner in ("postgres", '"{role}_member"'):
        site.admin(f"ALTER FUNCTION {function} OWNER TO {owner}")
        assert not modules.ok("commit_order", url=site.url())["changed"]
    site.admin(f"DROP FUNCTION {function} CASCADE", 'DROP ROLE "{role}_stranger", "{role}_member"')


def test_mysql_is_left_alone(modules: Modules) -> None:
    result = modules.ok("commit_order", url="mysql://kine:secret@tcp(127.0.0.1:1)/kine")
    assert (result["changed"], result["ordered"]) == (False, False)
    assert "PostgreSQL" in result["msg"]
