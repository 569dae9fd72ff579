# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kine_check costs on a local, healthy database: next to its own start, and to a bare connection with SELECT 1.

Each number is the best of several rounds, because other work on the machine only ever makes one slower.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass

import psycopg
import pytest

from tests.integration.kine_check import mariadb_server
from tests.integration.kine_check.mariadb_server import MariaServer
from tests.integration.kine_check.server import BIN, NEEDS, Server

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.kine_check.mariadb_server import MariaSite
    from tests.integration.kine_check.server import Site

    Measured: t.TypeAlias = t.Callable[..., None]

MODULE = "ansible_collections.k0smotron.ha.plugins.modules.kine_check"
ROUNDS = 5
DATABASES = 20
SLOW_SECONDS = 4
# The scratch table is the only one that is made: a database in which that takes its time is a slow one.
SLOWED = (
    f"CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep({SLOW_SECONDS}); END'",
    "CREATE EVENT TRIGGER slow ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION slow()",
)


@dataclass(frozen=True)
class Cost:
    """What one process took: seconds of wall clock, and the most memory that it had, in MB (10^6 bytes)."""

    seconds: float
    memory: float


@pytest.fixture(scope="module")
def sites() -> Iterator[list[Site]]:
    """Give databases on a server of their own."""
    assert BIN.is_dir(), NEEDS
    server = Server("benchmark")
    try:
        server.create()
        yield [server.site() for _each in range(DATABASES)]
    finally:
        server.remove()


@pytest.fixture
def maria_site() -> Iterator[MariaSite]:
    """Give a database on a MariaDB of its own."""
    assert mariadb_server.installed(), mariadb_server.NEEDS
    server = MariaServer("benchmark")
    try:
        server.create()
        yield server.site()
    finally:
        server.remove()


def task(**params: t.Any) -> Cost:
    """Run the module in a process of its own, as Ansible does, and see that it found nothing wrong."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": params}).encode())
        process.stdin.close()
        result = json.loads(process.stdout.read())
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert not result.get("failed"), result["msg"]
    assert len(result.get("databases", ())) == len(params.get("databases", ()))
    return Cost(time.perf_counter() - started, used.ru_maxrss * 1024 / 1e6)


def bare(url: str) -> float:
    """Return the seconds that a connection with SELECT 1 takes in a process that is up already."""
    started = time.perf_counter()
    with psycopg.connect(url) as connection:
        connection.execute("SELECT 1")
    return time.perf_counter() - started


def entries(sites: list[Site]) -> list[dict[str, str]]:
    """Return the option databases."""
    return [{"url": site.url()} for site in sites]


def best(costs: list[Cost]) -> float:
    """Return the quickest."""
    return min(cost.seconds for cost in costs)


def test_time_and_memory(sites: list[Site], measured: Measured) -> None:
    start, one, many, connections = [], [], [], []
    task(databases=[])  # compiles and warms the caches
    for _round in range(ROUNDS):
        start.append(task(databases=[]))
        one.append(task(url=sites[0].url(), max_open_connections=10))
        many.append(task(databases=entries(sites), max_open_connections=10))
        connections.append(bare(sites[0].url()))
    checks, all_checks = best(one) - best(start), best(many) - best(start)
    measured("a bare connection and SELECT 1", min(connections) * 1000, "ms")
    measured("the module's own start", best(start), "s")
    measured("all checks of one database, beyond that start", checks, "s", 2.0)
    measured("  as many bare connections as", checks / min(connections), "x")
    measured("most memory, one database", max(cost.memory for cost in one), "MB", 80.0)
    measured(f"all checks of {DATABASES} databases on one server, beyond that start", all_checks, "s")
    measured(f"  {DATABASES} databases against one, beyond the start", all_checks / checks, "x")
    measured(f"  {DATABASES} databases against one, as whole tasks", best(many) / best(one), "x", 3.0)
    measured(f"most memory, {DATABASES} databases", max(cost.memory for cost in many), "MB", 100.0)


def test_mysql_time(maria_site: MariaSite, measured: Measured) -> None:
    start, one = [], []
    task(url=maria_site.url(), max_open_connections=10)  # compiles and warms the caches
    for _round in range(ROUNDS):
        start.append(task(databases=[]))
        one.append(task(url=maria_site.url(), max_open_connections=10))
    measured("all checks of one database on MariaDB, beyond the start", best(one) - best(start), "s", 2.0)


def test_a_list_takes_as_long_as_its_slowest(sites: list[Site], measured: Measured) -> None:
    slow, *quick = sites[:9]
    slow.admin(*SLOWED)
    alone, together = [], []
    for _round in range(ROUNDS):
        alone.append(task(url=slow.url(), max_open_connections=10))
        together.append(task(databases=entries([slow, *quick]), max_open_connections=10))
    assert best(alone) > SLOW_SECONDS
    measured("a slow database alone, as a whole task", best(alone), "s")
    measured("  with eight quick ones beside it, against that", best(together) / best(alone), "x", 1.2)
