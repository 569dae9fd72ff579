# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PostgreSQL driver (psycopg 3): collects the facts that the checks judge."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import (
    peer_certificate,
    postgres_scratch,
    postgres_sessions,
    postgres_table,
    proof,
    schema,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import (
    Contents,
    Counter,
    Database,
    Durability,
    Home,
    Housekeeping,
    LiveIndex,
    Prepared,
    Replication,
    Scratch,
    Session,
    Slots,
    Standby,
    Table,
    WriteState,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres_connection import APPLICATION, Connector
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher, fixed
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Server, Tls

_SSL = "SELECT coalesce(version, ''), coalesce(cipher, '') FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
_WRITE_STATE = (
    "SELECT coalesce(host(inet_server_addr()), ''), pg_is_in_recovery(), current_setting('transaction_read_only')::bool"
)
_HOME = """
SELECT current_user::text, current_database()::text, coalesce(current_schema()::text, ''),
  coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)
"""
# kine's CREATE TABLE IF NOT EXISTS looks into the first schema of the search path and into no other.
_TABLE = """
SELECT c.oid, pg_get_userbyid(c.relowner)::text, pg_has_role(c.relowner, 'USAGE')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relname = %s
"""
_COLUMNS = """
SELECT attname::text, format_type(atttypid, atttypmod), attnotnull AND NOT atthasdef AND attidentity = ''
FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped
"""
_INDEXES = """
SELECT c.relname::text, x.indisunique, x.indisvalid AND x.indisready AND x.indimmediate AND x.indpred IS NULL,
  ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, true)
          || CASE WHEN x.indoption[k - 1] & 1 = 1 THEN ' DESC' ELSE '' END
        FROM generate_series(1, x.indnkeyatts) AS k ORDER BY k)
FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indexrelid WHERE x.indrelid = %s
"""
_COLLATION = """
SELECT n.nspname::text, o.collname::text, CASE WHEN o.collname = 'default' THEN d.datcollate::text ELSE '' END
FROM pg_attribute AS a JOIN pg_collation AS o ON o.oid = a.attcollation
JOIN pg_namespace AS n ON n.oid = o.collnamespace CROSS JOIN pg_database AS d
WHERE a.attrelid = %s AND a.attname = 'name' AND d.datname = current_database()
"""
_PROBE = """
SELECT key, key COLLATE {collation} >= %s AND key COLLATE {collation} < %s
FROM unnest(%s::text[]) AS key ORDER BY key COLLATE {collation}
"""
# Without the sessions of this role in this database: they are kine's, or this check itself. Without those of other
# checks, too, which are over in a moment: many databases of one server are examined side by side.
_SLOTS = """
SELECT current_setting('max_connections')::int,
  current_setting('superuser_reserved_connections')::int
    + coalesce(current_setting('reserved_connections', true)::int, 0),
  (SELECT count(*) FROM pg_stat_activity
   WHERE datid IS NOT NULL AND usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
   AND NOT (usename = current_user AND datname = current_database())
   AND application_name IS DISTINCT FROM 'kine_check'),
  (SELECT coalesce(min(allowed), -1) FROM (
     SELECT rolconnlimit AS allowed FROM pg_roles WHERE rolname = current_user AND NOT rolsuper
     UNION ALL SELECT datconnlimit FROM pg_database, pg_roles
     WHERE datname = current_database() AND rolname = current_user AND NOT rolsuper) AS limits
   WHERE allowed >= 0)
"""
_STANDBYS = (
    "SELECT coalesce(application_name, ''), coalesce(state, ''), coalesce(sync_state, '') FROM pg_stat_replication"
)


class Postgres(Database):
    """A PostgreSQL database over one main connection, opened at once."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._connection = connector.open()

    def _rows(self, statement: t.Any, *values: t.Any) -> list[tuple[t.Any, ...]]:
        return self._connector.rows(self._connection, statement, values)

    def _settings(self, *names: str) -> list[str]:
        [values] = self._rows(f"SELECT {', '.join(['current_setting(%s)'] * len(names))}", *names)
        return list(values)

    def way(self) -> str:
        """As the route was found."""
        route = self._connector.route
        return f"{route.way} ({route.caveat})" if route.caveat else route.way

    def server(self) -> Server:
        """The version is what stands before the packager's additions."""
        [version] = self._settings("server_version")
        return Server("PostgreSQL", version.split()[0])

    def tls(self) -> Tls:
        """The client knows whether it encrypts, and by which certificate; version and cipher only the server tells."""
        if not self._connection.pgconn.ssl_in_use:
            return Tls()
        [(version, cipher)] = self._rows(_SSL)
        return peer_certificate.tls(version, cipher, self._connector.certificate(self._connection))

    def write_states(self, connections: int) -> list[WriteState]:
        """Each beside those before it: a balancer by load would send one after the other to the same server."""
        states = [WriteState(*row) for row in self._rows(_WRITE_STATE)]
        while len(states) < connections:
            try:
                connection = self._connector.open()
            except Conflict:
                if len(states) == 1:
                    raise
                self._connector.drop_spare()  # slots are scarce: whoever needs them comes first
                break
            [row] = self._connector.rows(connection, _WRITE_STATE)
            self._connector.leave(connection)
            states.append(WriteState(*row))
        return states

    def home(self) -> Home:
        """The first schema of the search path that exists."""
        [row] = self._rows(_HOME)
        return Home(*row)

    def table(self) -> Table | None:
        """From the catalog, and from a comparison of constants under the collation of column name."""
        found = self._rows(_TABLE, schema.TABLE)
        if not found:
            return None
        [(oid, owner, owned)] = found
        columns = self._rows(_COLUMNS, oid)
        collation, order, selected = self._collation(oid)
        return Table(
            owner=owner,
            owned=owned,
            columns={name: kind for name, kind, _required in columns},
            required=frozenset(name for name, _kind, required in columns if required),
            indexes=tuple(
                LiveIndex(schema.Index(name, tuple(keys), unique), usable)
                for name, unique, usable, keys in self._rows(_INDEXES, oid)
            ),
            collation=collation,
            collated=order,
            selected=selected,
        )

    def _collation(self, oid: int) -> tuple[str, tuple[str, ...], frozenset[str]]:
        """Return the collation in words, the probe names in its order, and those that kine's range finds."""
        found = self._rows(_COLLATION, oid)
        if not found:  # the column is missing, or of a type without collation: another check says so
            return "none", (), frozenset()
        [(namespace, name, of_database)] = found
        collation = f"{_quoted(namespace)}.{_quoted(name)}"
        keys = [*schema.NAMES_IN_RANGE, *schema.NAMES_OUTSIDE]
        probed = self._rows(_PROBE.format(collation=collation), *schema.RANGE, keys)
        words = f"the database's, {of_database}" if of_database else name
        return words, tuple(key for key, _inside in probed), frozenset(key for key, inside in probed if inside)

    def isolation(self) -> str:
        """Kine begins its transactions without naming a level."""
        [level] = self._settings("transaction_isolation")
        return level.lower()

    def slots(self) -> Slots:
        """Visible to every role: who is connected is not hidden, only what they do."""
        [row] = self._rows(_SLOTS)
        return Slots(*row)

    def replication(self) -> Replication:
        """State and sync of standbys need pg_monitor or superuser; without it they are empty."""
        wanted, commit = self._settings("synchronous_standby_names", "synchronous_commit")
        return Replication(wanted, commit, standbys=tuple(Standby(*row) for row in self._rows(_STANDBYS)))

    def durability(self) -> Durability:
        """Visible to every role."""
        fsync, full_page_writes, commit = self._settings("fsync", "full_page_writes", "synchronous_commit")
        return Durability(fsync == "on", full_page_writes == "on", flushes_commits=commit != "off")

    def counter(self) -> Counter | None:
        """From the catalog, and the highest id from the primary key's index."""
        return postgres_table.counter(self._rows)

    def contents(self) -> Contents | None:
        """From indexes, the catalog, and the newest rows."""
        return postgres_table.contents(self._rows)

    def sessions(self) -> list[Session]:
        """Visible to every role, but for the addresses of others."""
        return postgres_sessions.sessions(self._connector, self._connection, APPLICATION)

    def housekeeping(self) -> Housekeeping:
        """Visible to every role."""
        return postgres_table.housekeeping(self._rows)

    def prepared(self) -> Prepared:
        """On the main connection."""
        beside = self._connector.take()
        try:
            return postgres_sessions.prepared(self._connector, self._connection, beside)
        finally:
            if beside is not None:
                self._connector.leave(beside)

    def scratch(self) -> t.ContextManager[Scratch]:
        """On the main connection."""
        return postgres_scratch.scratch(self._connector, self._connection)


def _quoted(identifier: str) -> str:
    escaped = identifier.replace('"', '""').replace("%", "%%")
    return f'"{escaped}"'


@contextlib.contextmanager
def connect(
    dsn: Dsn, deadline: Deadline, reacher: Reacher | None = None, files: t.Mapping[str, str] | None = None
) -> t.Iterator[Postgres]:
    """Open the database that a DSN names and close it at the end. Raises HaError.

    files maps paths in the DSN (sslrootcert and the like, as the control plane's pods have them) to paths here.
    """
    with (
        (reacher or Reacher()).route(dsn) as route,
        contextlib.closing(Connector(dsn, route, deadline, files or {})) as connector,
    ):
        yield Postgres(connector)


def prove_write(dsn: Dsn, address: tuple[str, int] | None = None, *, seconds: float = 10.0) -> None:
    """Write one row as kine would, read it back and remove every trace. Raises HaError when any of it fails.

    address takes the place of the DSN's only host on the network, for a port-forward; TLS verifies the DSN's name.
    """
    with contextlib.ExitStack() as stack:
        route = stack.enter_context(Reacher().route(dsn)) if address is None else fixed(dsn.hosts[0], address)
        connector = stack.enter_context(contextlib.closing(Connector(dsn, route, Deadline(seconds), {})))
        proof.write(stack.enter_context(Postgres(connector).scratch()))
