# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MariaDB database that is fit for kine passes, quickly and without a trace."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.left_database import SERVERS
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks_mysql import MYSQL_CHECKS
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql import connect
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_schema import TABLE, ddl
from tests.integration.kine_check.conftest import findings
from tests.integration.kine_check.mysql_faults import RECOLLATE
from tests.integration.kine_check.test_healthy import CONNECTIONS_WORTH, seconds

if t.TYPE_CHECKING:
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.mariadb_server import MariaSite


def test_empty_database_passes_everything(maria_site: MariaSite, run_mysql: Examine) -> None:
    report = run_mysql(maria_site.url())
    assert findings(report, "warn", "fail", "skipped") == [], report.text()
    assert [check.id for check in report.checks] == [check.id for check in MYSQL_CHECKS]
    assert report.tls.used
    assert report.tls.version.startswith("TLSv1.")
    assert report.tls.cipher
    assert (report.server.product, report.server.version[:6]) == ("MariaDB", "10.11.")
    assert report.latency.samples == 20
    assert 0 < report.latency.p50_ms <= report.latency.p99_ms


def test_table_as_kine_makes_it_has_one_flaw(maria_site: MariaSite, run_mysql: Examine) -> None:
    maria_site.admin(ddl())
    report = run_mysql(maria_site.url())
    assert findings(report, "warn", "fail", "skipped") == ["collation"], report.text()


def test_mended_table_passes_and_is_left_alone(maria_site: MariaSite, run_mysql: Examine) -> None:
    maria_site.admin(ddl(), RECOLLATE, f"INSERT INTO {TABLE} (name) VALUES ('/registry/health')")  # noqa: S608
    report = run_mysql(maria_site.url())
    assert findings(report, "warn", "fail", "skipped") == [], report.text()
    assert maria_site.admin(f"SELECT id, name FROM {TABLE}") == [(1, "/registry/health")]  # noqa: S608
    [(following,)] = maria_site.admin(
        "SELECT auto_increment FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'kine'"
    )
    assert following == 2, "the check used a number of kine's table"


@pytest.mark.parametrize("settings", [{"sql_mode": "ANSI"}, {"sql_quote_show_create": 0}], ids=["ANSI", "bare names"])
def test_names_in_grants_are_quoted_as_the_server_likes(
    maria_site: MariaSite, run_mysql: Examine, settings: dict[str, t.Any]
) -> None:
    with maria_site.server.settings(**settings):
        report = run_mysql(maria_site.url())
    assert findings(report, "warn", "fail", "skipped") == [], report.text()


def test_clients_are_told_apart_by_their_whole_address(maria_site: MariaSite) -> None:
    """Of IPv6, too, whose addresses have colons of their own."""
    server = maria_site.server
    with contextlib.ExitStack() as stack:
        stack.enter_context(server.restarted(bind_address="*", skip_name_resolve="ON"))
        for host in ("127.0.0.1", "::1"):
            stack.enter_context(maria_site.connected(host))
        with connect(dsns.parse(maria_site.url()), Deadline(20)) as database:
            assert sorted(session.address for session in database.sessions()) == ["127.0.0.1", "::1"]
        with server.admin(maria_site.database) as cursor:
            cursor.execute(SERVERS["mariadb"].find_sessions(maria_site.database))
            found = {row[0] for row in cursor.fetchall()}
    role = maria_site.role
    assert found == {f"{role} from 127.0.0.1", f"{role} from ::1", "root from localhost"}
    server.await_replica()


def test_account_with_an_operators_privileges(maria_site: MariaSite, run_mysql: Examine) -> None:
    """One database, by its escaped name, and a connection limit of its own."""
    escaped = maria_site.database.replace("_", "\\_")
    maria_site.admin(
        "REVOKE ALL ON {database}.* FROM {role}@'%'",
        f"GRANT ALL ON `{escaped}`.* TO {maria_site.role}@'%' WITH MAX_USER_CONNECTIONS 100",
    )
    report = run_mysql(maria_site.url())
    assert findings(report, "warn", "fail", "skipped") == [], report.text()


def test_takes_two_seconds_at_most(maria_site: MariaSite, run_mysql: Examine) -> None:
    """Two seconds on a machine that is free; on one that is busy with other tests, what that many connections take."""
    tries = []
    for _attempt in range(5):
        bare = seconds(lambda: bare_connection(maria_site))
        took = seconds(lambda: run_mysql(maria_site.url(), Plan(max_open=12, samples=100)))
        if took < max(2.0, CONNECTIONS_WORTH * bare):
            return
        tries.append(f"{took:.1f} s, {took / bare:.0f} times a connection")
    pytest.fail("; ".join(tries))


def bare_connection(site: MariaSite) -> None:
    """Connect with TLS and ask for one value."""
    with connect(dsns.parse(site.url()), Deadline(20)) as database:
        database.server()
