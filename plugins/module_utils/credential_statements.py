# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQL that makes, changes and removes logins, for a server's administrator. Each may run again. Pure.

No password is in it, only what the server would store of it: statements end up in logs.

S608 here: what is put into statements are names that were checked when they were declared, quoted, and hashes.
"""

from __future__ import annotations

import hashlib
import secrets
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.left_database import (
    POSTGRES_NAME_LIMIT,
    archive_prefixes,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.scram import scram


class Statements(t.Protocol):
    """What a rotation needs, in one database's SQL."""

    def count(self, login: str) -> str:
        """Answers 1 when there is such a login, and 0 otherwise."""

    def unlike(self, owner: str, database: str) -> str:
        """Answers what of the owner the second login lacks, the change does not reach, or others lose; else nothing."""

    def make(self, login: str, password: str, owner: str, database: str) -> str:
        """Make a login that acts as the owner: what it creates belongs to the owner."""

    def change(self, login: str, password: str) -> str:
        """Give a login a password."""

    def end_sessions(self, login: str) -> str:
        """End what is connected: a password is asked for only once."""

    def lock(self, login: str) -> str:
        """Let nobody in as this login any more, should there be one."""

    def drop(self, login: str) -> str:
        """Remove a login."""


class Postgres:
    """For PostgreSQL."""

    def count(self, login: str) -> str:
        return f"SELECT count(*) FROM pg_roles WHERE rolname = {_text(login)}"  # noqa: S608

    def unlike(self, owner: str, database: str) -> str:
        """Settings of its own: SET role loads none, and with another search_path kine would make another table.

        And its other databases, declared or not: whoever uses one knows only the old password. Nobody uses an archive.
        """
        no_archive = "".join(
            f" AND substr(CAST(datname AS text), 1, {len(prefix)}) <> {_text(prefix)}"
            for prefix in archive_prefixes(database, POSTGRES_NAME_LIMIT)
        )
        return (
            "SELECT 'the setting ' || split_part(setting, '=', 1)"  # noqa: S608
            " FROM pg_db_role_setting JOIN pg_roles ON pg_roles.oid = setrole"
            " LEFT JOIN pg_database ON pg_database.oid = setdatabase, unnest(setconfig) AS setting"
            f" WHERE rolname = {_text(owner)} AND (setdatabase = 0 OR datname = {_text(database)})"
            " UNION ALL SELECT 'the database ' || datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba"
            f" WHERE rolname = {_text(owner)} AND datname <> {_text(database)}{no_archive}"
        )

    def make(self, login: str, password: str, owner: str, database: str) -> str:
        name, acts_as = _name(login), _name(owner)
        make = _block(
            f"IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {_text(login)}) THEN CREATE ROLE {name}; END IF"
        )
        return (
            f"{make}; GRANT {acts_as} TO {name}; ALTER ROLE {name} SET role TO {acts_as};"
            f" ALTER ROLE {name} LOGIN PASSWORD {_text(scram(password))}"
        )

    def change(self, login: str, password: str) -> str:
        return f"ALTER ROLE {_name(login)} PASSWORD {_text(scram(password))}"

    def end_sessions(self, login: str) -> str:
        return f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = {_text(login)}"  # noqa: S608

    def lock(self, login: str) -> str:
        there = f"EXISTS (SELECT FROM pg_roles WHERE rolname = {_text(login)})"
        return _block(f"IF {there} THEN ALTER ROLE {_name(login)} NOLOGIN; END IF")

    def drop(self, login: str) -> str:
        return f"DROP ROLE IF EXISTS {_name(login)}"


class Mysql:
    """For MariaDB."""

    def count(self, login: str) -> str:
        return f"SELECT COUNT(*) FROM mysql.user WHERE user = {_mysql_text(login)}"  # noqa: S608

    def unlike(self, owner: str, database: str) -> str:
        """Accounts other than the one of all hosts, which keep the old password, and whose grants may be others.

        And other databases that it has grants on: whoever uses one knows only the old password.
        """
        user, name = _mysql_text(owner), r"REPLACE(db, '\_', '_')"  # db is a pattern
        return (
            f"SELECT CONCAT('the account ', user, '@', host) FROM mysql.user WHERE user = {user} AND host <> '%'"  # noqa: S608
            " UNION ALL SELECT 'no account for all hosts' FROM DUAL"
            f" WHERE NOT EXISTS (SELECT 1 FROM mysql.user WHERE user = {user} AND host = '%')"
            f" UNION ALL SELECT CONCAT('the database ', {name}) FROM mysql.db"
            f" WHERE user = {user} AND {name} <> {_mysql_text(database)}"
        )

    def make(self, login: str, password: str, owner: str, database: str) -> str:
        account = self._account(login)
        pattern = database.replace("`", "``").replace("_", r"\_")  # else _ would stand for any character
        return (
            f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY PASSWORD {_mysql_text(native(password))};"
            f" {self.change(login, password)} ACCOUNT UNLOCK;"
            f" GRANT ALL PRIVILEGES ON `{pattern}`.* TO {account}"
        )

    def change(self, login: str, password: str) -> str:
        return f"ALTER USER {self._account(login)} IDENTIFIED BY PASSWORD {_mysql_text(native(password))}"

    def end_sessions(self, login: str) -> str:
        return f"KILL USER {_mysql_text(login)}"

    def lock(self, login: str) -> str:
        return f"ALTER USER IF EXISTS {self._account(login)} ACCOUNT LOCK"

    def drop(self, login: str) -> str:
        return f"DROP USER IF EXISTS {self._account(login)}"

    def _account(self, login: str) -> str:
        return f"{_mysql_text(login)}@'%'"


STATEMENTS: t.Mapping[str, Statements] = {"postgres": Postgres(), "mysql": Mysql()}


def native(password: str) -> str:
    """What MariaDB stores of a password (mysql_native_password). Not reversible for one that is long and random."""
    inner = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(inner, usedforsecurity=False).hexdigest().upper()


def _block(statement: str) -> str:
    """A block of PostgreSQL's. What ends it is in no name, for nobody can know it before."""
    end = f"$end_{secrets.token_hex(16)}$"
    return f"DO {end} BEGIN {statement}; END {end}"


def _name(identifier: str) -> str:
    escaped = identifier.replace('"', '""')
    return f'"{escaped}"'


def _text(value: str) -> str:
    """A literal."""
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def _mysql_text(value: str) -> str:
    """One of MariaDB's, where a backslash escapes what follows."""
    return _text(value.replace("\\", "\\\\"))
