# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds what kine_check says about each fault against what real kine does with it, and writes docs/calibration.md.

``make calibration`` runs it.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examine import examine
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres import connect
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
from tests.integration import oracle
from tests.integration.kine_check import kine
from tests.integration.kine_check.certificates import Authority
from tests.integration.kine_check.faults import FAULTS, Fault
from tests.integration.kine_check.pooler import pooler
from tests.integration.kine_check.server import TLS_ONLY, Server, Site
from tests.integration.kine_check.test_connect import listener

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Report

PAGE = Path(__file__).parents[3] / "docs" / "calibration.md"
EXAMINE_SECONDS = 15.0
SIDE_BY_SIDE = 2


@dataclass(frozen=True)
class Outcome:
    """One fault as kine_check and kine met it."""

    fault: Fault
    report: Report
    behaviour: str

    @property
    def found(self) -> dict[str, str]:
        """Check -> status."""
        return {check.id: check.status for check in self.report.checks}

    @property
    def failed(self) -> list[str]:
        """The checks that fail; latency says how busy this machine is, so it counts only where it is the fault."""
        return [name for name, status in self.found.items() if status == "fail" and name != "latency"]


@dataclass(frozen=True)
class Place:
    """Where faults are made: a primary with its synchronous standby, and a CA that signed neither certificate."""

    primary: Server
    standby: Server
    other_ca: Path

    def try_one(self, fault: Fault) -> Outcome:
        """Make one fault in a database of its own, look at it, and let kine have it."""
        site = self.primary.site(TLS_ONLY if fault.around == "tls only" else None)
        with self._fault(fault, site) as url:
            report = _examine(fault, url)
            return Outcome(fault, report, kine.behaviour(url))

    @contextlib.contextmanager
    def _fault(self, fault: Fault, site: Site) -> t.Iterator[str]:
        site.admin(*fault.admin)
        if fault.owner:
            site.as_role(*fault.owner)
        with contextlib.ExitStack() as stack:
            parts = dict(fault.parts)
            if fault.around:
                parts |= _AROUND[fault.around](self, site, stack)
            if fault.alone:
                stack.enter_context(self.primary.settings(**fault.settings))
            query = fault.query.replace("{ca}", str(self.primary.ca)).replace("{other_ca}", str(self.other_ca))
            yield site.url(query, **parts)


def _examine(fault: Fault, url: str) -> Report:
    deadline = Deadline(EXAMINE_SECONDS if fault.around != "no answer" else 3.0)
    return examine(url, lambda dsn: connect(dsn, deadline, Reacher()), fault.plan)


# What goes on meanwhile; each returns what it changes in the DSN.
Around: t.TypeAlias = "t.Callable[[Place, Site, contextlib.ExitStack], dict[str, str]]"


def _web_server(_place: Place, _site: Site, stack: contextlib.ExitStack) -> dict[str, str]:
    return {"port": str(stack.enter_context(listener(b"HTTP/1.1 400 Bad Request\r\n\r\n")))}


def _no_answer(_place: Place, _site: Site, stack: contextlib.ExitStack) -> dict[str, str]:
    return {"port": str(stack.enter_context(listener(hang=True)))}


def _connected(_place: Place, site: Site, stack: contextlib.ExitStack) -> dict[str, str]:
    stack.enter_context(psycopg.connect(site.url()))
    return {}


def _standby(place: Place, site: Site, _stack: contextlib.ExitStack) -> dict[str, str]:
    place.standby.catch_up(site.server)
    return {"port": str(place.standby.port)}


def _expired(place: Place, _site: Site, stack: contextlib.ExitStack) -> dict[str, str]:
    place.primary.certificate(expired=True)
    stack.callback(place.primary.certificate)  # the settings that are reset before this reload the server
    return {}


def _pooler(mode: str) -> Around:
    def around(_place: Place, site: Site, stack: contextlib.ExitStack) -> dict[str, str]:
        return {"port": str(stack.enter_context(pooler(site, mode)))}

    return around


