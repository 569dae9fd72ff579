# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scratch schema: kine's table under the name kine_check_<time>_<backend>_<random>.kine, always removed.

A run that is killed cannot remove its schema, so the next run does. It knows a leftover by its name: the backend
in it is gone, or, where a proxy keeps backends alive, the time in it is longer ago than any run lasts.
"""

from __future__ import annotations

import contextlib
import secrets
import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import schema
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Row, Scratch

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres_connection import Connection, Connector

# Far longer than any run: only a proxy that keeps dead clients' backends open makes this necessary.
LEFTOVER_SECONDS = 3600
CLEAN_UP_SECONDS = 5.0
SETTLE_SECONDS = 0.5
_LEFTOVERS = r"""
SELECT nspname FROM pg_namespace
WHERE nspname ~ '^kine_check_[0-9]{1,15}_[0-9]{1,15}_[0-9a-f]{8}$' AND pg_has_role(nspowner, 'USAGE')
AND (substring(nspname FROM '^kine_check_[0-9]+_([0-9]+)_') NOT IN (SELECT pid::text FROM pg_stat_activity)
  OR substring(nspname FROM '^kine_check_([0-9]{1,15})_')::bigint < extract(epoch FROM clock_timestamp()) - %s)
"""
_FILL = (
    "INSERT INTO {table} (name, created, deleted, create_revision, prev_revision, lease, value)"
    " SELECT %s || lpad(number::text, 6, '0'), 1, 0, 0, 0, 0, %s FROM generate_series(1, %s) AS number"
)
# S608 here and below: what is put into statements are names of our own; values from outside go as parameters.
_COMPACT = f"WITH gone AS ({schema.COMPACT} RETURNING id) SELECT count(*) FROM gone"  # noqa: S608
_COMPACTED_TO = "SELECT max(prev_revision) FROM {table} WHERE name = %s"
_NAME_PARTS = "SELECT floor(extract(epoch FROM clock_timestamp()))::bigint, pg_backend_pid()"


class PostgresScratch(Scratch):
    """The scratch table of one run, on one connection."""

    def __init__(self, connector: Connector, connection: Connection, name: str) -> None:
        self._connector = connector
        self._connection = connection
        self._table = f"{name}.{schema.TABLE}"
        self._name = name
        self._insert = schema.INSERT.format(table=self._table)
        self._others: list[Scratch] = []

    def insert(self, name: str, value: bytes, *, previous: int = 0, deleted: bool = False) -> int:
        """Write one revision; kine counts a row without previous revision as the creation of its key."""
        values = [name, int(not previous), int(deleted), previous, previous, 0, value, previous]
        [(revision,)] = self._connector.rows(self._connection, self._insert, values)
        return int(revision)

    def listing(self, start: str, end: str) -> list[Row]:
        """Return the newest row of each name, as kine lists a prefix."""
        return self._rows(schema.LIST, [start, end])

    def after(self, revision: int) -> list[Row]:
        """Return what kine's watch would see after a revision."""
        return self._rows(schema.AFTER, [revision])

    def fill(self, prefix: str, rows: int, value: bytes) -> None:
        """In one statement."""
        self._run(_FILL, [prefix, value, rows])

    def compact(self, revision: int, beside: t.Callable[[], object]) -> int:
        """In one serializable transaction, which is given up when anything in it fails."""
        self._run("BEGIN ISOLATION LEVEL SERIALIZABLE")
        try:
            self._run(_COMPACTED_TO, [schema.COMPACT_KEY])
            beside()
            deleted = self._run(
                _COMPACT,
                [revision, revision, schema.COMPACT_KEY],
            )
            self._run(schema.COMPACTED, [revision, schema.COMPACT_KEY])
            beside()
            self._run("COMMIT")
        except BaseException:
            self._connector.try_rows(self._connection, "ROLLBACK")
            raise
        return int(deleted[0][0])

    def others(self, count: int) -> list[Scratch]:
        """Over connections that are left open for it, or fresh ones."""
        while len(self._others) < count:
            connection = self._connector.take()
            if connection is None:
                break
            self._others.append(PostgresScratch(self._connector, connection, self._name))
        return self._others[:count]

    def _run(self, statement: str, values: t.Sequence[t.Any] = ()) -> list[tuple[t.Any, ...]]:
        return self._connector.rows(self._connection, statement.format(table=self._table), values)

    def _rows(self, statement: str, values: list[t.Any]) -> list[Row]:
        return [Row(*row) for row in self._run(statement, values)]


@contextlib.contextmanager
def scratch(connector: Connector, connection: Connection) -> t.Iterator[Scratch]:
    """Remove leftovers, make the scratch schema, and remove it at the end, come what may."""
    _sweep(connector, connection)
    [(now, backend)] = connector.rows(connection, _NAME_PARTS)
    name = f"kine_check_{now}_{backend}_{secrets.token_hex(4)}"
    try:
        _make(connector, connection, name)
        _await(connector, connection, name)
        yield PostgresScratch(connector, connection, name)
    finally:
        _remove(connector, connection, name)


def _sweep(connector: Connector, connection: Connection) -> None:
    """Remove what killed runs of this role left behind. Another run may be doing the same: that is fine."""
    for (name,) in connector.rows(connection, _LEFTOVERS, [LEFTOVER_SECONDS]):
        with contextlib.suppress(HaError):
            connector.rows(connection, _drop(name))


def _make(connector: Connector, connection: Connection, name: str) -> None:
    """Make schema, table and indexes as one message, which is one transaction: a kill leaves all of them or none."""
    statements = [f"CREATE SCHEMA {name}", *schema.postgres_ddl(f"{name}.{schema.TABLE}")]
    connector.rows(connection, "; ".join(statements))


def _await(connector: Connector, connection: Connection, name: str) -> None:
    """Wait until reads know the table: a proxy may send them to a standby that is behind, which one check judges.

    Tried with Pgpool-II: otherwise every check that reads fails, as a relation that does not exist.
    """
    until = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(HaError):
            connector.rows(connection, f"SELECT FROM {name}.{schema.TABLE}")
            return
        time.sleep(0.01)


def _remove(connector: Connector, connection: Connection, name: str) -> None:
    """Drop the schema; when the connection is cut or late, on a fresh one with some seconds of its own."""
    with contextlib.suppress(HaError):
        connector.rows(connection, _drop(name))
        return
    try:
        with contextlib.closing(connector.again(CLEAN_UP_SECONDS)) as fresh:
            fresh.rows(fresh.open(), _drop(name))
    except HaError as error:
        message = f"the scratch schema {name} could not be removed: {error.message}"
        raise HaError(message, f"The next run removes it, or: DROP SCHEMA {name} CASCADE;") from None


def _drop(name: str) -> str:
    # Not waiting for a standby: the removal must not hang where the commit of the check did. LOCAL, for this message is one
    # transaction: behind a pooler the session may be kine's next, whose commits have to wait.
    return f"SET LOCAL synchronous_commit = local; DROP SCHEMA IF EXISTS {name} CASCADE"
