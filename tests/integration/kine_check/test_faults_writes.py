# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that show only with several connections or large values: poolers, late reads, compaction. Each by its check."""

from __future__ import annotations

import typing as t

import pytest

from tests.integration.kine_check.conftest import alter_scratch, assert_only, findings, row_trigger
from tests.integration.kine_check.pooler import NEEDS, PROGRAM, pooler

if t.TYPE_CHECKING:
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.server import Site

# Rows are seen only by the connection that wrote them, as behind a proxy that reads from a standby far behind.
UNSEEN = (
    "ALTER TABLE %1$I.kine ADD COLUMN origin integer DEFAULT pg_backend_pid();"
    "ALTER TABLE %1$I.kine ENABLE ROW LEVEL SECURITY; ALTER TABLE %1$I.kine FORCE ROW LEVEL SECURITY;"
    "CREATE POLICY own ON %1$I.kine USING (origin = pg_backend_pid()) WITH CHECK (true)"
)


class TestPooler:
    """PgBouncer in front of the server."""

    @pytest.fixture(autouse=True)
    def _needs(self) -> None:
        if not PROGRAM.exists():
            pytest.fail(NEEDS)

    def test_transactions(self, site: Site, run: Examine) -> None:
        with pooler(site, "transaction") as port:
            for _attempt in range(2):  # what the first one leaves in the pooler's sessions does not change a thing
                assert_only(run(site.url("sslmode=disable", port=port)), "prepared", "fail")

    def test_sessions_are_fine(self, site: Site, run: Examine) -> None:
        with pooler(site, "session") as port:
            report = run(site.url("sslmode=disable", port=port))
        assert findings(report, "fail", "skipped") == [], report.text()
        assert findings(report, "warn") == ["dsn", "tls"]


class TestConnections:
    """What one connection writes, another one works on."""

    def test_reads_that_are_late(self, site: Site, run: Examine) -> None:
        alter_scratch(site, UNSEEN)
        assert_only(run(site.url()), "read_your_writes", "fail")

    def test_compaction_given_up(self, site: Site, run: Examine) -> None:
        refuse = "RAISE EXCEPTION ''''could not serialize access'''' USING ERRCODE = ''''40001'''';"
        alter_scratch(site, row_trigger("DELETE", refuse))
        assert_only(run(site.url()), "compaction", "fail")

    def test_compaction_that_deletes_nothing(self, site: Site, run: Examine) -> None:
        alter_scratch(site, row_trigger("DELETE", "RETURN NULL;"))
        assert_only(run(site.url()), "compaction", "fail")


class TestScratch:
    """The scratch table cannot be made."""

    def test_refused(self, site: Site, run: Examine) -> None:
        alter_scratch(site, "SELECT 1 / 0")
        report = run(site.url())
        assert_only(report, "revisions", "fail")
        assert report.text().count("division by zero") == 1
        reasons = {check.observed for check in report.checks if check.status == "skipped"}
        assert reasons == {"the scratch table could not be made", "Revisions in order failed"}


class TestLargeValues:
    """Values that are cut off or refused."""

    def test_refused(self, site: Site, run: Examine) -> None:
        alter_scratch(site, "ALTER TABLE %I.kine ADD CHECK (octet_length(value) < 1048576)")
        assert_only(run(site.url()), "big_value", "fail")

    def test_cut_off(self, site: Site, run: Examine) -> None:
        alter_scratch(site, row_trigger("INSERT", "NEW.value = substr(NEW.value, 1, 1048576); RETURN NEW;"))
        assert_only(run(site.url()), "big_value", "fail")
