# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where faults of a MariaDB are made: a primary, its semi-synchronous replica, and what goes on around."""

from __future__ import annotations

import contextlib
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql import connect
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
from tests.integration.kine_check.certificates import DAY, Authority
from tests.integration.kine_check.mariadb_server import MariaServer, MariaSite, pair
from tests.integration.kine_check.mysql_faults import MysqlFault
from tests.integration.kine_check.place import Made, Place, no_answer, web_server

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Database
    from tests.integration.kine_check.faults import Fault


@dataclass(frozen=True)
class MariaPlace(Place):
    """A primary with its semi-synchronous replica, and a CA that signed neither certificate."""

    primary: MariaServer
    replica: MariaServer
    other_ca: Path

    def connect(self, dsn: Dsn, deadline: Deadline, ca_file: str) -> t.ContextManager[Database]:
        """Connect as kine_check does."""
        return connect(dsn, deadline, Reacher(), ca_file=ca_file)

    @contextlib.contextmanager
    def made(self, fault: Fault) -> t.Iterator[Made]:
        """Make a fault in a database of its own for a while."""
        assert isinstance(fault, MysqlFault)
        site = self.primary.site()
        site.admin(*fault.admin)
        site.as_role(*fault.owner)
        parts = {name: value.replace("{database}", site.database) for name, value in fault.parts.items()}
        with contextlib.ExitStack() as stack:
            if fault.alone:
                stack.callback(self.primary.await_replica)
            if fault.restart:
                stack.enter_context(self.primary.restarted(**fault.restart))
            if fault.settings:
                stack.enter_context(self.primary.settings(**fault.settings))
            if fault.around:
                parts |= _AROUND[fault.around](self, site, stack)
            files = {"{ca}": self.primary.ca, "{other_ca}": self.other_ca}
            yield Made(site.url(fault.query, **parts), str(files.get(fault.ca_file, "")))


# What goes on meanwhile; each returns what it changes in the DSN.
Around: t.TypeAlias = "t.Callable[[MariaPlace, MariaSite, contextlib.ExitStack], dict[str, str]]"


def _connected(_place: MariaPlace, site: MariaSite, stack: contextlib.ExitStack) -> dict[str, str]:
    stack.enter_context(site.connected())
    return {}


def _replica(place: MariaPlace, site: MariaSite, _stack: contextlib.ExitStack) -> dict[str, str]:
    place.replica.catch_up(site.server)
    return {"port": str(place.replica.port)}


def _demoted(place: MariaPlace, site: MariaSite, stack: contextlib.ExitStack) -> dict[str, str]:
    """Give what replicates from nobody but takes no writes: a primary that was demoted, or has restarted fenced."""
    place.replica.catch_up(site.server)
    stack.enter_context(place.replica.paused("SLAVE SQL_THREAD"))
    return {"port": str(place.replica.port)}


def _replica_gone(place: MariaPlace, _site: MariaSite, stack: contextlib.ExitStack) -> dict[str, str]:
    stack.enter_context(place.replica.paused("SLAVE"))
    return {}


def _expired(_place: MariaPlace, site: MariaSite, stack: contextlib.ExitStack) -> dict[str, str]:
    site.server.certificate(left=-DAY)
    site.admin("FLUSH SSL")
    stack.callback(site.admin, "FLUSH SSL")
    stack.callback(site.server.certificate)
    return {}


def _altered(statement: str) -> Around:
    """Change the account after it has made its table."""

    def around(_place: MariaPlace, site: MariaSite, _stack: contextlib.ExitStack) -> dict[str, str]:
        site.admin(statement)
        return {}

    return around


_AROUND: t.Final[t.Mapping[str, Around]] = {
    "web server": lambda _place, _site, stack: web_server(stack),
    "no answer": lambda _place, _site, stack: no_answer(stack),
    "connected": _connected,
    "replica": _replica,
    "demoted": _demoted,
    "replica gone": _replica_gone,
    "expired certificate": _expired,
    "locked": _altered("ALTER USER {role}@'%' ACCOUNT LOCK"),
    "other address": _altered("RENAME USER {role}@'%' TO {role}@'192.0.2.1'"),
}


@contextlib.contextmanager
def place() -> t.Iterator[MariaPlace]:
    """Start the servers; they are gone afterwards."""
    with pair() as (primary, replica), tempfile.TemporaryDirectory() as folder:
        yield MariaPlace(primary, replica, Authority.new("another").write(Path(folder) / "other.crt"))
