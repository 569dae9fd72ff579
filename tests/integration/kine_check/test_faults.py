# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault, made on purpose on a real server, is named by its own check and by no other ``fail``."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.release import Kine
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import INDEXES, TABLE, postgres_ddl
from tests.integration.kine_check.conftest import PLAN, alter_scratch, assert_only, findings, row_trigger

if t.TYPE_CHECKING:
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.server import Server, Site

KINE_TABLE = tuple(postgres_ddl(TABLE))


class TestPlace:
    """Where kine's table goes, and what the role may do there."""

    def test_read_only(self, site: Site, run: Examine) -> None:
        site.admin("ALTER DATABASE {database} SET default_transaction_read_only = on")
        assert_only(run(site.url()), "writable", "fail")

    def test_standby(self, site: Site, standby: Server, run: Examine) -> None:
        standby.catch_up(site.server)
        report = run(site.url(port=standby.port))
        assert_only(report, "writable", "fail")
        assert "standby" in report.text()

    def test_serializable(self, site: Site, run: Examine) -> None:
        site.admin("ALTER ROLE {role} SET default_transaction_isolation = 'serializable'")
        assert_only(run(site.url()), "isolation", "fail")

    def test_repeatable_read(self, site: Site, run: Examine) -> None:
        site.admin("ALTER DATABASE {database} SET default_transaction_isolation = 'repeatable read'")
        assert_only(run(site.url()), "isolation", "warn")

    def test_no_privilege_on_schema(self, site: Site, run: Examine) -> None:
        site.admin("ALTER DATABASE {database} OWNER TO postgres")
        assert_only(run(site.url()), "schema", "fail")

    def test_search_path_leads_nowhere(self, site: Site, run: Examine) -> None:
        site.admin("ALTER ROLE {role} SET search_path = 'nowhere'")
        assert_only(run(site.url()), "schema", "fail")

    def test_may_create_in_schema_but_no_schemas(self, site: Site, run: Examine) -> None:
        site.admin("ALTER DATABASE {database} OWNER TO postgres", "GRANT CREATE ON SCHEMA public TO {role}")
        report = run(site.url())
        assert findings(report, "fail") == [], report.text()
        assert {check.id: check.status for check in report.checks}["revisions"] == "skipped"

    def test_table_of_another_owner(self, site: Site, run: Examine) -> None:
        site.admin(*KINE_TABLE, "GRANT ALL ON TABLE kine TO {role}", "GRANT ALL ON SEQUENCE kine_id_seq TO {role}")
        assert_only(run(site.url()), "owner", "fail")

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

    def test_index_that_has_only_the_name(self, site: Site, run: Examine) -> None:
        site.as_role(
            *KINE_TABLE,
            "DROP INDEX kine_name_prev_revision_uindex",
            "CREATE INDEX kine_name_prev_revision_uindex ON kine (name, prev_revision)",
        )
        assert_only(run(site.url()), "indexes", "fail")

    def test_unique_index_over_a_part_of_the_rows(self, site: Site, run: Examine) -> None:
        site.as_role(
            *KINE_TABLE,
            "DROP INDEX kine_name_prev_revision_uindex",
            "CREATE UNIQUE INDEX kine_name_prev_revision_uindex ON kine (name, prev_revision) WHERE deleted = 0",
        )
        assert_only(run(site.url()), "indexes", "fail")

    def test_unique_index_of_another_name_is_fine(self, site: Site, run: Examine) -> None:
        site.as_role(*KINE_TABLE, "ALTER INDEX kine_name_prev_revision_uindex RENAME TO other")
        assert {check.id: check.status for check in run(site.url()).checks}["indexes"] == "ok"

    def test_integer_ids(self, site: Site, run: Examine) -> None:
        site.as_role(
            *KINE_TABLE, "ALTER TABLE kine ALTER COLUMN id TYPE integer, ALTER COLUMN prev_revision TYPE integer"
        )
        assert_only(run(site.url()), "columns", "warn")

    def test_text_where_bytes_belong(self, site: Site, run: Examine) -> None:
        site.as_role(*KINE_TABLE, "ALTER TABLE kine ALTER COLUMN value TYPE text USING ''")
        assert_only(run(site.url()), "columns", "fail")

    def test_column_missing(self, site: Site, run: Examine) -> None:
        site.as_role(*KINE_TABLE, "ALTER TABLE kine DROP COLUMN old_value")
        assert_only(run(site.url()), "columns", "fail")

    def test_column_that_kine_does_not_fill(self, site: Site, run: Examine) -> None:
        site.as_role(*KINE_TABLE, "ALTER TABLE kine ADD COLUMN tenant text NOT NULL")
        assert_only(run(site.url()), "columns", "fail")

    def test_ids_without_sequence(self, site: Site, run: Examine) -> None:
        site.as_role(*KINE_TABLE, "ALTER TABLE kine ALTER COLUMN id DROP DEFAULT")
        assert_only(run(site.url()), "columns", "fail")

    def test_collation_that_skips_punctuation(self, site: Site, run: Examine) -> None:
        # What glibc's en_US.UTF-8 does to kine's keys, on a server without that locale.
        site.admin("CREATE COLLATION shifted (provider = icu, locale = 'en-u-ka-shifted')")
        site.as_role(*KINE_TABLE, "ALTER TABLE kine ALTER COLUMN name TYPE text COLLATE shifted")
        assert_only(run(site.url()), "collation", "fail")

    def test_table_of_an_old_kine_for_that_kine(self, site: Site, run: Examine) -> None:
        site.admin("CREATE COLLATION shifted (provider = icu, locale = 'en-u-ka-shifted')")
        site.as_role(*KINE_TABLE, "ALTER TABLE kine ALTER COLUMN name TYPE text COLLATE shifted")
        assert_only(run(site.url(), replace(PLAN, kine=Kine(0, 16, 2))), "collation", "warn")

    def test_collation_with_another_order(self, site: Site, run: Examine) -> None:
        site.as_role(*KINE_TABLE, 'ALTER TABLE kine ALTER COLUMN name TYPE text COLLATE "en-x-icu"')
        assert_only(run(site.url()), "collation", "warn")

    def test_collation_of_a_bytewise_database_is_fine(self, site: Site, run: Examine) -> None:
        site.as_role(*KINE_TABLE, 'ALTER TABLE kine ALTER COLUMN name TYPE text COLLATE "default"')
        report = run(site.url())
        assert {check.id: check.status for check in report.checks}["collation"] == "ok", report.text()


