# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a MySQL or MariaDB server with its administrator's eyes. Changes nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import database_ca
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_connection import Connector
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_errors import REASONS
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_grants import granted, lacking
from ansible_collections.k0smotron.ha.plugins.module_utils.managed.rules import Server

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Route

ANYWHERE = "%"
"""The host part of the owner's account: pods connect from any node."""
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "INDEX", "ALTER")
"""What the owner gets: all that kine and kine_check do, in the one database."""
_VARIABLES = (
    "max_connections",
    "read_only",
    "super_read_only",
    "wsrep_on",
    "group_replication_group_name",
    "group_replication_single_primary_mode",
)
_WRONG_PASSWORD = REASONS[0].message


def look(administrator: Dsn, owner: Dsn, route: Route, deadline: Deadline, ca_file: str, *, logs_in: bool) -> Server:
    """Return what the administrator sees, and if logs_in whether the owner's password is accepted. Raises HaError."""
    files, flag = {database_ca.PATH: ca_file}, database_ca.named_by(administrator, database_ca.PATH if ca_file else "")
    with contextlib.closing(Connector(administrator, route, deadline, files, flag)) as connector:
        connection = connector.open()

        def rows(statement: str, *values: str) -> list[tuple[t.Any, ...]]:
            return connector.rows(connection, statement, values)

        marks = ", ".join(["%s"] * len(_VARIABLES))
        found = dict(rows(f"SHOW GLOBAL VARIABLES WHERE variable_name IN ({marks})", *_VARIABLES))
        grants = [str(row[0]) for row in rows("SHOW GRANTS")]
        exists = bool(rows("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", owner.database))
        accounts = rows("SELECT 1 FROM mysql.user WHERE user = %s AND host = %s", owner.user, ANYWHERE)
        users = rows("SELECT user, drop_priv FROM mysql.db WHERE REPLACE(db, %s, '') = %s", "\\", owner.database)
        schemas = rows("SELECT schema_name FROM information_schema.schemata")
        granted_to_owner = rows("SELECT db FROM mysql.db WHERE user = %s", owner.user)
        [[own_session]] = rows("SELECT CONNECTION_ID()")
        sessions = [row for row in rows("SHOW PROCESSLIST") if row[3] == owner.database and row[0] != own_session]
    own = owner if exists else dataclasses.replace(owner, database="")
    return Server(
        writable="ON" not in (found.get("read_only"), found.get("super_read_only")),
        several_primaries=several_primaries(found),
        lacks=missing(grants, owner.database),
        max_connections=int(found["max_connections"]),
        reserved=0,
        database_exists=exists,
        database_owner=belongs_to(holders([(str(user), str(drops)) for user, drops in users]), owner.user)
        if exists
        else "",
        owner_exists=bool(accounts),
        acts_as_owner=True,
        accepts_password=_accepted(own, route, deadline, files, flag) if accounts and logs_in else None,
        other_databases=others(
            [str(row[0]) for row in granted_to_owner], [str(row[0]) for row in schemas], owner.database
        ),
        sessions=len(sessions),
    )


def several_primaries(variables: t.Mapping[str, str]) -> str:
    """What makes this a cluster with several primaries, "" where nothing does. Pure."""
    if variables.get("wsrep_on", "OFF") == "ON":
        return "This is a Galera cluster (wsrep_on is ON)"
    group = variables.get("group_replication_group_name", "")
    if group and variables.get("group_replication_single_primary_mode", "ON") != "ON":
        return "This is group replication in multi-primary mode (group_replication_single_primary_mode is OFF)"
    return ""


def missing(grants: t.Sequence[str], database: str) -> tuple[str, ...]:
    """The rights that an administrator with these grants lacks; none where a role may hold them unseen. Pure."""
    if any(" ON " not in grant for grant in grants):
        return ()
    everywhere = frozenset.union(frozenset(), *(granted([line], database, "") for line in grants if " ON *.* " in line))
    lacks = [*lacking(everywhere, ["CREATE USER"]), *lacking(granted(grants, database, ""), PRIVILEGES)]
    if not any("WITH GRANT OPTION" in grant and granted([grant], database, "") for grant in grants):
        lacks.append("GRANT OPTION")
    return tuple(lacks)


def holders(grants: t.Sequence[tuple[str, str]]) -> list[str]:
    """The accounts that may drop the database; all that may use it where none may: who only reads it has it not. Pure."""
    return [user for user, drops in grants if drops == "Y"] or [user for user, _drops in grants]


def others(granted_names: t.Sequence[str], databases: t.Sequence[str], database: str) -> tuple[str, ...]:
    """The databases that an account was granted by name besides the one; grants outlive their database. Pure."""
    named = {name.replace("\\", "") for name in granted_names}
    return tuple(sorted(named.intersection(databases) - {database}))


def belongs_to(accounts: t.Sequence[str], owner: str) -> str:
    """MySQL's databases have no owners: who was granted a database has it, the owner first. Pure."""
    return owner if owner in accounts else next(iter(sorted(accounts)), "")


def _accepted(owner: Dsn, route: Route, deadline: Deadline, files: t.Mapping[str, str], flag: str) -> bool:
    """Whether the server takes the password; what an account may do is asked only after it has proven itself."""
    with contextlib.closing(Connector(owner, route, deadline, files, flag)) as connector:
        try:
            connector.open()
        except Forbidden as error:
            return not error.message.startswith(_WRONG_PASSWORD)
    return True
