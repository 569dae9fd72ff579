# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An examination of MariaDB is bounded: in time, in connections, in what it leaves behind when it is killed or cut."""

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
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import mysql_connection
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql import connect
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_scratch import MysqlScratch
from tests.integration.kine_check.conftest import PLAN, findings

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.mariadb_server import MariaServer, MariaSite

# A run that never ends by itself, for killing it.
ENDLESS = """
import sys
from ansible_collections.k0smotron.ha.plugins.module_utils import dsn
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql import connect
with connect(dsn.parse(sys.stdin.readline().strip()), Deadline(60)) as database, database.scratch() as scratch:
    revision = 0
    while True:
        revision = scratch.insert("/registry/endless", b"", previous=revision)
"""


@contextlib.contextmanager
def endless_run(site: MariaSite) -> Iterator[subprocess.Popen[str]]:
    """Run an examination that goes on until it is killed, from the moment on when its scratch table is there."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-c", ENDLESS], stdin=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdin is not None
        process.stdin.write(site.url() + "\n")
        process.stdin.close()
        until = time.monotonic() + 30
        while not site.tables():
            assert time.monotonic() < until, "the run made no scratch table"
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


class TestScratch:
    """The scratch table never stays."""

    def test_killed_run_is_cleaned_up_by_the_next(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with endless_run(maria_site) as process:
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert len(maria_site.tables()) == 1, "this test needs a leftover"
            until = time.monotonic() + 10
            while maria_site.sessions():  # the server needs a moment to notice
                assert time.monotonic() < until
                time.sleep(0.02)
            report = run_mysql(maria_site.url())
        assert findings(report, "fail") == []
        assert maria_site.tables() == []

    def test_interrupted_run_cleans_up_itself(self, maria_site: MariaSite) -> None:
        with endless_run(maria_site) as process:
            process.send_signal(signal.SIGINT)
            process.wait(20)
        assert maria_site.tables() == []

    def test_run_under_way_is_left_alone(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with endless_run(maria_site) as process:
            [table] = maria_site.tables()
            assert findings(run_mysql(maria_site.url()), "fail") == []
            assert maria_site.tables() == [table]
            assert process.poll() is None
        maria_site.admin(f"DROP TABLE {table}")

    def test_run_of_another_account_is_left_alone(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        """Its sessions are invisible to this account; its lock is not."""
        maria_site.admin("CREATE USER {role}x@'%' IDENTIFIED BY 'x'", "GRANT ALL ON {database}.* TO {role}x@'%'")
        with endless_run(maria_site) as process:
            [table] = maria_site.tables()
            run_mysql(maria_site.url(user=f"{maria_site.role}x", password="x"))
            assert maria_site.tables() == [table]
            assert process.poll() is None
        maria_site.admin(f"DROP TABLE {table}")

    def test_leftover_whose_session_lives_on_goes_by_age(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        with maria_site.server.admin(maria_site.database) as cursor:
            now = int(time.time())
            old, new = f"kine_check_{now - 4000}_1_0123abcd", f"kine_check_{now - 3000}_1_0123abcd"
            for name in (old, new):
                cursor.execute(f"CREATE TABLE {name} (a INTEGER)")
                cursor.execute("SELECT GET_LOCK(%s, 0)", [name])
            run_mysql(maria_site.url())
            assert maria_site.tables() == [new]
        run_mysql(maria_site.url())

    def test_tables_of_others_are_left_alone(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        names = ["kine_check_mine", "kine_check_99999999999999999999_1_0123abcd", "kine_check_1_1_0123ABCDE"]
        maria_site.admin(*(f"CREATE TABLE {name} (a INTEGER)" for name in names))
        run_mysql(maria_site.url())
        assert sorted(maria_site.tables()) == sorted(names)
        maria_site.admin(*(f"DROP TABLE {name}" for name in names))

    def test_connection_cut_in_the_middle(self, maria_site: MariaSite) -> None:
        with connect(dsns.parse(maria_site.url()), Deadline(20)) as database:
            scratch = database.scratch()
            table = scratch.__enter__()
            table.insert("/registry/a", b"")
            maria_site.admin(*(f"KILL {session}" for session in maria_site.sessions()))
            with pytest.raises(Exception, match="connection was lost"):
                table.insert("/registry/b", b"")
            scratch.__exit__(None, None, None)
        assert maria_site.tables() == []

    def test_may_create_but_not_drop(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        """What could not be removed again is not made."""
        maria_site.admin("REVOKE DROP ON {database}.* FROM {role}@'%'")
        report = run_mysql(maria_site.url())
        assert findings(report, "fail") == [], report.text()
        assert {check.id: check.status for check in report.checks}["revisions"] == "skipped"

    def test_server_gone_in_the_middle(
        self, maria_site: MariaSite, run_mysql: Examine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        insert = MysqlScratch.insert

        def last_insert(self: MysqlScratch, *args: t.Any, **options: t.Any) -> int:
            revision = insert(self, *args, **options)
            maria_site.server.stop()
            return revision

        monkeypatch.setattr(MysqlScratch, "insert", last_insert)
        try:
            report = run_mysql(maria_site.url())
        finally:
            monkeypatch.undo()
            maria_site.server.start()
            maria_site.server.await_replica()
        assert findings(report, "fail") == ["revisions"], report.text()
        assert report.checks[-1].id == "cleanup"
        assert findings(run_mysql(maria_site.url()), "fail") == []


class TestTime:
    """The deadline holds, whatever hangs."""

    def test_commit_that_waits_for_a_replica(
        self, maria_site: MariaSite, replica: MariaServer, run_mysql: Examine
    ) -> None:
        """A semi-synchronous commit whose replica has just gone; the removal has to get past it."""
        os.kill(replica.pid, signal.SIGSTOP)  # our own server's process
        try:
            started = time.monotonic()
            report = run_mysql(maria_site.url(), seconds=4)
            took = time.monotonic() - started
        finally:
            os.kill(replica.pid, signal.SIGCONT)
            maria_site.server.await_replica()
        assert took < 4 + 5 + 5
        assert "deadline of 4 s" in report.text()
        run_mysql(maria_site.url())  # removes the table where the run could not

    def test_server_that_stops_answering(self, maria_site: MariaSite, maria: MariaServer) -> None:
        with connect(dsns.parse(maria_site.url()), Deadline(2)) as database:
            os.kill(maria.pid, signal.SIGSTOP)
            try:
                started = time.monotonic()
                with pytest.raises(Exception, match="deadline of 2 s"):
                    database.home()
                assert time.monotonic() - started < 5
            finally:
                os.kill(maria.pid, signal.SIGCONT)

    def test_time_is_up_before_it_starts(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        assert "deadline of 0 s" in run_mysql(maria_site.url(), seconds=0).text()


class TestConnections:
    """Few connections, and a limit that cannot be passed."""

    def test_two_at_a_time(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        maria_site.admin("ALTER USER {role}@'%' WITH MAX_USER_CONNECTIONS 2")
        report = run_mysql(maria_site.url(), Plan(replicas=1, max_open=1, samples=1))
        assert findings(report, "fail") == [], report.text()

    def test_at_most_twelve(self, maria_site: MariaSite) -> None:
        with (
            connect(dsns.parse(maria_site.url()), Deadline(20)) as database,
            pytest.raises(Exception, match="12 connections"),
        ):
            database.write_states(13)

    def test_examination_stays_below(
        self, maria_site: MariaSite, run_mysql: Examine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mysql_connection, "MAX_CONNECTIONS", 7)
        assert findings(run_mysql(maria_site.url(), PLAN), "fail") == []
        assert maria_site.sessions() == []
