# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pooler in its two modes, and a scratch table that cannot be made, beyond what the table of faults holds them to."""

from __future__ import annotations

import typing as t

import pytest

from tests.integration.kine_check import kine
from tests.integration.kine_check.conftest import alter_scratch, assert_only, findings
from tests.integration.kine_check.pooler import NEEDS, PROGRAM, pooler

if t.TYPE_CHECKING:
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.server import Site


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

    @pytest.mark.parametrize("mode", ["exec", "simple_protocol"])
    def test_transactions_without_prepared_statements(self, site: Site, run: Examine, mode: str) -> None:
        with pooler(site, "transaction") as port:
            plain = site.url("sslmode=disable", port=port)
            url = f"{plain}&default_query_exec_mode={mode}"
            report = run(url)
            assert kine.behaviour(url) == kine.WORKS
            assert kine.behaviour(plain) != kine.WORKS
        assert findings(report, "fail", "skipped") == [], report.text()
        assert findings(report, "warn") == ["dsn", "tls"]

    def test_sessions_are_fine(self, site: Site, run: Examine) -> None:
        with pooler(site, "session") as port:
            report = run(site.url("sslmode=disable", port=port))
        assert findings(report, "fail", "skipped") == [], report.text()
        assert findings(report, "warn") == ["dsn", "tls"]


class TestScratch:
    """The scratch table cannot be made."""

    def test_refused(self, site: Site, run: Examine) -> None:
        alter_scratch(site, "SELECT 1 / 0")
        report = run(site.url())
        assert_only(report, "revisions", "fail")
        assert report.text().count("division by zero") == 1
        reasons = {check.observed for check in report.checks if check.status == "skipped"}
        assert reasons == {"the scratch table could not be made", "Revisions in order failed"}
