# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kine_check says of faults of a real server that stand not in the table of faults, or of what is no fault."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.release import Kine
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import INDEXES
from tests.integration.kine_check.conftest import PLAN, alter_scratch, assert_only, findings, row_trigger
from tests.integration.kine_check.faults import KINE_TABLE

if t.TYPE_CHECKING:
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.server import Site


class TestPlace:
    """Where kine's table goes, and what the role may do there."""

    def test_may_create_in_schema_but_no_schemas(self, site: Site, run: Examine) -> None:
        site.admin("ALTER DATABASE {database} OWNER TO postgres", "GRANT CREATE ON SCHEMA public TO {role}")
        report = run(site.url())
        assert findings(report, "fail") == [], report.text()
        assert {check.id: check.status for check in report.checks}["revisions"] == "skipped"

    def test_table_of_a_group_is_fine(self, site: Site, run: Examine) -> None:
        site.admin(
            "CREATE ROLE {role}_owners",
            "GRANT {role}_owners TO {role}",
            *KINE_TABLE,
            "ALTER TABLE kine OWNER TO {role}_owners",
        )
        report = run(site.url())
        assert {check.id: check.status for check in report.checks}["owner"] == "ok", report.text()


class TestTable:
    """An existing table that is not what kine makes."""

    @pytest.mark.parametrize("index", INDEXES, ids=lambda index: index.name)
    def test_index_missing(self, site: Site, run: Examine, index: t.Any) -> None:
        drop = (
            f"DROP INDEX {index.name}" if index is not INDEXES[0] else f"ALTER TABLE kine DROP CONSTRAINT {index.name}"
        )
        site.as_role(*KINE_TABLE, drop)
        assert_only(run(site.url()), "indexes", "fail" if index.unique else "warn")

    def test_table_of_an_old_kine_for_that_kine(self, site: Site, run: Examine) -> None:
        site.admin("CREATE COLLATION shifted (provider = icu, locale = 'en-u-ka-shifted')")
        site.as_role(*KINE_TABLE, "ALTER TABLE kine ALTER COLUMN name TYPE text COLLATE shifted")
        assert_only(run(site.url(), replace(PLAN, kine=Kine(0, 16, 2))), "collation", "warn")

    def test_collation_of_a_bytewise_database_is_fine(self, site: Site, run: Examine) -> None:
        site.as_role(*KINE_TABLE, 'ALTER TABLE kine ALTER COLUMN name TYPE text COLLATE "default"')
        report = run(site.url())
        assert {check.id: check.status for check in report.checks}["collation"] == "ok", report.text()


class TestServer:
    """Settings of the whole server."""

    def test_database_limit(self, site: Site, run: Examine) -> None:
        site.admin("ALTER DATABASE {database} CONNECTION LIMIT 35")
        assert_only(run(site.url()), "connections", "fail")

    def test_no_limit_of_the_pool(self, site: Site, run: Examine) -> None:
        assert_only(run(site.url(), Plan(control_planes=2, replicas=3, max_open=0, samples=5)), "connections", "fail")

    def test_commits_do_not_wait_for_the_standby(self, site: Site, run: Examine) -> None:
        site.admin("ALTER ROLE {role} SET synchronous_commit = 'local'")
        assert_only(run(site.url()), "replication", "warn")

    @pytest.mark.parametrize("standbys", ["", "*"])
    def test_commits_do_not_wait_for_the_disk(self, site: Site, run: Examine, standbys: str) -> None:
        """It takes no failover to lose these."""
        site.admin("ALTER ROLE {role} SET synchronous_commit = 'off'")
        with site.server.settings(synchronous_standby_names=standbys):
            report = run(site.url())
        assert_only(report, "durability", "fail")
        [remedy] = [check.remedy for check in report.checks if check.id == "durability"]
        site.admin(remedy.split(";")[0])
        with site.server.settings(synchronous_standby_names=standbys):
            assert findings(run(site.url()), "fail") == []

    def test_torn_pages_are_a_warning(self, site: Site, run: Examine) -> None:
        """Aurora has this off, and nobody can turn it on."""
        with site.server.settings(synchronous_standby_names="*", full_page_writes="off"):
            assert_only(run(site.url()), "durability", "warn")

    def test_slow(self, site: Site, run: Examine) -> None:
        site.admin(
            "ALTER DATABASE {database} SET commit_delay = 100000", "ALTER DATABASE {database} SET commit_siblings = 0"
        )
        report = run(site.url(), Plan(max_open=12, samples=5))
        assert_only(report, "latency", "warn")
        assert report.latency.p50_ms > 100


class TestWrites:
    """Servers that make tables and ids in another way. An event trigger does to the scratch table what they do."""

    @pytest.fixture(autouse=True)
    def _no_trigger_left(self, site: Site) -> t.Iterator[None]:
        yield
        site.admin("DROP EVENT TRIGGER IF EXISTS alter_scratch")

    def test_stalled(self, site: Site, run: Examine) -> None:
        wait = "IF NEW.name LIKE ''''%%latency-at-0'''' THEN PERFORM pg_sleep(1.1); END IF; RETURN NEW;"
        alter_scratch(site, row_trigger("INSERT", wait))
        assert_only(run(site.url(), Plan(max_open=12, samples=1)), "latency", "fail")
