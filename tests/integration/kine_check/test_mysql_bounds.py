# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An examination of MariaDB is bounded: what is its own, beside what test_bounds asks of each database."""

from __future__ import annotations

import os
import signal
import time
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql import connect
from tests.integration.kine_check.conftest import findings
from tests.integration.kine_check.subject import endless_run, maria_subject

if t.TYPE_CHECKING:
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.mariadb_server import MariaServer, MariaSite


class TestScratch:
    """The scratch table never stays."""

    def test_run_of_another_account_is_left_alone(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        """Its sessions are invisible to this account; its lock is not."""
        maria_site.admin("CREATE USER {role}x@'%' IDENTIFIED BY 'x'", "GRANT ALL ON {database}.* TO {role}x@'%'")
        with endless_run(maria_subject(maria_site, run_mysql)) as process:
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

    def test_may_create_but_not_drop(self, maria_site: MariaSite, run_mysql: Examine) -> None:
        """What could not be removed again is not made."""
        maria_site.admin("REVOKE DROP ON {database}.* FROM {role}@'%'")
        report = run_mysql(maria_site.url())
        assert findings(report, "fail") == [], report.text()
        assert {check.id: check.status for check in report.checks}["revisions"] == "skipped"


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
