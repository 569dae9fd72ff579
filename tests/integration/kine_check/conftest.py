# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A primary and a synchronous standby for the whole session, and a fresh database for each test; the same in MariaDB."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import mysql
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examine import examine
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres import connect
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
from tests.integration.kine_check import mariadb_server
from tests.integration.kine_check.mariadb_server import MariaServer, MariaSite
from tests.integration.kine_check.server import BIN, NEEDS, Server, Site

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Report, Status

PLAN = Plan(control_planes=1, replicas=3, max_open=12, samples=20)


@pytest.fixture(scope="session")
def primary() -> t.Iterator[Server]:
    """Give a primary that waits for its standby."""
    if not BIN.is_dir():
        pytest.fail(NEEDS)
    server = Server("primary")
    try:
        server.create()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def standby(primary: Server) -> t.Iterator[Server]:
    """Give the standby of the primary; from then on commits wait for it."""
    server = Server("standby")
    try:
        server.follow(primary)
        primary.await_standby()
        with primary.settings(synchronous_standby_names="*"):
            yield server
    finally:
        server.remove()


@pytest.fixture
def site(primary: Server, standby: Server) -> t.Iterator[Site]:
    """Give a fresh database on the primary; whatever a test did, nothing of the check is left in it."""
    del standby
    site = primary.site()
    yield site
    assert site.schemas() == [], "the check left a scratch schema behind"


def findings(report: Report, *statuses: Status) -> list[str]:
    """Return the checks with one of these statuses, latency left out: on a busy machine it says nothing."""
    return [check.id for check in report.checks if check.status in statuses and check.id != "latency"]


class Examine(t.Protocol):
    """Examine a DSN with the settings of these tests."""

    def __call__(self, url: str, plan: Plan = ..., seconds: float = ..., **options: t.Any) -> Report:
        """Return the report."""


@pytest.fixture
def run() -> Examine:
    """Give the way these tests run an examination."""

    def examination(url: str, plan: Plan = PLAN, seconds: float = 30.0, **options: t.Any) -> Report:
        deadline = Deadline(seconds)
        reacher = options.pop("reacher", Reacher())
        return examine(url, lambda dsn: connect(dsn, deadline, reacher, **options), plan)

    return examination


def assert_only(report: Report, check: str, status: Status) -> None:
    """One check has this status, no other fails, and it says what to do."""
    found = {result.id: result for result in report.checks}
    assert found[check].status == status, report.text()
    assert found[check].remedy
    failed = findings(report, "fail")
    assert failed == ([check] if status == "fail" and check != "latency" else []), report.text()


def alter_scratch(site: Site, statement: str) -> None:
    """Run a statement on the scratch table once it is made, as a server that works in another way would.

    It is a format string that gets the name of the scratch schema, and stands in quotes, so quotes in it are doubled.
    """
    find = "(SELECT nspname FROM pg_namespace WHERE nspname ~ '^kine_check_')"
    body = f"BEGIN EXECUTE format('{statement}', {find}); END"
    site.admin(
        f"CREATE FUNCTION alter_scratch() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $${body}$$",
        "CREATE EVENT TRIGGER alter_scratch ON ddl_command_end WHEN TAG IN ('CREATE TABLE')"
        " EXECUTE FUNCTION alter_scratch()",
    )


def row_trigger(event: str, body: str) -> str:
    """Return a statement for alter_scratch that runs PL/pgSQL before each row of an INSERT or DELETE."""
    return (
        f"CREATE FUNCTION %1$I.alter_row() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN {body} END''; "
        f"CREATE TRIGGER alter_row BEFORE {event} ON %1$I.kine FOR EACH ROW EXECUTE FUNCTION %1$I.alter_row()"
    )


@pytest.fixture(scope="session")
def maria_pair() -> t.Iterator[tuple[MariaServer, MariaServer]]:
    """Give a MariaDB primary and the replica that its commits wait for."""
    if not mariadb_server.installed():
        pytest.fail(mariadb_server.NEEDS)
    with mariadb_server.pair() as servers:
        yield servers


@pytest.fixture(scope="session")
def maria(maria_pair: tuple[MariaServer, MariaServer]) -> MariaServer:
    """Give the MariaDB primary."""
    return maria_pair[0]


@pytest.fixture(scope="session")
def replica(maria_pair: tuple[MariaServer, MariaServer]) -> MariaServer:
    """Give the semi-synchronous replica of the MariaDB primary."""
    return maria_pair[1]


@pytest.fixture
def maria_site(maria: MariaServer, replica: MariaServer) -> t.Iterator[MariaSite]:
    """Give a fresh MariaDB database; whatever a test did, nothing of the check is left in it."""
    del replica
    site = maria.site()
    yield site
    assert site.tables() == [], "the check left a scratch table behind"


@pytest.fixture
def run_mysql() -> Examine:
    """Give the way the tests of MySQL run an examination; ca_file is kine's own."""

    def examination(url: str, plan: Plan = PLAN, seconds: float = 30.0, **options: t.Any) -> Report:
        deadline = Deadline(seconds)
        reacher = options.pop("reacher", Reacher())
        plan = replace(plan, ca_file=options.get("ca_file", ""))
        return examine(url, lambda dsn: mysql.connect(dsn, deadline, reacher, **options), plan)

    return examination
