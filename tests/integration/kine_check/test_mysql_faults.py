# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kine_check says of faults of a real MariaDB beyond their names, which the table of mysql_faults holds it to."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql import connect
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_schema import COLLATION, INDEXES, PRIMARY_KEY, ddl
from tests.integration.kine_check.conftest import assert_only, findings
from tests.integration.kine_check.mysql_faults import FIT

if t.TYPE_CHECKING:
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.mariadb_server import MariaSite


def statuses(report: t.Any) -> dict[str, str]:
    return {check.id: check.status for check in report.checks}


class TestPlace:
    """The server, and what the account may do there."""

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

    def test_engine_that_cannot_store_the_values(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.settings(default_storage_engine="MEMORY"):
            report = run_mysql(maria_site.url())
        assert findings(report, "fail") == ["durability", "revisions"], report.text()
        assert report.text().count("BLOB/TEXT") == 1
        reasons = {check.observed for check in report.checks if check.status == "skipped"}
        assert reasons == {"the scratch table could not be made", "Revisions in order failed"}


class TestWrites:
    """What only shows when something is written."""

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
