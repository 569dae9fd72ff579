# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to hold before an administrator gives a control plane its database: one small function per rule. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, Forbidden, HaError, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.reserved_names import (
    MARIADB_ACCOUNTS,
    MARIADB_DATABASES,
    MYSQL_DATABASES,
    POSTGRES_DATABASES,
    of_postgres,
)

_NAME = re.compile(r"[a-z_][a-z0-9_-]*")
_NAME_BYTES = {"postgres": 63, "mysql": 32}
"""PostgreSQL cuts longer names off; MySQL 8 has 32 characters for an account, MariaDB more."""
_OWN_DATABASES = {"postgres": POSTGRES_DATABASES, "mysql": (*MARIADB_DATABASES, *MYSQL_DATABASES)}


@dataclass(frozen=True)
class Wanted:
    """A database and the account that owns it, made by this administrator; reset: its password may be replaced.

    drop: which of "database" and "owner" are to be dropped instead.
    """

    scheme: str
    administrator: str
    owner: str
    database: str
    reset: bool = False
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Server:
    """What the administrator sees.

    several_primaries: what makes it a cluster with several, "" for none. lacks: the rights that the administrator
    has not. database_owner: who has the database, "" where nobody has. accepts_password: None without an account, and
    where the server did not look at the password: password_not_asked says why, "" where it did.
    acts_as_owner: the administrator may give a database to the owner. other_databases: what the owner has besides.
    manages_owner: the administrator may become a member of an owner that is there, and change its password.
    sessions: how many use the database, where the server would drop it under them.
    """

    writable: bool
    several_primaries: str
    lacks: tuple[str, ...]
    max_connections: int
    reserved: int
    database_exists: bool
    database_owner: str
    owner_exists: bool
    acts_as_owner: bool
    accepts_password: bool | None
    other_databases: tuple[str, ...] = ()
    sessions: int = 0
    password_not_asked: str = ""
    manages_owner: bool = True


def require_names(wanted: Wanted) -> None:
    """Raise InvalidInput for names that could not be used as they are written, or that are the server's own."""
    longest = _NAME_BYTES[wanted.scheme]
    for what, name in (("database", wanted.database), ("owner", wanted.owner)):
        if not _NAME.fullmatch(name) or len(name) > longest:
            raise InvalidInput(
                f"The {what}'s name {name!r} cannot be used as it is",
                f"Use lower-case letters, digits, _ and -, at most {longest}; kine folds upper case.",
            )
    if wanted.database in _OWN_DATABASES[wanted.scheme]:
        raise InvalidInput(
            f"The database {wanted.database} belongs to the server itself", "Choose another name, such as kine."
        )
    if of_postgres(wanted.owner) if wanted.scheme == "postgres" else wanted.owner in MARIADB_ACCOUNTS:
        raise InvalidInput(f"The account {wanted.owner} is reserved", "Choose another owner, such as k0smotron.")
    if wanted.owner == wanted.administrator:
        raise InvalidInput(
            "The owner is the administrator", "Name another owner: a control plane gets no administrator's account."
        )


def refuse(server: Server, wanted: Wanted, *, foresees: bool = False) -> None:
    """Raise the HaError of the first rule that does not hold; with foresees not of one that this run may yet change."""
    for rule in _RULES_TO_DROP if wanted.drop else _RULES:
        if foresees and rule is unused:
            continue
        error = rule(server, wanted)
        if error:
            raise error


def _one_primary(server: Server, _wanted: Wanted) -> HaError | None:
    """kine#71, k3s docs#403: ids that rise by one are revisions, and several primaries number in steps."""
    if not server.several_primaries:
        return None
    return Conflict(
        f"{server.several_primaries}: several servers take writes, and kine needs one that numbers every row in its order",
        "Use a server that replicates from one primary, or group replication in single-primary mode.",
    )


def _writable(server: Server, _wanted: Wanted) -> HaError | None:
    if server.writable:
        return None
    return Conflict("The server is read-only: a standby, or a primary that was demoted", "Name the primary's endpoint.")


def _rights(server: Server, wanted: Wanted) -> HaError | None:
    if not server.lacks:
        return None
    return Forbidden(
        f"The administrator {wanted.administrator} lacks {', '.join(server.lacks)}",
        "Grant it, or give the credentials of an administrator that has it.",
    )


def _belongs_to_owner(server: Server, wanted: Wanted) -> HaError | None:
    if server.database_owner in ("", wanted.owner):
        return None
    return Conflict(
        f"The database {wanted.database} belongs to {server.database_owner}, not to {wanted.owner}",
        "Choose another database: one database serves one control plane. Nothing here takes a database from its owner.",
    )


def _password(server: Server, wanted: Wanted) -> HaError | None:
    if wanted.reset:
        return None
    if server.password_not_asked:
        return Conflict(
            f"{wanted.owner} is there, and whether with this password cannot be told: {server.password_not_asked}",
            f"Let {wanted.owner} log in to {wanted.database} from here, in pg_hba.conf as kine needs it too; or set"
            " reset_password, which gives it this password.",
        )
    if server.accepts_password is not False:
        return None
    return Conflict(
        f"{wanted.owner} is there with another password",
        "Give its password, choose another owner, or set reset_password: whatever uses the old one then has to get the new.",
    )


def _manages_owner(server: Server, wanted: Wanted) -> HaError | None:
    changes = server.owner_exists and not (server.acts_as_owner and server.accepts_password)
    if server.manages_owner or not changes:
        return None
    member = wanted.administrator.replace('"', '""')
    return Forbidden(
        f"{wanted.owner} was made by somebody else, and since PostgreSQL 16 {wanted.administrator} may then not manage it",
        f'Have a superuser, or who made it, run: GRANT "{wanted.owner}" TO "{member}" WITH ADMIN OPTION',
    )


def _is_the_owners(server: Server, wanted: Wanted) -> HaError | None:
    """Stricter than what is asked before a database is made: nobody's may be anybody's."""
    if not server.database_exists or server.database_owner == wanted.owner:
        return None
    whose = f"belongs to {server.database_owner}" if server.database_owner else "was granted to nobody by its name"
    return Conflict(
        f"The database {wanted.database} {whose}, so it is not {wanted.owner}'s to drop",
        "Correct the names of database and owner. Nothing was dropped.",
    )


def unused(server: Server, wanted: Wanted) -> HaError | None:
    """The error for a database that would be dropped under its sessions, or None."""
    if not wanted.drop or not server.sessions:
        return None
    return Conflict(
        f"The database {wanted.database} is in use by {server.sessions} sessions, and the server would drop it under them",
        "Remove the control plane first, or end the sessions. Nothing was dropped.",
    )


def _owns_nothing_else(server: Server, wanted: Wanted) -> HaError | None:
    if "owner" not in wanted.drop or not server.other_databases:
        return None
    return Conflict(
        f"{wanted.owner} has other databases: {', '.join(server.other_databases)}",
        "Correct the owner's name, or drop the database only. Nothing was dropped.",
    )


_Rules: t.TypeAlias = tuple[t.Callable[[Server, Wanted], HaError | None], ...]
_RULES: t.Final[_Rules] = (_one_primary, _writable, _rights, _belongs_to_owner, _password, _manages_owner)
_RULES_TO_DROP: t.Final[_Rules] = (_writable, _rights, _is_the_owners, unused, _owns_nothing_else)
