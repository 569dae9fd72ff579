# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of what is in kine's own table, of who else uses it, and of the server's upkeep: each named by its check."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import psycopg
import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_server
from tests.integration.kine_check.conftest import PLAN, assert_only, findings
from tests.integration.kine_check.faults import KINE_TABLE

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Report
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.server import Site

UID = "0b1c2d3e-0000-4000-8000-000000000001"
# What a kine has written that an API server used for a while. The object is stored as the API server does it.
CLUSTER = (
    *KINE_TABLE,
    "INSERT INTO kine (name, deleted, prev_revision) VALUES ('compact_rev_key', 0, 2), ('/registry/health', 0, 0)",
    "INSERT INTO kine (name, deleted, prev_revision, value) VALUES ('/registry/namespaces/kube-system', 0, 0,"  # noqa: S608
    f" convert_to('k8s v1 Namespace kube-system {UID} 2', 'UTF8'))",
    "INSERT INTO kine (name, deleted, prev_revision) VALUES ('gap-4', 1, 0), ('compact_rev_key_apiserver', 0, 0)",
)
NEW = CLUSTER[: len(KINE_TABLE) + 1]
"""A table in which only kine itself has written: it was started, and no API server after it."""


def row(report: Report, check: str) -> tuple[str, str]:
    """Return status and observation of one check."""
    [found] = [result for result in report.checks if result.id == check]
    return found.status, found.observed


def rows(name: str, count: int, *, before: str = "0") -> str:
    """Return a statement that inserts rows; name and before are SQL expressions over number."""
    return (
        f"INSERT INTO kine (name, deleted, prev_revision) SELECT {name}, 0, {before}"  # noqa: S608
        f" FROM generate_series(1, {count}) AS number"
    )


class TestData:
    """Whose data is there."""

    @pytest.mark.parametrize("expect", ["any", "existing"])
    @pytest.mark.parametrize("uid", ["", UID])
    def test_a_cluster_is_recognized(self, site: Site, run: Examine, expect: t.Any, uid: str) -> None:
        site.as_role(*CLUSTER)
        report = run(site.url(), replace(PLAN, expect=expect, cluster_uid=uid))
        assert findings(report, "warn", "fail", "skipped") == [], report.text()
        assert row(report, "data") == ("ok", f"data of cluster {UID}")

    @pytest.mark.parametrize("expect", ["any", "empty"])
    def test_what_kine_writes_for_itself_is_no_data(self, site: Site, run: Examine, expect: t.Any) -> None:
        site.as_role(*NEW)
        report = run(site.url(), replace(PLAN, expect=expect))
        assert findings(report, "warn", "fail", "skipped") == [], report.text()
        assert row(report, "data") == ("ok", "no data of a control plane")

    def test_another_cluster(self, site: Site, run: Examine) -> None:
        site.as_role(*CLUSTER)
        assert_only(run(site.url(), replace(PLAN, cluster_uid=UID[::-1])), "data", "fail")

    def test_data_where_none_should_be(self, site: Site, run: Examine) -> None:
        site.as_role(*CLUSTER)
        assert_only(run(site.url(), replace(PLAN, expect="empty")), "data", "fail")

    @pytest.mark.parametrize("statements", [(), NEW])
    def test_no_data_where_some_should_be(self, site: Site, run: Examine, statements: tuple[str, ...]) -> None:
        site.as_role(*statements)
        assert_only(run(site.url(), replace(PLAN, expect="existing")), "data", "fail")

    @pytest.mark.parametrize("name", ["/bootstrap/a", "/registry", "a", "compact_rev", "d", "zz"])
    @pytest.mark.parametrize(("expect", "status"), [("any", "warn"), ("existing", "fail")])
    def test_foreign_rows(self, site: Site, run: Examine, name: str, expect: t.Any, status: t.Any) -> None:
        site.as_role(*CLUSTER, rows(f"'{name}'", 1))
        report = run(site.url(), replace(PLAN, expect=expect))
        assert_only(report, "data", status)
        assert name in row(report, "data")[1]


