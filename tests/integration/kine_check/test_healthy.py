# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database that is fit for kine passes, quickly and without a trace."""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import replace

import psycopg
import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import commit_order
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres_connection import Connector
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import TABLE, postgres_ddl
from ansible_collections.k0smotron.ha.plugins.module_utils.managed import postgres as managed
from tests.integration.kine_check.conftest import findings
from tests.integration.kine_check.server import free_port

if t.TYPE_CHECKING:
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.server import Server, Site

# On a free machine a connection with TLS takes about 20 ms.
CONNECTIONS_WORTH = 100


def test_empty_database_passes_everything(site: Site, run: Examine) -> None:
    report = run(site.url())
    assert findings(report, "warn", "fail", "skipped") == [], report.text()
    assert report.tls.used
    assert report.tls.version.startswith("TLSv1.")
    assert report.tls.cipher
    assert (report.server.product, report.server.version.split(".")[0]) == ("PostgreSQL", "15")
    assert report.latency.samples == 20
    assert 0 < report.latency.p50_ms <= report.latency.p99_ms


@pytest.mark.parametrize("first", ["primary", "standby", "nobody"])
def test_of_several_hosts_the_primary_is_examined(site: Site, standby: Server, run: Examine, first: str) -> None:
    standby.catch_up(site.server)
    ports = {"primary": site.server.port, "standby": standby.port, "nobody": free_port()}
    hosts = ",".join(f"127.0.0.1:{ports[name]}" for name in sorted(ports, key=lambda name: name != first))
    url = site.url("sslmode=require&target_session_attrs=read-write&connect_timeout=5")
    report = run(url.replace(f"127.0.0.1:{site.server.port}", hosts))
    assert findings(report, "warn", "fail", "skipped") == [], report.text()


def test_database_with_kine_table_passes_and_is_left_alone(site: Site, run: Examine) -> None:
    site.as_role(*postgres_ddl(TABLE), f"INSERT INTO {TABLE} (name) VALUES ('/registry/health')")  # noqa: S608
    report = run(site.url())
    assert findings(report, "warn", "fail", "skipped") == [], report.text()
    with site.server.admin(site.database) as connection:
        rows = connection.execute(f"SELECT id, name FROM {TABLE}").fetchall()  # noqa: S608
        [(value, called)] = connection.execute("SELECT last_value, is_called FROM kine_id_seq").fetchall()
    assert rows == [(1, "/registry/health")]
    assert (value, called) == (1, True), "the check used a number of kine's sequence"


def test_database_without_an_encoding_is_read_as_text(site: Site, run: Examine) -> None:
    """A SQL_ASCII server leaves the client's encoding at that, too, unless it asks for another."""
    bare = replace(site, database=f"{site.database}_bare")
    make = f"CREATE DATABASE {bare.database} OWNER {site.role} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
    with site.server.admin() as connection:
        connection.execute(make)
    bare.as_role(*postgres_ddl(TABLE))
    for query in ("sslmode=require", "sslmode=require&client_encoding=SQL_ASCII"):
        report = run(bare.url(query))
        assert findings(report, "warn", "fail", "skipped") == [], report.text()
    dsn, deadline = dsns.parse(bare.url()), Deadline(30)
    with Reacher().route(dsn) as route:
        assert managed.look(dsn, dsn, route, deadline, "", logs_in=False).database_owner == site.role
        with contextlib.closing(Connector(dsn, route, deadline, {})) as connector:
            [row] = connector.rows(connector.open(), commit_order.LOOK, commit_order.LOOK_FOR)
    assert commit_order.statements(commit_order.Seen(*row), wanted=True)[-1].split(" ON ")[1].startswith("public.kine ")


def test_takes_two_seconds_at_most(site: Site, run: Examine) -> None:
    """Two seconds on a machine that is free; on one that is busy with other tests, what that many connections take."""
    tries = []
    for _attempt in range(5):
        bare = seconds(lambda: bare_connection(site))
        took = seconds(lambda: run(site.url(), Plan(max_open=12, samples=100)))
        if took < max(2.0, CONNECTIONS_WORTH * bare):
            return
        tries.append(f"{took:.1f} s, {took / bare:.0f} times a connection")
    pytest.fail("; ".join(tries))


def bare_connection(site: Site) -> None:
    """Connect and ask for one value."""
    with psycopg.connect(site.url()) as connection:
        connection.execute("SELECT 1")


def seconds(work: t.Callable[[], object]) -> float:
    """Return how long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
