# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An examination of PostgreSQL is bounded: what is its own, beside what test_bounds asks of each database."""

from __future__ import annotations

import os
import signal
import time
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_latency
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres import connect
from tests.integration.kine_check.conftest import findings

if t.TYPE_CHECKING:
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.server import Site


class TestScratch:
    """The scratch schema never stays."""

    def test_leftover_whose_backend_lives_on_goes_by_age(self, site: Site, run: Examine) -> None:
        with site.server.admin(site.database) as connection:
            [(backend, now)] = connection.execute(
                "SELECT pg_backend_pid(), floor(extract(epoch FROM now()))::bigint"
            ).fetchall()
            old, new = f"kine_check_{now - 4000}_{backend}_0123abcd", f"kine_check_{now - 3000}_{backend}_0123abcd"
            site.as_role(f"CREATE SCHEMA {old}", f"CREATE SCHEMA {new}")
            run(site.url())
            assert site.schemas() == [new]
        site.as_role(f"DROP SCHEMA {new}")

    def test_schemas_of_others_are_left_alone(self, site: Site, run: Examine) -> None:
        names = ["kine_check_1_1_0123abcd", "kine_check_mine", "kine_check_99999999999999999999_1_0123abcd"]
        site.admin(f"CREATE SCHEMA {names[0]}")
        site.as_role(f"CREATE SCHEMA {names[1]}", f"CREATE SCHEMA {names[2]}")
        run(site.url())
        assert sorted(site.schemas()) == sorted(names)
        site.admin(*(f"DROP SCHEMA {name}" for name in names))


class TestTime:
    """The deadline holds, whatever hangs."""

    def test_commit_that_waits_for_ever(self, site: Site, run: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
        from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_server

        # Let the check that would see it coming pass, as it does when the standby goes away a moment later.
        monkeypatch.setattr(rules_server, "releases_commits", lambda *_: True)
        started = time.monotonic()
        with site.server.settings(synchronous_standby_names="gone"):
            report = run(site.url(), seconds=6)
        assert 6 <= time.monotonic() - started < 6 + 5 + 2
        assert findings(report, "fail") == ["revisions"], report.text()
        assert "deadline of 6 s" in report.text()
        assert site.schemas() == []

    def test_server_that_stops_answering(self, site: Site) -> None:
        with connect(dsns.parse(site.url()), Deadline(2)) as database:
            [backend] = site.sessions()
            os.kill(backend, signal.SIGSTOP)  # our own server's process
            try:
                started = time.monotonic()
                with pytest.raises(Exception, match="deadline of 2 s"):
                    database.home()
                assert time.monotonic() - started < 5
            finally:
                os.kill(backend, signal.SIGCONT)


def test_writes_less_than_twenty_megabytes(site: Site, run: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_latency, "FILL_SECONDS", 60)
    with site.server.admin() as connection:
        [(before,)] = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchall()
        report = run(site.url(), Plan(max_open=12, samples=100))
        written = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)::bigint"
        [(size,)] = connection.execute(written, [before]).fetchall()
    assert report.latency.listed == 10_000
    assert size < 20e6
