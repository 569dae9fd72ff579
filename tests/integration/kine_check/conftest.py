# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A primary and a synchronous standby for the whole session, and a fresh database for each test."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examine import examine
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres import connect
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
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
