# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault, made on purpose on a real MariaDB, is named by its own check and by no other ``fail``."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql import connect
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_schema import COLLATION, INDEXES, PRIMARY_KEY, ddl
from tests.integration.kine_check.conftest import assert_only, findings
from tests.integration.kine_check.mysql_faults import FIT

if t.TYPE_CHECKING:
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.mariadb_server import MariaServer, MariaSite


def statuses(report: t.Any) -> dict[str, str]:
    return {check.id: check.status for check in report.checks}


class TestPlace:
    """The server, and what the account may do there."""

    def test_read_only(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.settings(read_only=1):
            assert_only(run_mysql(maria_site.url()), "writable", "fail")

    def test_read_only_transactions(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.settings(tx_read_only=1):
            assert_only(run_mysql(maria_site.url()), "writable", "fail")

    def test_replica(self, maria_site: MariaSite, replica: MariaServer, run_mysql: Examine) -> None:
        replica.catch_up(maria_site.server)
        report = run_mysql(maria_site.url(port=replica.port))
        assert_only(report, "writable", "fail")
        assert "replica" in report.text()

    def test_demoted_primary(self, maria_site: MariaSite, replica: MariaServer, run_mysql: Examine) -> None:
        """What replicates from nobody but takes no writes: a primary that was demoted, or has restarted fenced."""
        replica.catch_up(maria_site.server)
        with replica.admin() as cursor:
            cursor.execute("STOP SLAVE SQL_THREAD")
        try:
            report = run_mysql(maria_site.url(port=replica.port))
        finally:
            with replica.admin() as cursor:
                cursor.execute("START SLAVE")
        assert_only(report, "writable", "fail")
        assert "rejectReadOnly" in report.text()

    def test_serializable(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.settings(tx_isolation="SERIALIZABLE"):
            assert_only(run_mysql(maria_site.url()), "isolation", "fail")

    def test_serializable_by_the_dsn(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        url = maria_site.url("tls=skip-verify&rejectReadOnly=true&tx_isolation='SERIALIZABLE'")
        assert_only(run_mysql(url), "isolation", "fail")

    def test_read_committed_is_fine(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.settings(tx_isolation="READ-COMMITTED"):
            assert statuses(run_mysql(maria_site.url()))["isolation"] == "ok"

    def test_read_uncommitted(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.settings(tx_isolation="READ-UNCOMMITTED"):
            assert_only(run_mysql(maria_site.url()), "isolation", "warn")

    @pytest.mark.parametrize("privilege", ["CREATE", "INDEX"])
    def test_may_not_create(self, maria_site: MariaSite, run_mysql: Examine, privilege: str) -> None:
        maria_site.admin(f"REVOKE {privilege} ON {{database}}.* FROM {{role}}@'%'")
        report = run_mysql(maria_site.url())
        assert_only(report, "schema", "fail")
        assert privilege in report.text()

    def test_rows_only(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        """With the table there, kine lives on these; what the check would write it may not, and says so."""
        maria_site.admin(
            *FIT,
            "REVOKE ALL ON {database}.* FROM {role}@'%'",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.kine TO {role}@'%'",
        )
        report = run_mysql(maria_site.url())
        assert_only(report, "schema", "warn")
        found = {check.id: check for check in report.checks}
        assert found["revisions"].status == "skipped"
        assert "not allowed" in found["revisions"].observed

    @pytest.mark.parametrize("privilege", ["SELECT", "INSERT", "UPDATE", "DELETE"])
    def test_may_not_use(self, maria_site: MariaSite, run_mysql: Examine, privilege: str) -> None:
        rows = {"SELECT", "INSERT", "UPDATE", "DELETE"} - {privilege}
        maria_site.admin(
            *FIT,
            "REVOKE ALL ON {database}.* FROM {role}@'%'",
            f"GRANT {', '.join(sorted(rows))} ON {{database}}.kine TO {{role}}@'%'",
        )
        report = run_mysql(maria_site.url())
        assert statuses(report)["owner"] == "fail", report.text()
        assert privilege in report.text()


class TestTable:
    """An existing table that is not what kine makes."""

    @pytest.mark.parametrize("index", INDEXES, ids=lambda index: index.name)
    def test_index_missing(self, maria_site: MariaSite, run_mysql: Examine, index: t.Any) -> None:
        drop = f"DROP INDEX {index.name}"
        if index is PRIMARY_KEY:
            drop = "DROP PRIMARY KEY, ADD INDEX (id)"
        maria_site.admin(*FIT, f"ALTER TABLE kine {drop}")
        assert_only(run_mysql(maria_site.url()), "indexes", "fail" if index.unique else "warn")

    @pytest.mark.parametrize("new", ["INDEX {}(name, prev_revision)", "UNIQUE INDEX {}(name(20), prev_revision)"])
    def test_index_that_has_only_the_name(self, maria_site: MariaSite, run_mysql: Examine, new: str) -> None:
        name = "kine_name_prev_revision_uindex"
        maria_site.admin(*FIT, f"ALTER TABLE kine DROP INDEX {name}, ADD {new.format(name)}")
        report = run_mysql(maria_site.url())
        assert_only(report, "indexes", "fail")
        [remedy] = [check.remedy for check in report.checks if check.id == "indexes"]
        maria_site.admin(remedy.rstrip(";"))
        assert statuses(run_mysql(maria_site.url()))["indexes"] == "ok"

    def test_unique_index_of_another_name_is_fine(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        maria_site.admin(*FIT, "ALTER TABLE kine RENAME INDEX kine_name_prev_revision_uindex TO other")
        assert statuses(run_mysql(maria_site.url()))["indexes"] == "ok"

    def test_integer_ids(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        maria_site.admin(*FIT, "ALTER TABLE kine MODIFY id INTEGER AUTO_INCREMENT, MODIFY prev_revision INTEGER")
        assert_only(run_mysql(maria_site.url()), "columns", "warn")

    def test_text_where_bytes_belong(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        maria_site.admin(*FIT, "ALTER TABLE kine MODIFY value MEDIUMTEXT")
        assert_only(run_mysql(maria_site.url()), "columns", "fail")

    def test_column_missing(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        maria_site.admin(*FIT, "ALTER TABLE kine DROP COLUMN old_value")
        assert_only(run_mysql(maria_site.url()), "columns", "fail")

    def test_column_that_kine_does_not_fill(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        maria_site.admin(*FIT, "ALTER TABLE kine ADD COLUMN tenant INTEGER NOT NULL")
        assert_only(run_mysql(maria_site.url()), "columns", "fail")

    def test_ids_without_auto_increment(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        maria_site.admin(*FIT, "ALTER TABLE kine MODIFY id BIGINT UNSIGNED NOT NULL")
        assert_only(run_mysql(maria_site.url()), "columns", "fail")

    @pytest.mark.parametrize("index", ["", "DROP INDEX kine_name_prev_revision_uindex"])
    def test_several_records_of_the_compaction(self, maria_site: MariaSite, run_mysql: Examine, index: str) -> None:
        """Without the unique index kine's compaction gives all of them one revision: any of them may stay."""
        records = [0, 7, 2] if not index else [7, 7, 7]
        maria_site.admin(*FIT, *[f"ALTER TABLE kine {index}"] * bool(index))
        for revision in records:
            maria_site.admin(
                "INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease)"  # noqa: S608
                f" VALUES ('compact_rev_key', 1, 0, 0, {revision}, 0)"
            )
        found = {check.id: check for check in run_mysql(maria_site.url()).checks}
        assert found["gaps"].status == "fail"
        maria_site.admin(found["gaps"].remedy.partition(": ")[2])
        assert maria_site.admin("SELECT prev_revision FROM kine WHERE name = 'compact_rev_key'") == [(7,)]

    def test_collation_that_ignores_case(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        maria_site.admin(ddl())
        report = run_mysql(maria_site.url())
        assert_only(report, "collation", "warn")
        assert COLLATION in report.text()
        [remedy] = [check.remedy for check in report.checks if check.id == "collation"]
        maria_site.admin(remedy.split(";")[0])
        assert statuses(run_mysql(maria_site.url()))["collation"] == "ok"

    def test_collation_in_another_order(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        maria_site.admin(
            *FIT, "ALTER TABLE kine MODIFY name VARCHAR(630) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
        )
        assert_only(run_mysql(maria_site.url()), "collation", "warn")

    def test_engine_that_cannot_store_the_values(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.settings(default_storage_engine="MEMORY"):
            report = run_mysql(maria_site.url())
        assert findings(report, "fail") == ["durability", "revisions"], report.text()
        assert report.text().count("BLOB/TEXT") == 1
        reasons = {check.observed for check in report.checks if check.status == "skipped"}
        assert reasons == {"the scratch table could not be made", "Revisions in order failed"}

    def test_engine_without_transactions(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        maria_site.admin(
            *FIT,
            "ALTER TABLE kine ENGINE = Aria",
        )
        assert_only(run_mysql(maria_site.url()), "durability", "fail")


class TestServer:
    """Limits and settings of the server."""

    def test_slots(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        assert_only(run_mysql(maria_site.url(), Plan(control_planes=3, max_open=12, samples=1)), "connections", "fail")

    def test_limit_of_the_account(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        """The MariaDB operator's default for a User."""
        maria_site.admin("ALTER USER {role}@'%' WITH MAX_USER_CONNECTIONS 10")
        report = run_mysql(maria_site.url())
        assert_only(report, "connections", "fail")
        assert "may open only 10" in report.text()

    @pytest.mark.parametrize("value", [0, 2])
    def test_log_is_flushed_late(self, maria_site: MariaSite, run_mysql: Examine, value: int) -> None:
        with maria_site.server.settings(innodb_flush_log_at_trx_commit=value):
            assert_only(run_mysql(maria_site.url()), "durability", "fail")

    def test_binary_log_is_flushed_late(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.settings(sync_binlog=0):
            assert_only(run_mysql(maria_site.url()), "durability", "warn")

    def test_pages_may_tear(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.restarted(innodb_doublewrite="OFF"):
            maria_site.server.await_replica()
            report = run_mysql(maria_site.url())
        maria_site.server.await_replica()
        assert_only(report, "durability", "fail")

    def test_asynchronous(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.settings(rpl_semi_sync_master_enabled=0):
            assert_only(run_mysql(maria_site.url()), "replication", "warn")
        maria_site.server.await_replica()

    def test_replica_is_gone(self, maria_site: MariaSite, replica: MariaServer, run_mysql: Examine) -> None:
        with maria_site.server.settings(rpl_semi_sync_master_timeout=200):
            with replica.admin() as cursor:
                cursor.execute("STOP SLAVE")
            try:
                report = run_mysql(maria_site.url())
            finally:
                with replica.admin() as cursor:
                    cursor.execute("START SLAVE")
                maria_site.server.await_replica()
        assert_only(report, "replication", "warn")
        assert "enabled but off" in report.text()

    def test_others_see_writes_too_early(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.settings(rpl_semi_sync_master_wait_point="AFTER_COMMIT"):
            assert_only(run_mysql(maria_site.url()), "replication", "warn")


class TestWrites:
    """What only shows when something is written."""

    @pytest.mark.parametrize("name", ["auto_increment_increment", "auto_increment_offset"])
    def test_steps(self, maria_site: MariaSite, run_mysql: Examine, name: str) -> None:
        with maria_site.server.settings(**{name: 2}):
            report = run_mysql(maria_site.url())
        assert_only(report, "revisions", "fail")
        assert f"{name} is 2" in report.text()

    def test_packet_that_is_too_small(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.settings(max_allowed_packet=2**20):
            assert_only(run_mysql(maria_site.url()), "big_value", "fail")

    def test_packet_that_is_tight(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.settings(max_allowed_packet=2**23):
            assert_only(run_mysql(maria_site.url()), "big_value", "warn")

    def test_snapshot_isolation(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.settings(innodb_snapshot_isolation=1):
            report = run_mysql(maria_site.url())
        assert statuses(report)["compaction"] in ("warn", "fail"), report.text()
        assert findings(report, "fail") in ([], ["compaction"])

    def test_scratch_compacts_what_was_replaced_and_deleted(self, maria_site: MariaSite) -> None:
        with connect(dsns.parse(maria_site.url()), Deadline(20)) as database, database.scratch() as scratch:
            first = scratch.insert("/registry/a", b"1")
            second = scratch.insert("/registry/a", b"2", previous=first)
            gone = scratch.insert("/registry/b", b"1")
            last = scratch.insert("/registry/b", b"1", previous=gone, deleted=True)
            late = scratch.insert("/registry/a", b"3", previous=second)
            [other] = scratch.others(1)
            written: list[int] = []
            assert (
                scratch.compact(last, lambda: written.append(other.insert(f"/registry/beside{len(written)}", b""))) == 3
            )
            assert [row.id for row in scratch.after(0)] == [second, late, *written]
            assert len(written) == 2
            assert scratch.others(1) == [other]
            assert other.others(1) == []

    def test_scratch_is_filled(self, maria_site: MariaSite) -> None:
        with connect(dsns.parse(maria_site.url()), Deadline(20)) as database, database.scratch() as scratch:
            scratch.fill("/registry/filled/", 300, bytes(6000))
            names = [row.name for row in scratch.listing("/registry/filled/", "/registry/filled0")]
        assert names == [f"/registry/filled/{number:06d}" for number in range(1, 301)]
