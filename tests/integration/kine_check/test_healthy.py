# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database that is fit for kine passes, quickly and without a trace."""

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import TABLE, postgres_ddl
from tests.integration.kine_check.conftest import findings

if t.TYPE_CHECKING:
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.server import Site


def test_empty_database_passes_everything(site: Site, run: Examine) -> None:
    report = run(site.url())
    assert findings(report, "warn", "fail", "skipped") == [], report.text()
    assert report.tls.used
    assert report.tls.version.startswith("TLSv1.")
    assert report.tls.cipher
    assert (report.server.product, report.server.version.split(".")[0]) == ("PostgreSQL", "15")
    assert report.latency.samples == 20
    assert 0 < report.latency.p50_ms <= report.latency.p99_ms


def test_database_with_kine_table_passes_and_is_left_alone(site: Site, run: Examine) -> None:
    site.as_role(*postgres_ddl(TABLE), f"INSERT INTO {TABLE} (name) VALUES ('/registry/health')")  # noqa: S608
    report = run(site.url())
    assert findings(report, "warn", "fail", "skipped") == [], report.text()
    with site.server.admin(site.database) as connection:
        rows = connection.execute(f"SELECT id, name FROM {TABLE}").fetchall()  # noqa: S608
        [(value, called)] = connection.execute("SELECT last_value, is_called FROM kine_id_seq").fetchall()
    assert rows == [(1, "/registry/health")]
    assert (value, called) == (1, True), "the check used a number of kine's sequence"


def test_takes_two_seconds_at_most(site: Site, run: Examine) -> None:
    best = 60.0
    for _attempt in range(5):  # the machine may be busy with other tests
        started = time.perf_counter()
        run(site.url(), Plan(max_open=12, samples=100))
        best = min(best, time.perf_counter() - started)
        if best < 2.0:
            return
    pytest.fail(f"the quickest of five examinations took {best:.1f} s")
