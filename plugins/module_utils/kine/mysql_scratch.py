# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scratch table on MySQL and MariaDB: kine's table under another name, in the database of the DSN.

A database of its own would need a privilege that kine's account never has: it is given one database, and everything
in it. kine looks at no table but its own, so one beside it is as safe, and it gets the very defaults that kine's gets.

A run that is killed cannot remove its table, so the next run does. It knows a leftover by its name: nobody holds the
lock of that name any more, or, where a proxy keeps sessions alive, the time in it is longer ago than any run lasts.
"""

from __future__ import annotations

import contextlib
import secrets
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import mysql_schema, schema
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Row, Scratch

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_connection import Connection, Connector

# Far longer than any run: only a proxy that keeps dead clients' sessions open makes this necessary.
LEFTOVER_SECONDS = 3600
CLEAN_UP_SECONDS = 5.0
LOCK_SECONDS = 3
# IS_FREE_LOCK needs no privilege and sees the sessions of every account, which the list of sessions does not.
_LEFTOVERS = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_name REGEXP '^kine_check_[0-9]{1,15}_[0-9]{1,15}_[0-9a-f]{8}$'
AND (IS_FREE_LOCK(table_name) = 1
  OR CAST(SUBSTRING_INDEX(SUBSTRING_INDEX(table_name, '_', 3), '_', -1) AS UNSIGNED) < UNIX_TIMESTAMP() - %s)
"""
_NAME_PARTS = "SELECT UNIX_TIMESTAMP(), CONNECTION_ID()"


class MysqlScratch(Scratch):
    """The scratch table of one run, on one connection."""

    def __init__(self, connector: Connector, connection: Connection, table: str) -> None:
        self._connector = connector
        self._connection = connection
        self._table = table
        self._insert = mysql_schema.INSERT.format(table=table)
        self._others: list[Scratch] | None = []

    def insert(self, name: str, value: bytes, *, previous: int = 0, deleted: bool = False) -> int:
        """Write one revision; kine counts a row without previous revision as the creation of its key."""
        values = [name, int(not previous), int(deleted), previous, previous, 0, value, previous]
        return self._connector.insert(self._connection, self._insert, values)

    def listing(self, start: str, end: str) -> list[Row]:
        """Return the newest row of each name, as kine lists a prefix."""
        return self._rows(schema.LIST, [start, end])

    def after(self, revision: int) -> list[Row]:
        """Return what kine's watch would see after a revision."""
        return self._rows(schema.AFTER, [revision])

    def fill(self, prefix: str, rows: int, value: bytes) -> None:
        """In one statement."""
        self._run(mysql_schema.fill(self._table, rows), [prefix, value, rows])

    def compact(self, revision: int, beside: t.Callable[[], object]) -> int:
        """In one serializable transaction, which is given up when anything in it fails.

        InnoDB locks what such a transaction reads, so a write beside it may have to wait for the end of it. That is
        kine's everyday life here: the writes run on a thread of their own, and are waited for after the commit.
        """
        with ThreadPoolExecutor(max_workers=1) as thread:
            self._run("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            self._run("START TRANSACTION")
            try:
                self._run(mysql_schema.NEWEST)
                self._run(mysql_schema.COMPACTED, [schema.COMPACT_KEY])
                writes = [thread.submit(beside)]
                deleted = self._connector.change(
                    self._connection,
                    mysql_schema.COMPACT.format(table=self._table),
                    [schema.COMPACT_KEY, revision, revision],
                )
                self._run(mysql_schema.MARK_COMPACTED, [revision, schema.COMPACT_KEY])
                writes.append(thread.submit(beside))
                self._run("COMMIT")
            except BaseException:
                with contextlib.suppress(HaError):
                    self._run("ROLLBACK")
                raise
            for write in writes:
                write.result()
        return deleted

    def others(self, count: int) -> list[Scratch]:
        """Over fresh connections, as many as the examination may still open."""
        if self._others is None:
            return []
        while len(self._others) < count and self._connector.room():
            try:
                connection = self._connector.open()
            except HaError:  # no slot is left: the check of connections says so
                break
            other = MysqlScratch(self._connector, connection, self._table)
            other._others = None
            self._others.append(other)
        return self._others[:count]

    def _run(self, statement: str, values: t.Sequence[t.Any] = ()) -> list[tuple[t.Any, ...]]:
        return self._connector.rows(self._connection, statement.format(table=self._table), values)

    def _rows(self, statement: str, values: list[t.Any]) -> list[Row]:
        return [Row(*row) for row in self._run(statement, values)]


@contextlib.contextmanager
def scratch(connector: Connector, connection: Connection) -> t.Iterator[Scratch]:
    """Remove leftovers, make the scratch table, and remove it at the end, come what may."""
    _sweep(connector, connection)
    [(now, session)] = connector.rows(connection, _NAME_PARTS)
    table = f"kine_check_{now}_{session}_{secrets.token_hex(4)}"
    # An account that may not drop tables, or not create them, must not begin.
    connector.rows(connection, _drop(table))
    # The lock comes first: a table without it is a leftover to any other run.
    connector.rows(connection, "SELECT GET_LOCK(%s, 0)", [table])
    try:
        connector.rows(connection, mysql_schema.ddl(table))
    except Forbidden:
        raise  # nothing was made
    except BaseException:  # cut off or interrupted, while the server may well have made it
        _remove(connector, connection, table, int(session))
        raise
    try:
        yield MysqlScratch(connector, connection, table)
    finally:
        _remove(connector, connection, table, int(session))


def _sweep(connector: Connector, connection: Connection) -> None:
    """Remove what killed runs left behind. Another run may be doing the same: that is fine."""
    for (table,) in connector.rows(connection, _LEFTOVERS, [LEFTOVER_SECONDS]):
        with contextlib.suppress(HaError):
            connector.rows(connection, _drop(table))


def _remove(connector: Connector, connection: Connection, table: str, session: int) -> None:
    """Drop the table; when the connection is cut or late, on a fresh one with some seconds of its own."""
    with contextlib.suppress(HaError):
        _drop_unlocked(connector, connection, table)
        return
    try:
        with contextlib.closing(connector.again(CLEAN_UP_SECONDS)) as fresh:
            connection = fresh.open()
            with contextlib.suppress(HaError):  # the session has ended by itself
                fresh.rows(connection, f"KILL {session}")
            _drop_unlocked(fresh, connection, table)
    except HaError as error:
        message = f"the scratch table {table} could not be removed: {error.message}"
        raise HaError(message, f"The next run removes it, or: DROP TABLE {table};") from None


def _drop_unlocked(connector: Connector, connection: Connection, table: str) -> None:
    # A statement that was cut off may still hold the table on the server.
    connector.rows(connection, f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}")
    connector.rows(connection, _drop(table))


def _drop(table: str) -> str:
    return f"DROP TABLE IF EXISTS {table}"