class TestNumbers:
    """The sequence, compaction and gaps."""

    def test_sequence_behind(self, site: Site, run: Examine) -> None:
        site.as_role(*CLUSTER, "SELECT setval('kine_id_seq', 2)")
        assert_only(run(site.url()), "sequence", "fail")

    @pytest.mark.parametrize(("last", "status"), [(1_800_000_000, "warn"), (2_147_000_000, "fail")])
    def test_integer_ids_run_out(self, site: Site, run: Examine, last: int, status: t.Any) -> None:
        integer = "ALTER TABLE kine ALTER COLUMN id TYPE integer, ALTER COLUMN prev_revision TYPE integer"
        site.as_role(*CLUSTER, integer, f"SELECT setval('kine_id_seq', {last})")
        assert_only(run(site.url()), "sequence", status)

    def test_sequence_of_integers_under_a_wide_column(self, site: Site, run: Examine) -> None:
        site.as_role(*CLUSTER, "ALTER SEQUENCE kine_id_seq AS integer", "SELECT setval('kine_id_seq', 2147000000)")
        assert_only(run(site.url()), "sequence", "fail")

    def test_sequence_that_may_not_be_read(self, site: Site, run: Examine) -> None:
        site.admin(*KINE_TABLE, "GRANT ALL ON TABLE kine TO {role}")
        assert_only(run(site.url()), "owner", "fail")

    def test_compaction_stalled(self, site: Site, run: Examine) -> None:
        site.as_role(*CLUSTER, "UPDATE kine SET id = 200000 WHERE id = 4", "SELECT setval('kine_id_seq', 200000)")
        assert_only(run(site.url()), "compacted", "warn")

    def test_many_rows_of_one_name(self, site: Site, run: Examine) -> None:
        site.as_role(*CLUSTER, rows("'/registry/leases/a'", 5001, before="number"))
        report = run(site.url())
        assert_only(report, "compacted", "warn")
        assert row(report, "compacted")[1] == "5001 rows of /registry/leases/a"

    def test_gaps(self, site: Site, run: Examine) -> None:
        site.as_role(*CLUSTER, rows("'gap-1' || number", 100), rows("'/registry/pods/' || number", 200))
        report = run(site.url())
        assert_only(report, "gaps", "warn")
        assert row(report, "gaps")[1].startswith("101 of the newest 305")

    def test_several_records_of_the_compaction(self, site: Site, run: Examine) -> None:
        site.as_role(*CLUSTER, rows("'compact_rev_key'", 1), rows("'compact_rev_key'", 1, before="7"))
        report = run(site.url())
        assert_only(report, "gaps", "fail")
        remedy = next(check.remedy for check in report.checks if check.id == "gaps")
        site.as_role(remedy[remedy.index("DELETE") :])
        with site.server.admin(site.database) as connection:
            kept = connection.execute("SELECT prev_revision FROM kine WHERE name = 'compact_rev_key'").fetchall()
        assert kept == [(7,)]