class TestServer:
    """Settings of the whole server."""

    def test_role_limit(self, site: Site, run: Examine) -> None:
        site.admin("ALTER ROLE {role} CONNECTION LIMIT 35")
        report = run(site.url())
        assert_only(report, "connections", "fail")
        assert "may open only 35" in report.text()

    def test_database_limit(self, site: Site, run: Examine) -> None:
        site.admin("ALTER DATABASE {database} CONNECTION LIMIT 35")
        assert_only(run(site.url()), "connections", "fail")

    def test_too_many_control_planes(self, site: Site, run: Examine) -> None:
        assert_only(run(site.url(), Plan(control_planes=3, replicas=3, max_open=12, samples=5)), "connections", "fail")

    def test_no_limit_of_the_pool(self, site: Site, run: Examine) -> None:
        assert_only(run(site.url(), Plan(control_planes=2, replicas=3, max_open=0, samples=5)), "connections", "fail")

    @pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
    def test_crash_loses_rows(self, site: Site, run: Examine, setting: str) -> None:
        with site.server.settings(**{setting: "off"}):
            assert_only(run(site.url()), "durability", "fail")

    def test_asynchronous(self, site: Site, run: Examine) -> None:
        with site.server.settings(synchronous_standby_names=""):
            assert_only(run(site.url()), "replication", "warn")

    @pytest.mark.parametrize("commit", ["off", "local"])
    def test_commits_do_not_wait(self, site: Site, run: Examine, commit: str) -> None:
        site.admin(f"ALTER ROLE {{role}} SET synchronous_commit = '{commit}'")
        assert_only(run(site.url()), "replication", "warn")

    def test_standby_that_commits_wait_for_is_not_there(self, site: Site, run: Examine) -> None:
        with site.server.settings(synchronous_standby_names="gone"):
            report = run(site.url())
        assert_only(report, "replication", "fail")
        assert "hangs" in report.text()

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

    def test_ids_in_steps(self, site: Site, run: Examine) -> None:
        alter_scratch(site, "ALTER SEQUENCE %I.kine_id_seq INCREMENT BY 2")
        assert_only(run(site.url()), "revisions", "fail")

    def test_ids_from_a_cache(self, site: Site, run: Examine) -> None:
        alter_scratch(site, "ALTER TABLE %I.kine ALTER COLUMN id SET DEFAULT (random() * 1000000)::int")
        assert_only(run(site.url()), "revisions", "fail")

    def test_unique_index_not_enforced(self, site: Site, run: Examine) -> None:
        blank = "IF NEW.prev_revision = 0 THEN NEW.prev_revision = NULL; END IF; RETURN NEW;"
        alter_scratch(site, row_trigger("INSERT", blank))
        assert_only(run(site.url()), "revisions", "fail")

    def test_old_values_lost(self, site: Site, run: Examine) -> None:
        alter_scratch(site, row_trigger("INSERT", "NEW.old_value = NULL; RETURN NEW;"))
        assert_only(run(site.url()), "revisions", "fail")

    def test_collation_not_honored(self, site: Site, run: Examine) -> None:
        site.admin("CREATE COLLATION public.shifted (provider = icu, locale = 'en-u-ka-shifted')")
        alter_scratch(site, "ALTER TABLE %I.kine ALTER COLUMN name TYPE text COLLATE public.shifted")
        assert_only(run(site.url()), "ranges", "fail")

    def test_stalled(self, site: Site, run: Examine) -> None:
        wait = "IF NEW.name LIKE ''''%%latency-at-0'''' THEN PERFORM pg_sleep(1.1); END IF; RETURN NEW;"
        alter_scratch(site, row_trigger("INSERT", wait))
        assert_only(run(site.url(), Plan(max_open=12, samples=1)), "latency", "fail")
