# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An examination is bounded: in time, in connections, in what it leaves behind when it is killed or cut off."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import postgres_connection, rules_latency
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres import connect
from tests.integration.kine_check.conftest import PLAN, findings

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.server import Server, Site

# A run that never ends by itself, for killing it.
ENDLESS = """
import sys
from ansible_collections.k0smotron.ha.plugins.module_utils import dsn
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres import connect
with connect(dsn.parse(sys.stdin.readline().strip()), Deadline(60)) as database, database.scratch() as scratch:
    revision = 0
    while True:
        revision = scratch.insert("/registry/endless", b"", previous=revision)
"""


@contextlib.contextmanager
def endless_run(site: Site) -> Iterator[subprocess.Popen[str]]:
    """Run an examination that goes on until it is killed, from the moment on when its scratch schema is there."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-c", ENDLESS], stdin=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdin is not None
        process.stdin.write(site.url() + "\n")
        process.stdin.close()
        until = time.monotonic() + 30
        while not site.schemas():
            assert time.monotonic() < until, "the run made no scratch schema"
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


def backends(server: Server, site: Site) -> int:
    """Return how many sessions the role of a site has."""
    with server.admin() as connection:
        [(count,)] = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [site.role]
        ).fetchall()
    return int(count)


class TestScratch:
    """The scratch schema never stays."""

    def test_killed_run_is_cleaned_up_by_the_next(self, site: Site, run: Examine) -> None:
        with endless_run(site) as process:
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert len(site.schemas()) == 1, "this test needs a leftover"
            until = time.monotonic() + 10
            while backends(site.server, site):  # the server needs a moment to notice
                assert time.monotonic() < until
                time.sleep(0.02)
            report = run(site.url())
        assert findings(report, "fail") == []
        assert site.schemas() == []

    def test_run_under_way_is_left_alone(self, site: Site, run: Examine) -> None:
        with endless_run(site) as process:
            [schema] = site.schemas()
            assert findings(run(site.url()), "fail") == []
            assert site.schemas() == [schema]
            assert process.poll() is None
        site.as_role(f"DROP SCHEMA {schema} CASCADE")

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

    def test_connection_cut_in_the_middle(self, site: Site) -> None:
        with connect(dsns.parse(site.url()), Deadline(20)) as database:
            scratch = database.scratch()
            table = scratch.__enter__()
            table.insert("/registry/a", b"")
            site.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'")
            with pytest.raises(Exception, match="connection was lost"):
                table.insert("/registry/b", b"")
            scratch.__exit__(None, None, None)
        assert site.schemas() == []

    def test_server_gone_in_the_middle(self, site: Site, run: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
        from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres_scratch import PostgresScratch

        insert = PostgresScratch.insert

        def last_insert(self: PostgresScratch, *args: t.Any, **options: t.Any) -> int:
            revision = insert(self, *args, **options)
            site.server.stop()
            return revision

        monkeypatch.setattr(PostgresScratch, "insert", last_insert)
        try:
            report = run(site.url())
        finally:
            monkeypatch.undo()
            site.server.start()
            site.server.await_standby()
        assert findings(report, "fail") == ["revisions"], report.text()
        assert report.checks[-1].id == "cleanup"
        assert findings(run(site.url()), "fail") == []


class TestTime:
    """The deadline holds, whatever hangs."""

    def test_commit_that_waits_for_ever(self, site: Site, run: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
        from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_server

        # Let the check that would see it coming pass, as it does when the standby goes away a moment later.
        monkeypatch.setattr(rules_server, "_releases_commits", lambda *_: True)
        started = time.monotonic()
        with site.server.settings(synchronous_standby_names="gone"):
            report = run(site.url(), seconds=6)
        assert 6 <= time.monotonic() - started < 6 + 5 + 2
        assert findings(report, "fail") == ["revisions"], report.text()
        assert "deadline of 6 s" in report.text()
        assert site.schemas() == []

    def test_server_that_stops_answering(self, site: Site) -> None:
        with connect(dsns.parse(site.url()), Deadline(2)) as database:
            with site.server.admin() as connection:
                [(backend,)] = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE usename = %s", [site.role]
                ).fetchall()
            os.kill(backend, signal.SIGSTOP)  # our own server's process
            try:
                started = time.monotonic()
                with pytest.raises(Exception, match="deadline of 2 s"):
                    database.home()
                assert time.monotonic() - started < 5
            finally:
                os.kill(backend, signal.SIGCONT)

    def test_time_is_up_before_it_starts(self, site: Site, run: Examine) -> None:
        report = run(site.url(), seconds=0)
        assert "deadline of 0 s" in report.text()


class TestConnections:
    """Few connections, and a limit that cannot be passed."""

    def test_two_at_a_time(self, site: Site, run: Examine) -> None:
        site.admin("ALTER ROLE {role} CONNECTION LIMIT 2")
        report = run(site.url(), Plan(replicas=1, max_open=1, samples=1))
        assert findings(report, "fail") == [], report.text()

    def test_at_most_twelve(self, site: Site) -> None:
        with (
            connect(dsns.parse(site.url()), Deadline(20)) as database,
            pytest.raises(Exception, match="12 connections"),
        ):
            database.write_states(13)

    def test_examination_stays_below(self, site: Site, run: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgres_connection, "MAX_CONNECTIONS", 7)
        report = run(site.url(), PLAN)
        assert findings(report, "fail", "skipped") == [], report.text()
        until = time.monotonic() + 5
        while backends(site.server, site):  # the server ends a session some time after its client is gone
            assert time.monotonic() < until, "the examination left connections open"
            time.sleep(0.02)


def test_writes_less_than_twenty_megabytes(site: Site, run: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_latency, "FILL_SECONDS", 60)
    with site.server.admin() as connection:
        [(before,)] = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchall()
        report = run(site.url(), Plan(max_open=12, samples=100))
        written = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)::bigint"
        [(size,)] = connection.execute(written, [before]).fetchall()
    assert report.latency.listed == 10_000
    assert size < 20e6
