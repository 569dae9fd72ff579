# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MySQL and MariaDB driver of kine_check: looks facts up and hands them over as plain records."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import (
    mysql_grants,
    mysql_schema,
    mysql_scratch,
    mysql_table,
    peer_certificate,
    proof,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import (
    Contents,
    Counter,
    Durability,
    Home,
    Housekeeping,
    Prepared,
    Replication,
    Scratch,
    Session,
    Slots,
    Standby,
    Table,
    WriteState,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_connection import Connector
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_facts import Missing, MysqlDatabase
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_sessions import client_address
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher, fixed
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Server, Tls

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_connection import Connection
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_sessions import Sessions

_ACCOUNT = "SELECT CURRENT_USER(), DATABASE()"
_READ_ONLY = ("read_only", "super_read_only", "tx_read_only", "transaction_read_only")
_HOST = ("hostname", "port")
# Without PROCESS an account sees its own sessions only.
_SESSIONS = """
SELECT user, user = SUBSTRING_INDEX(USER(), '@', 1), COALESCE(host, ''), id
FROM information_schema.processlist WHERE db = DATABASE()
"""
_OWN_SESSIONS = """
SELECT id FROM information_schema.processlist
WHERE db = DATABASE() AND user = SUBSTRING_INDEX(USER(), '@', 1)
"""
# Each with the unit it has, in seconds.
_TIMEOUTS = {
    "max_statement_time": 1.0,
    "max_execution_time": 0.001,
    "wait_timeout": 1.0,
    "idle_transaction_timeout": 1.0,
    "idle_write_transaction_timeout": 1.0,
    "net_read_timeout": 1.0,
    "net_write_timeout": 1.0,
}
# FALSE is what RDS for MySQL says where it has Optimized Writes.
_TORN = ("OFF", "FALSE", "0", "DETECT_ONLY")
_ROUNDS = 3


class Mysql(MysqlDatabase):
    """A MySQL or MariaDB database over one main connection, opened at once."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._connection = connector.open()

    def _rows(self, statement: str, *values: t.Any) -> list[tuple[t.Any, ...]]:
        return self._connector.rows(self._connection, statement, values)

    def way(self) -> str:
        """As the route was found."""
        route = self._connector.route
        return f"{route.way} ({route.caveat})" if route.caveat else route.way

    def server(self) -> Server:
        """The version is what stands before the packager's additions."""
        [(version,)] = self._rows("SELECT VERSION()")
        return Server("MariaDB" if "mariadb" in version.lower() else "MySQL", version.split("-")[0])

    def tls(self) -> Tls:
        """The client knows: what the server says of its session is about the way from a proxy, where there is one."""
        version, cipher = self._connector.encryption(self._connection)
        if not cipher:
            return Tls()
        return peer_certificate.tls(version, cipher, self._connector.certificate(self._connection))

    def variables(self, *names: str) -> t.Mapping[str, str]:
        """Of the session, which shows global ones too."""
        return self._variables(self._connection, names)

    def _variables(self, connection: Connection, names: t.Sequence[str]) -> t.Mapping[str, str]:
        places = ", ".join(["%s"] * len(names))
        statement = f"SHOW SESSION VARIABLES WHERE Variable_name IN ({places})"
        return _texts(self._connector.rows(connection, statement, names))

    def status(self, *names: str) -> t.Mapping[str, str]:
        """Visible to every account."""
        places = ", ".join(["%s"] * len(names))
        return _texts(self._rows(f"SHOW GLOBAL STATUS WHERE Variable_name IN ({places})", *names))

    def write_states(self, connections: int) -> list[WriteState]:
        """One after the other: a balancer chooses anew for each, and slots are scarce."""
        states = [self._write_state(self._connection)]
        while len(states) < connections:
            connection = self._connector.open()
            states.append(self._write_state(connection))
            self._connector.shut(connection)
        return states

    def _write_state(self, connection: Connection) -> WriteState:
        found = self._variables(connection, [*_READ_ONLY, *_HOST])
        running = self._connector.rows(connection, "SHOW GLOBAL STATUS LIKE 'Slave_running'")
        read_only = any(found.get(name, "OFF").upper() not in ("OFF", "0") for name in _READ_ONLY)
        standby = _texts(running).get("slave_running") == "ON"
        return WriteState(":".join(found.get(name, "") for name in _HOST), standby, read_only)

    def home(self) -> Home:
        """The DSN's database; the role is the account that the server chose for this user and address."""
        [(account, database)] = self._rows(_ACCOUNT)
        user, _at, host = account.rpartition("@")
        return Home(f"'{user}'@'{host}'", database, database, may_create=not self.missing().make)

    def missing(self) -> Missing:
        """From the account's own grants, with those of the roles that are active."""
        grants = [str(row[0]) for row in self._rows("SHOW GRANTS")]
        [(database,)] = self._rows("SELECT DATABASE()")
        has = mysql_grants.granted(grants, database, "")
        on_table = mysql_grants.granted(grants, database, mysql_schema.TABLE)
        return Missing(
            make=mysql_grants.lacking(has, mysql_grants.TO_MAKE),
            use=mysql_grants.lacking(on_table, mysql_grants.TO_USE),
        )

    def table(self) -> Table | None:
        """From the information schema, which shows an account what it may use."""
        return mysql_table.table(self._rows, usable=not self.missing().use)

    def engine(self) -> str:
        """Of the table that is there, or the session's default."""
        return mysql_table.engine(self._rows) or self.variables("default_storage_engine")["default_storage_engine"]

    def isolation(self) -> str:
        """Kine begins its plain statements without naming a level."""
        found = self.variables("tx_isolation", "transaction_isolation")
        return next(iter(found.values()), "").lower().replace("-", " ")

    def slots(self) -> Slots:
        """Without the sessions of this account in this database, which are kine's, and without those of other checks.

        No slot is reserved: the one for administrators comes on top of max_connections.
        """
        limits = self.variables("max_connections", "max_user_connections")
        used = self._connector.sessions.others_connected(
            self._connector.server(self._connection),
            listed=lambda: [int(number) for (number,) in self._rows(_OWN_SESSIONS)],
            connected=lambda: int(self.status("Threads_connected")["threads_connected"]),
        )
        role_limit = int(limits["max_user_connections"]) or -1
        return Slots(int(limits["max_connections"]), 0, used, role_limit)

    def replication(self) -> Replication:
        """Semi-synchronous replication by its counters: the names of replicas only administrators see."""
        settings = self.variables("rpl_semi_sync_master_enabled", "rpl_semi_sync_source_enabled")
        points = self.variables("rpl_semi_sync_master_wait_point", "rpl_semi_sync_source_wait_point")
        counts = self.status("Slaves_connected", "Rpl_semi_sync_master_clients", "Rpl_semi_sync_source_clients")
        waiting = int(counts.get("rpl_semi_sync_master_clients") or counts.get("rpl_semi_sync_source_clients") or 0)
        plain = max(0, int(counts.get("slaves_connected", 0)) - waiting)
        return Replication(
            wanted="semi-sync" if "ON" in settings.values() else "",
            commit=next(iter(points.values()), ""),
            standbys=(Standby("", "streaming", "sync"),) * waiting + (Standby("", "streaming", "async"),) * plain,
        )

    def durability(self) -> Durability:
        """What stands for fsync and full_page_writes here."""
        found = self.variables("innodb_flush_log_at_trx_commit", "innodb_doublewrite")
        torn = found.get("innodb_doublewrite", "ON").upper() in _TORN
        return Durability(found.get("innodb_flush_log_at_trx_commit") in ("1", "3"), not torn)

    def counter(self) -> Counter | None:
        """From the information schema, which MySQL 8 caches for a day unless told not to."""
        if self.variables("information_schema_stats_expiry"):
            self._rows("SET SESSION information_schema_stats_expiry = 0")
        return mysql_table.counter(self._rows)

    def contents(self) -> Contents | None:
        """Of the newest rows, and by the index on name."""
        return mysql_table.contents(self._rows)

    def sessions(self) -> list[Session]:
        """Without those of this task's examinations; what other accounts may write is not visible to this one."""
        found = self._rows(_SESSIONS)
        mine = self._connector.sessions.ever(self._connector.server(self._connection))
        return [
            Session(role, bool(own), client_address(host), bool(own))
            for role, own, host, ident in found
            if ident not in mine
        ]

    def housekeeping(self) -> Housekeeping:
        """InnoDB removes what nobody can see any more by itself."""
        found = self.variables(*_TIMEOUTS)
        timeouts = {name: float(value) * _TIMEOUTS[name] for name, value in found.items()}
        contents = mysql_table.engine(self._rows)
        live = self._rows(
            "SELECT COALESCE(MAX(table_rows), 0) FROM information_schema.tables"
            " WHERE table_schema = DATABASE() AND table_name = %s",
            mysql_schema.TABLE,
        )
        return Housekeeping(timeouts=timeouts, cleaning=True, live=int(live[0][0]) if contents else 0, dead=0)

    def prepared(self) -> Prepared:
        """A statement that is prepared by name lives in a session of the server, as those of kine's driver do."""
        seen = set()
        try:
            self._rows("PREPARE kine_check FROM 'SELECT CONNECTION_ID()'")
            for _round in range(_ROUNDS):
                self._rows("START TRANSACTION")
                [(session,)] = self._rows("EXECUTE kine_check")
                self._rows("COMMIT")
                seen.add(session)
            self._rows("DEALLOCATE PREPARE kine_check")
        except HaError as error:
            return Prepared(error.message, len(seen))
        return Prepared("", len(seen))

    def scratch(self) -> t.ContextManager[Scratch]:
        """On the main connection."""
        return mysql_scratch.scratch(self._connector, self._connection)


def _texts(rows: t.Iterable[tuple[t.Any, ...]]) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in rows}