def _nothing(_place: Place, _site: Site, _stack: contextlib.ExitStack) -> dict[str, str]:
    return {}


_AROUND: t.Final[t.Mapping[str, Around]] = {
    "web server": _web_server,
    "no answer": _no_answer,
    "connected": _connected,
    "PgBouncer, transactions": _pooler("transaction"),
    "PgBouncer, sessions": _pooler("session"),
    "standby": _standby,
    "expired certificate": _expired,
    "tls only": _nothing,
}


@contextlib.contextmanager
def place() -> t.Iterator[Place]:
    """Start the servers; they are gone afterwards."""
    with contextlib.ExitStack() as stack:
        servers = Server("primary"), Server("standby")
        for server in servers:
            stack.callback(server.remove)
        primary, standby = servers
        primary.create()
        standby.follow(primary)
        primary.await_standby()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield Place(primary, standby, Authority.new("another").write(folder / "other.crt"))


def calibrate(where: Place, faults: t.Sequence[Fault] = FAULTS) -> list[Outcome]:
    """Try all faults, those of one database side by side; in the order of the table."""
    for name in ("kine", "oracle"):
        oracle.program(name)
    outcomes: dict[str, Outcome] = {}
    with (
        where.primary.settings(synchronous_standby_names="*"),
        ThreadPoolExecutor(SIDE_BY_SIDE) as pool,
    ):
        for outcome in pool.map(where.try_one, [fault for fault in faults if not fault.alone]):
            outcomes[outcome.fault.id] = outcome
        for outcome in map(where.try_one, [fault for fault in faults if fault.alone]):
            outcomes[outcome.fault.id] = outcome
    return [outcomes[fault.id] for fault in faults]


HEAD = """<!--
Copyright: (c) 2026, k0smotron.ha contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->

# What kine does with a bad database, and what kine_check says

Written by `make calibration`; `make test` fails when it is no longer true. Each fault is made on purpose on a real
PostgreSQL 15 with a synchronous standby. `k0smotron.ha.kine_check` looks at it, and then kine 0.16.4 gets it, with a
client that writes, lists, watches and compacts as an API server does. Five characters such as 42501 are PostgreSQL's
SQLSTATE.

Where kine *works* although a check fails, it works for now: the check is about the day when the server crashes, the
data is another control plane's, the compaction is overdue, or the next connection finds no slot.

| Fault | What kine does | What kine_check says |
|---|---|---|
"""


def page(outcomes: t.Iterable[Outcome]) -> str:
    """docs/calibration.md: what was seen, without a time or a name that would be another one the next time."""
    return HEAD + "".join(f"| {one.fault.id} | {_did(one)} | {_said(one)} |\n" for one in outcomes)


def _did(one: Outcome) -> str:
    return ", or: ".join(one.fault.varies) if one.behaviour in one.fault.varies else one.behaviour


def _said(one: Outcome) -> str:
    if not one.fault.check:
        return "ok"
    status = one.found.get(one.fault.check, "missing")
    return f"{status}: {one.fault.check}"


def main() -> int:
    """Write the page."""
    with place() as where:
        outcomes = calibrate(where)
    PAGE.write_text(page(outcomes))
    wrong = [one for one in outcomes if not is_named(one)]
    for one in wrong:
        print(f"{one.fault.id}: {one.fault.check} {one.fault.status} expected\n{one.report.text()}", file=sys.stderr)
    print(f"{len(outcomes)} faults, written to {PAGE}")
    return 1 if wrong else 0


def is_named(one: Outcome) -> bool:
    """Whether the fault is named by its own check, and by no other ``fail``; a fit database by none at all."""
    if not one.fault.check:
        return set(one.found.values()) <= {"ok"} or {k for k, v in one.found.items() if v != "ok"} == {"latency"}
    own = one.found.get(one.fault.check) == one.fault.status
    return own and one.failed == [one.fault.check] * (one.fault.status == "fail" and one.fault.check != "latency")


if __name__ == "__main__":
    sys.exit(main())
