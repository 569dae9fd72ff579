# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a PostgreSQL server with its administrator's eyes. Changes nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import database_ca
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres_connection import Connector
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres_errors import REASONS
from ansible_collections.k0smotron.ha.plugins.module_utils.managed.rules import Server

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Route

_WRONG_PASSWORD = REASONS[0].message
_BEFORE_THE_PASSWORD = tuple(reason.message for reason in REASONS if "pg_hba" in reason.pattern)
# Since PostgreSQL 16 who creates a role may manage it, but not act as it; before, members could do both. Nor is CREATEROLE
# enough any more to manage those that others have made (https://www.postgresql.org/docs/16/role-attributes.html). What Amazon
# RDS reserves is a setting of its own, up to PostgreSQL 15.
_SERVER = """
SELECT NOT pg_is_in_recovery() AND NOT current_setting('transaction_read_only')::bool,
  me.rolsuper OR me.rolcreaterole, me.rolsuper OR me.rolcreatedb,
  current_setting('max_connections')::int,
  current_setting('superuser_reserved_connections')::int
    + coalesce(current_setting('reserved_connections', true)::int, 0)
    + coalesce(current_setting('rds.rds_superuser_reserved_connections', true)::int, 0),
  base.oid IS NOT NULL, coalesce(pg_get_userbyid(base.datdba)::text, ''), owner.oid IS NOT NULL,
  coalesce(pg_has_role(owner.oid,
    CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END), me.rolsuper),
  ARRAY(SELECT datname::text FROM pg_database WHERE datdba = owner.oid AND oid IS DISTINCT FROM base.oid ORDER BY 1),
  owner.oid IS NULL OR current_setting('server_version_num')::int < 160000
    OR pg_has_role(owner.oid, 'MEMBER WITH ADMIN OPTION')
FROM pg_roles AS me
LEFT JOIN pg_roles AS owner ON owner.rolname = %s
LEFT JOIN pg_database AS base ON base.datname = %s
WHERE me.rolname = current_user
"""


def look(administrator: Dsn, owner: Dsn, route: Route, deadline: Deadline, ca_file: str, *, logs_in: bool) -> Server:
    """Return what the administrator sees, and if logs_in whether the owner's password is accepted. Raises HaError."""
    files = {database_ca.PATH: ca_file}
    with contextlib.closing(Connector(administrator, route, deadline, files)) as connector:
        [row] = connector.rows(connector.open(), _SERVER, [owner.user, owner.database])
    writable, roles, databases, max_connections, reserved, database_exists, database_owner, owner_exists, acts = row[:9]
    lacks = [right for right, has in (("CREATEROLE", roles), ("CREATEDB", databases)) if not has]
    answer = _ACCOUNT_IS_NOT_ASKED
    if owner_exists and logs_in:
        # A name in pg_hba.conf holds for a database that is yet to be made, too; a pooler may know only those that are.
        asked = [owner] if database_exists else [dataclasses.replace(owner, database=administrator.database), owner]
        answer = _answer(asked, route, deadline, files)
    return Server(
        writable=writable,
        several_primaries="",
        lacks=tuple(lacks),
        max_connections=max_connections,
        reserved=reserved,
        database_exists=database_exists,
        database_owner=database_owner,
        owner_exists=owner_exists,
        acts_as_owner=acts,
        accepts_password=answer.accepts,
        password_not_asked=answer.not_asked,
        other_databases=tuple(row[9]),
        manages_owner=row[10],
    )


class _Answer(t.NamedTuple):
    """Whether the server takes a password; where it did not look at it, None and the server's words."""

    accepts: bool | None
    not_asked: str = ""


_ACCOUNT_IS_NOT_ASKED: t.Final = _Answer(None)


def _answer(logins: t.Sequence[Dsn], route: Route, deadline: Deadline, files: t.Mapping[str, str]) -> _Answer:
    """The answer to the first login whose password the server looks at, or that to the last one."""
    answer = _ACCOUNT_IS_NOT_ASKED
    for login in logins:
        answer = _answer_to(login, route, deadline, files)
        if not answer.not_asked:
            break
    return answer


def _answer_to(login: Dsn, route: Route, deadline: Deadline, files: t.Mapping[str, str]) -> _Answer:
    """PostgreSQL reads pg_hba.conf, then looks at the password, then at the database and what the role may do in it."""
    with contextlib.closing(Connector(login, route, deadline, files)) as connector:
        try:
            connector.open()
        except Forbidden as error:
            if error.message.startswith(_BEFORE_THE_PASSWORD):
                return _Answer(None, error.message)
            return _Answer(not error.message.startswith(_WRONG_PASSWORD))
        except NotFound:
            return _Answer(True)
    return _Answer(True)
