# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where faults of a PostgreSQL are made: a primary, its synchronous standby, other majors, and what goes on around."""

from __future__ import annotations

import contextlib
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

import psycopg

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres import connect
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
from tests.integration.kine_check.certificates import DAY, Authority
from tests.integration.kine_check.other_major import other_major
from tests.integration.kine_check.place import Made, Place, no_answer, web_server
from tests.integration.kine_check.pooler import pooler
from tests.integration.kine_check.server import TLS_ONLY, Server, Site
from tests.integration.kine_check.splitter import LATE, splitter

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Database
    from tests.integration.kine_check.faults import Fault


@dataclass(frozen=True)
class PostgresPlace(Place):
    """A primary with its synchronous standby, and a CA that signed neither certificate."""

    primary: Server
    standby: Server
    other_ca: Path

    def connect(self, dsn: Dsn, deadline: Deadline, ca_file: str) -> t.ContextManager[Database]:
        """Connect as kine_check does."""
        assert not ca_file, "PostgreSQL's is named by the DSN"
        return connect(dsn, deadline, Reacher())

    @contextlib.contextmanager
    def made(self, fault: Fault) -> t.Iterator[Made]:
        """Make a fault in a database of its own for a while."""
        with contextlib.ExitStack() as stack:
            other = MAJORS.get(fault.around)
            server = stack.enter_context(other_major(other)) if other else self.primary
            site = server.site(TLS_ONLY if fault.around == "tls only" else None)
            site.admin(*fault.admin)
            site.as_role(*fault.owner)
            parts = dict(fault.parts)
            if fault.around in _AROUND:
                parts |= _AROUND[fault.around](self, site, stack)
            if fault.alone:
                stack.enter_context(self.primary.settings(**fault.settings))
            query = fault.query.replace("{ca}", str(self.primary.ca)).replace("{other_ca}", str(self.other_ca))
            yield Made(site.url(query, **parts))


# What goes on meanwhile; each returns what it changes in the DSN.
Around: t.TypeAlias = "t.Callable[[PostgresPlace, Site, contextlib.ExitStack], dict[str, str]]"


def _connected(_place: PostgresPlace, site: Site, stack: contextlib.ExitStack) -> dict[str, str]:
    stack.enter_context(psycopg.connect(site.url()))
    return {}


def _standby(place: PostgresPlace, site: Site, _stack: contextlib.ExitStack) -> dict[str, str]:
    place.standby.catch_up(site.server)
    return {"port": str(place.standby.port)}


def _split(place: PostgresPlace, site: Site, stack: contextlib.ExitStack) -> dict[str, str]:
    place.standby.catch_up(site.server)
    stack.enter_context(place.standby.settings(recovery_min_apply_delay=LATE))
    return {"port": str(stack.enter_context(splitter(site, place.standby)))}


def _expired(place: PostgresPlace, _site: Site, stack: contextlib.ExitStack) -> dict[str, str]:
    place.primary.certificate(left=-DAY)
    stack.callback(place.primary.certificate)  # the settings that are reset before this reload the server
    return {}


def _pooler(mode: str) -> Around:
    def around(_place: PostgresPlace, site: Site, stack: contextlib.ExitStack) -> dict[str, str]:
        return {"port": str(stack.enter_context(pooler(site, mode)))}

    return around


_AROUND: t.Final[t.Mapping[str, Around]] = {
    "web server": lambda _place, _site, stack: web_server(stack),
    "no answer": lambda _place, _site, stack: no_answer(stack),
    "connected": _connected,
    "PgBouncer, transactions": _pooler("transaction"),
    "PgBouncer, sessions": _pooler("session"),
    "read/write split": _split,
    "standby": _standby,
    "expired certificate": _expired,
}


MAJORS: t.Final = {"PostgreSQL 16": 16, "PostgreSQL 18": 18}


@contextlib.contextmanager
def place() -> t.Iterator[PostgresPlace]:
    """Start the servers; they are gone afterwards."""
    with contextlib.ExitStack() as stack:
        primary, standby = Server("primary"), Server("standby")
        for server in (primary, standby):
            stack.callback(server.remove)
        primary.create()
        standby.follow(primary)
        primary.await_standby()
        stack.enter_context(primary.settings(synchronous_standby_names="*"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield PostgresPlace(primary, standby, Authority.new("another").write(folder / "other.crt"))