@contextlib.contextmanager
def connect(
    dsn: Dsn,
    deadline: Deadline,
    reacher: Reacher | None = None,
    files: t.Mapping[str, str] | None = None,
    ca_file: str = "",
    sessions: Sessions | None = None,
) -> t.Iterator[Mysql]:
    """Open the database that a DSN names and close it at the end. Raises HaError.

    ca_file is kine's --ca-file. files maps paths as the control plane's pods have them to paths here. sessions are
    shared by the examinations that run side by side.
    """
    with (
        (reacher or Reacher()).route(dsn) as route,
        contextlib.closing(Connector(dsn, route, deadline, files or {}, ca_file, sessions)) as connector,
    ):
        yield Mysql(connector)


def prove_write(dsn: Dsn, address: tuple[str, int] | None = None, *, ca_file: str = "", seconds: float = 10.0) -> None:
    """Write one row as kine would, read it back and remove every trace. Raises HaError when any of it fails.

    address takes the place of the DSN's host on the network, for a port-forward; TLS verifies the DSN's name, by the
    authorities in ca_file unless the DSN says how.
    """
    with contextlib.ExitStack() as stack:
        route = stack.enter_context(Reacher().route(dsn)) if address is None else fixed(dsn.hosts[0], address)
        connector = stack.enter_context(contextlib.closing(Connector(dsn, route, Deadline(seconds), {}, ca_file)))
        proof.write(stack.enter_context(Mysql(connector).scratch()))
