# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes revisions visible in their order: of kine's writes one at a time takes its number and commits. Pure, PostgreSQL only.

A revision is a number from the table's sequence, taken when an INSERT begins; the row is seen when it commits, which may
be after a higher one. Whoever lists in between takes that one for the newest, and is never told of the one that comes late
(kine 0.16.4, pkg/logstructured: List, Watch and startWatch; k3s-io/kine issue 676). An API server that starts lacks that
object until it starts again. How often is measured by tests/integration/kine_check/test_commit_order.py.

The trigger fires before the statement takes its number, and its lock is held until the row is seen: PostgreSQL releases
locks after it has made a transaction visible, also one that waits for a synchronous standby.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import schema

NAME = "k0smotron_ha_commit_order"
LOCK_SECONDS = 5
"""Who waits for kine's table makes its writers queue behind, so it gives up after this long."""
# The lock belongs to the table's database, by the table's number in it.
BODY = "BEGIN PERFORM pg_catalog.pg_advisory_xact_lock(TG_RELID::bigint); RETURN NULL; END"
# kine's CREATE TABLE IF NOT EXISTS looks into the first schema of the search path and into no other.
# Up to PostgreSQL 14 every login may create there, and who owns a function may replace it. So it has to be of somebody who may do
# as they like with the table anyway: as its owner, the database's owner, or kine's role. A superuser is a member of all.
LOOK: t.Final = """
SELECT pg_catalog.quote_ident(n.nspname), c.oid IS NOT NULL, coalesce(f.prosrc, ''),
  coalesce((SELECT CASE WHEN t.tgenabled IN ('O', 'A') AND p.pronamespace = n.oid AND p.proname = t.tgname THEN 'fires'
                        ELSE 'idle' END
            FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
            WHERE t.tgrelid = c.oid AND t.tgname = %s), ''),
  CASE WHEN f.oid IS NULL OR EXISTS (
         SELECT 1 FROM pg_catalog.pg_roles AS r WHERE (r.oid IN (c.relowner, d.datdba) OR r.rolname = current_user)
           AND pg_catalog.pg_has_role(f.proowner, r.oid, 'MEMBER')) THEN ''
       ELSE CAST(pg_catalog.pg_get_userbyid(f.proowner) AS text) END
FROM pg_catalog.pg_namespace AS n
JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
LEFT JOIN pg_catalog.pg_proc AS f ON f.pronamespace = n.oid AND f.proname = %s AND f.pronargs = 0
LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = %s
WHERE n.nspname = pg_catalog.current_schema()
"""
LOOK_FOR: t.Final = (NAME, NAME, schema.TABLE)


@dataclass(frozen=True)
class Seen:
    """What LOOK finds: the quoted schema of kine's table, whether that is there, our function's body, and its trigger.

    The trigger ``fires``, or is ``idle``: disabled, or another function's. "" stands for what is not there.
    ``stranger``: who owns the function, where nobody does who may act as kine or the owner of its table or database.
    """

    schema: str
    table: bool
    body: str
    trigger: str
    stranger: str = ""

    @property
    def ordered(self) -> bool:
        """Whether revisions become visible in their order, and stay so."""
        return self.trigger == "fires" and self.body == BODY and not self.stranger


def statements(seen: Seen, *, wanted: bool) -> list[str]:
    """What is left to do, all or nothing of it in one transaction.

    Where kine's table is not there yet it is made as kine does, which keeps one that it finds: the first API servers list
    while the first objects are written. Raises Conflict for somebody else's function where one is wanted.
    """
    todo = _missing(seen) if wanted else _left(seen)
    return [f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'", *todo] if todo else []


def _missing(seen: Seen) -> list[str]:
    table, function = _names(seen)
    if seen.stranger:  # to replace it would not make it ours
        raise Conflict(
            f"The function {function} is {seen.stranger}'s, who could have kine's writes run anything",
            f"See what {seen.stranger} has to do with this database. Then, as {seen.stranger} or a superuser: DROP FUNCTION"
            f" {function} CASCADE; and run this again",
        )
    todo = [] if seen.table else schema.postgres_ddl(table)
    if seen.body != BODY:
        todo.append(f"CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql AS $${BODY}$$")
    if seen.trigger == "idle":
        todo.append(f"DROP TRIGGER {NAME} ON {table}")
    if seen.trigger != "fires":
        # Waits for writers only. DROP TRIGGER would wait for readers, such as a backup, and keep all others waiting.
        todo.append(f"CREATE TRIGGER {NAME} BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {function}")
    return todo


def _left(seen: Seen) -> list[str]:
    table, function = _names(seen)
    todo = [f"DROP TRIGGER {NAME} ON {table}"] if seen.trigger else []
    return [*todo, f"DROP FUNCTION {function}"] if seen.body and not seen.stranger else todo


def _names(seen: Seen) -> tuple[str, str]:
    return f"{seen.schema}.{schema.TABLE}", f"{seen.schema}.{NAME}()"
