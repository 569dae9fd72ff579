# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the database that a control plane has left: how its server is asked, and told. Pure.

The administrator's commands run in the pod that leads: no operator gives out a password for that by default, and the
statements hold no secret.
"""

from __future__ import annotations

import datetime
import hashlib
import typing as t
from abc import ABC, abstractmethod

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.psql import superuser_psql

TABLE = "kine"
POSTGRES_NAME_LIMIT = 63
_MARK = "_archived_"
_DIGITS = len("20260102120000")
_HASH_DIGITS = 8
# The host in a process list without its port: an IPv6 address has colons of its own, a socket's host has none.
_CLIENT = "LEFT(host, CHAR_LENGTH(host) - LOCATE(':', CONCAT(REVERSE(host), ':')) * (LOCATE(':', host) > 0))"


# S608 below: whatever is put into a statement goes through quoted() or text().


class Server(ABC):
    """A database server as its administrator speaks to it. Every answer is text, one line for each row."""

    container: t.ClassVar[str]
    name_limit: t.ClassVar[int]
    refuses_when_demoted: t.ClassVar[bool] = True
    """Whether a server that follows another one takes no statement from its administrator either."""

    @abstractmethod
    def command(self, statements: t.Sequence[str], database: str = "") -> tuple[str, ...]:
        """Runs the statements one after the other, and stops at the first that fails."""

    @abstractmethod
    def find(self, database: str) -> str:
        """Answers how the database was made, in the words of :meth:`create`; nothing when there is none."""

    def owner(self, like: str) -> str:
        """Who owns the database, by the answer to :meth:`find`; "" where databases have no owners."""
        return ""

    @abstractmethod
    def find_right(self, database: str, login: str) -> str:
        """Answers 1 when the login owns the database, or may act as who does."""

    @abstractmethod
    def find_data(self, database: str) -> str:
        """Asked in the database: answers 1 when it has kine's table."""

    @abstractmethod
    def find_sessions(self, database: str) -> str:
        """Answers who is connected to the database."""

    @abstractmethod
    def create(self, database: str, like: str) -> str:
        """Makes it, empty; ``like`` is the answer to :meth:`find`."""

    @abstractmethod
    def new(self, owner: str) -> str:
        """What :meth:`create` needs for a database that is not there to be asked."""

    @abstractmethod
    def archive(self, database: str, archived: str, like: str) -> list[str]:
        """Moves the data to a database ``archived``, and leaves an empty one."""

    def find_archive(self, database: str) -> str:
        """Answers the newest archive of a database; "" where one is never left without an empty database beside it."""
        return ""

    def drop(self, database: str, like: str, *, declared: bool) -> list[str]:
        """Drops it; one that the operator was told to keep comes back, empty."""
        statement = f"DROP DATABASE {self.quoted(database)}"
        return [statement, self.create(database, like)] if declared else [statement]

    @staticmethod
    @abstractmethod
    def quoted(name: str) -> str:
        """A name in a statement."""

    @staticmethod
    def text(value: str) -> str:
        """A value in a statement."""
        return "'" + value.replace("'", "''") + "'"


class PostgreSQL(Server):
    """By the superuser's psql, in Zalando's and CloudNativePG's pods."""

    container = "postgres"
    name_limit = POSTGRES_NAME_LIMIT

    def command(self, statements: t.Sequence[str], database: str = "") -> tuple[str, ...]:
        return superuser_psql(*statements, database=database or "postgres")

    def find(self, database: str) -> str:
        return f"SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = {self.text(database)}"  # noqa: S608

    def owner(self, like: str) -> str:
        return like

    def find_right(self, database: str, login: str) -> str:
        """Also a member's, as that of Zalando's prepared databases: their owners do not log in. Superusers are no members."""
        return (
            f"SELECT 1 FROM pg_database, pg_roles AS login WHERE datname = {self.text(database)}"  # noqa: S608
            f" AND rolname = {self.text(login)}"
            " AND (login.oid = datdba OR NOT rolsuper AND pg_has_role(login.oid, datdba, 'MEMBER'))"
        )

    def find_data(self, database: str) -> str:
        return f"SELECT 1 FROM pg_catalog.pg_class WHERE relname = '{TABLE}' AND relkind IN ('r', 'p') LIMIT 1"  # noqa: S608

    def find_sessions(self, database: str) -> str:
        return (
            "SELECT DISTINCT concat_ws(' ', usename, 'from', coalesce(host(client_addr), 'the server itself'),"  # noqa: S608
            " nullif(application_name, '')) FROM pg_stat_activity"
            f" WHERE datname = {self.text(database)} AND backend_type = 'client backend'"
        )

    def create(self, database: str, like: str) -> str:
        return f"CREATE DATABASE {self.quoted(database)} OWNER {self.quoted(like)}"

    def new(self, owner: str) -> str:
        return owner

    def archive(self, database: str, archived: str, like: str) -> list[str]:
        rename = f"ALTER DATABASE {self.quoted(database)} RENAME TO {self.quoted(archived)}"
        return [rename, self.create(database, like)]

    def find_archive(self, database: str) -> str:
        named, *before = (
            f"left(datname, -{_DIGITS}) = {self.text(prefix)}" for prefix in archive_prefixes(database, self.name_limit)
        )
        if before:  # it may be another one's, unless nothing else on the server begins alike
            stem = database[: _room(self.name_limit)]
            alike = f"SELECT count(*) FROM pg_database WHERE left(datname, {len(stem)}) = {self.text(stem)}"  # noqa: S608
            named = f"({named} OR {before[0]} AND ({alike}) = 1)"
        return (
            f"SELECT datname FROM pg_database WHERE {named}"  # noqa: S608
            f" AND right(datname, {_DIGITS}) ~ '^[0-9]{{{_DIGITS}}}$' ORDER BY right(datname, {_DIGITS}) DESC LIMIT 1"
        )

    @staticmethod
    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'


