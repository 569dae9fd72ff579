# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else is connected to a PostgreSQL database, and whether a connection is one session of the server."""

from __future__ import annotations

import contextlib
import secrets
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import schema
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Prepared, Session

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres_connection import Connection, Connector

# A client address is hidden from other roles. Superusers are people and tools that look after the server.
_SESSIONS = """
SELECT r.rolname::text, r.rolname = current_user, coalesce(host(a.client_addr), ''),
  coalesce(has_table_privilege(r.oid, k.oid, 'INSERT'), false),
  CASE WHEN r.oid <> k.relowner AND pg_has_role(r.oid, k.relowner, 'USAGE') THEN pg_get_userbyid(k.relowner)::text
       ELSE '' END, r.rolcreaterole
FROM pg_stat_activity AS a JOIN pg_roles AS r ON r.oid = a.usesysid
LEFT JOIN pg_class AS k ON k.oid = to_regclass(quote_ident(current_schema()) || '.' || %s)
WHERE a.datname = current_database() AND NOT r.rolsuper AND a.application_name <> %s AND NOT a.pid = ANY(%s)
"""
_PID = "SELECT pg_backend_pid()"
_ROUNDS = 2


def sessions(connector: Connector, connection: Connection, own_name: str) -> list[Session]:
    """Return the sessions that are not of an examination; own_name is the application name of examinations."""
    pids = connector.backends()
    found = connector.rows(connection, _SESSIONS, [schema.TABLE, own_name, pids])
    return [Session(*row) for row in found]


def prepared(connector: Connector, connection: Connection, beside: Connection | None) -> Prepared:
    """Prepare one statement by name, as kine's driver does, and use it while another connection is busy.

    A pooler in transaction mode keeps a server session for a client only as long as a transaction lasts. So it must
    be made to give the next transaction another one: beside takes the one that was free. Without beside nothing
    forces it to, and only a pooler that changes sessions by itself is seen. Both prepare the same name, as the
    connections of kine's pool do: in one session of the server the second finds it taken.
    """
    name = f"kine_check_{secrets.token_hex(4)}"
    pids: list[str] = []
    clients = [connection] if beside is None else [connection, beside]
    error = next(filter(None, (connector.prepare(client, name, _PID) for client in clients)), "")
    for _round in range(_ROUNDS):
        if error:
            break
        with _busy(connector, beside):
            pid, error = connector.run_prepared(connection, name)
        pids += filter(None, [pid])
    for client in clients:
        connector.forget_prepared(client, name)
    return Prepared(error=error, backends=len(set(pids)))


@contextlib.contextmanager
def _busy(connector: Connector, connection: Connection | None) -> t.Iterator[None]:
    """Keep a connection in a transaction: so long a pooler can give its session of the server to nobody else."""
    if connection is None:
        yield
        return
    connector.rows(connection, "BEGIN")
    try:
        yield
    finally:
        connector.try_rows(connection, "ROLLBACK")