class TestOthers:
    """Who else is connected."""

    def _connect(self, site: Site, other: Site) -> psycopg.Connection[t.Any]:
        return psycopg.connect(other.url(database=site.database).split("?")[0], sslmode="require", autocommit=True)

    @pytest.mark.parametrize(("expect", "status"), [("any", "warn"), ("empty", "fail")])
    def test_another_role_that_may_write(self, site: Site, run: Examine, expect: t.Any, status: t.Any) -> None:
        other = site.server.site()
        site.as_role(*NEW, f"GRANT INSERT ON TABLE kine TO {other.role}")
        with self._connect(site, other):
            report = run(site.url(), replace(PLAN, expect=expect))
        assert_only(report, "writers", status)
        assert other.role in row(report, "writers")[1]

    @pytest.mark.parametrize(("rights", "status"), [("LOGIN", "fail"), ("CREATEROLE", "warn")])
    def test_a_member_of_the_owner(self, site: Site, run: Examine, rights: str, status: t.Any) -> None:
        """managed_database makes its administrator, who is no superuser, a member; the remedy has to end it."""
        other = site.server.site()
        site.as_role(*NEW)
        site.admin(f"ALTER ROLE {other.role} {rights}", f"GRANT {{role}} TO {other.role}")
        with self._connect(site, other):
            report = run(site.url(), replace(PLAN, expect="empty"))
            assert_only(report, "writers", status)
            [remedy] = [check.remedy for check in report.checks if check.id == "writers"]
            site.admin(remedy[remedy.index("REVOKE") :])
            report = run(site.url(), replace(PLAN, expect="empty"))
        assert row(report, "writers")[0] == "ok", report.text()

    @pytest.mark.parametrize("expect", ["any", "empty"])
    def test_another_role_that_may_only_read_is_fine(self, site: Site, run: Examine, expect: t.Any) -> None:
        other = site.server.site()
        site.as_role(*NEW, f"GRANT SELECT ON TABLE kine TO {other.role}")
        with self._connect(site, other):
            report = run(site.url(), replace(PLAN, expect=expect))
        assert row(report, "writers")[0] == "ok", report.text()

    @pytest.mark.parametrize(("expect", "status"), [("any", "ok"), ("existing", "ok"), ("empty", "fail")])
    def test_kine_is_running(self, site: Site, run: Examine, expect: t.Any, status: str) -> None:
        site.as_role(*(NEW if expect == "empty" else CLUSTER))
        with self._connect(site, site):
            report = run(site.url(), replace(PLAN, expect=expect))
        assert row(report, "writers")[0] == status, report.text()
        assert findings(report, "fail") == (["writers"] if status == "fail" else [])

    def test_more_addresses_than_replicas(self, site: Site, run: Examine) -> None:
        with self._connect(site, site):
            assert_only(run(site.url(), replace(PLAN, replicas=0)), "writers", "warn")


class TestUpkeep:
    """The server's version, its time-outs, and how it removes dead rows."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("statement_timeout", "5s"),
            ("lock_timeout", "5s"),
            ("idle_session_timeout", "5min"),
            ("idle_in_transaction_session_timeout", "5s"),
        ],
    )
    def test_timeout(self, site: Site, run: Examine, name: str, value: str) -> None:
        site.admin(f"ALTER ROLE {{role}} SET {name} = '{value}'")
        report = run(site.url())
        assert_only(report, "housekeeping", "warn")
        assert name in row(report, "housekeeping")[1]

    @pytest.mark.parametrize(
        "statement", ["ALTER TABLE kine SET (autovacuum_enabled = off)", "ALTER TABLE kine SET (fillfactor = 90)"]
    )
    def test_table_that_is_not_cleaned(self, site: Site, run: Examine, statement: str) -> None:
        site.as_role(*CLUSTER, statement)
        expected = "warn" if "autovacuum" in statement else "ok"
        assert row(run(site.url()), "housekeeping")[0] == expected

    @pytest.mark.parametrize("setting", ["autovacuum", "track_counts"])
    def test_server_that_does_not_clean(self, site: Site, run: Examine, setting: str) -> None:
        with site.server.settings(synchronous_standby_names="*", **{setting: "off"}):
            assert_only(run(site.url()), "housekeeping", "warn")

    def test_dead_rows(self, site: Site, run: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rules_server, "MANY_DEAD", 100)
        site.as_role(*CLUSTER, rows("'/registry/pods/' || number", 300), "DELETE FROM kine WHERE id > 6")
        report = run(site.url())
        assert_only(report, "housekeeping", "warn")
        assert "dead rows beside" in row(report, "housekeeping")[1]