class MariaDB(Server):
    """By mariadb and root, whose password is in the container's environment. A database has no other name there."""

    container = "mariadb"
    name_limit = 64
    refuses_when_demoted = False  # read_only does not hold for root

    def command(self, statements: t.Sequence[str], database: str = "") -> tuple[str, ...]:
        shell = (
            'MYSQL_PWD="$MARIADB_ROOT_PASSWORD" exec mariadb --no-defaults --user=root --batch --skip-column-names'
            ' --execute="$1"'
        )
        return ("bash", "-c", shell, "tell", "; ".join(statements))

    def find(self, database: str) -> str:
        return (
            "SELECT CONCAT('CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name)"  # noqa: S608
            f" FROM information_schema.schemata WHERE schema_name = {self.text(database)}"
        )

    def find_right(self, database: str, login: str) -> str:
        """Whoever may drop it. Not by a grant on a pattern that fits by chance: its own name is what an owner was granted."""
        return (
            f"SELECT 1 FROM mysql.db WHERE user = {self.text(login)} AND drop_priv = 'Y'"  # noqa: S608
            rf" AND REPLACE(db, '\_', '_') = {self.text(database)} LIMIT 1"
        )

    def find_data(self, database: str) -> str:
        return (
            "SELECT 1 FROM information_schema.tables"  # noqa: S608
            f" WHERE table_schema = {self.text(database)} AND table_name = '{TABLE}'"
        )

    def find_sessions(self, database: str) -> str:
        return (
            f"SELECT DISTINCT CONCAT(user, ' from ', {_CLIENT})"  # noqa: S608
            f" FROM information_schema.processlist WHERE db = {self.text(database)}"
        )

    def create(self, database: str, like: str) -> str:
        return f"CREATE DATABASE IF NOT EXISTS {self.quoted(database)} {like}"

    def new(self, owner: str) -> str:
        return "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"

    def archive(self, database: str, archived: str, like: str) -> list[str]:
        tables = [f"{self.quoted(name)}.{self.quoted(TABLE)}" for name in (database, archived)]
        return [self.create(archived, like), f"RENAME TABLE {' TO '.join(tables)}"]

    @staticmethod
    def quoted(name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    @staticmethod
    def text(value: str) -> str:
        return Server.text(value.replace("\\", "\\\\"))


SERVERS: t.Mapping[str, Server] = {"zalando": PostgreSQL(), "cloudnativepg": PostgreSQL(), "mariadb": MariaDB()}
"""By provider, as far as the data was seen to leave them in this way."""


def archive_name(database: str, now: datetime.datetime, limit: int) -> str:
    """Where the data goes: sorted by time, and never longer than the server takes."""
    return archive_prefix(database, limit) + f"{now:%Y%m%d%H%M%S}"


def archive_prefix(database: str, limit: int) -> str:
    """How the names of its archives begin. A name that is cut is told from others that begin alike by its hash."""
    room = _room(limit)
    if len(database) > room:
        digest = "_" + hashlib.sha256(database.encode()).hexdigest()[:_HASH_DIGITS]
        return database[: room - len(digest)] + digest + _MARK
    return database + _MARK


def archive_prefixes(database: str, limit: int) -> tuple[str, ...]:
    """That one and, of a name that is cut, the one from before there were hashes: all that begin alike shared it."""
    return tuple(dict.fromkeys((archive_prefix(database, limit), database[: _room(limit)] + _MARK)))


def _room(limit: int) -> int:
    """How much of a database's name an archive's can have."""
    return limit - len(_MARK) - _DIGITS
