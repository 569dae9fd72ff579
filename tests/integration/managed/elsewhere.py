# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that somebody else runs, with an administrator that is no superuser, as clouds give one."""

from __future__ import annotations

import secrets
import typing as t
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from psycopg import sql

from tests.lab.elsewhere.accounts import ADMINISTRATOR, MYSQL_RIGHTS, POSTGRES_RIGHTS

if t.TYPE_CHECKING:
    from tests.integration.kine_check.mariadb_server import MariaServer
    from tests.integration.kine_check.server import Server

ADMINISTRATOR_PASSWORD = "hunter2-administrator"


def new_name() -> str:
    """Return a name that nobody has, with a letter in it that is a pattern in MySQL's grants."""
    return f"team_{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Elsewhere(ABC):
    """The server, and how the tests look at it behind the role's back."""

    server: t.Any
    scheme: str
    tls: str = "verify_full"
    login: dict[str, str] = field(
        default_factory=lambda: {"user": ADMINISTRATOR, "password": ADMINISTRATOR_PASSWORD, "database": "postgres"}
    )

    @abstractmethod
    def prepare(self) -> None:
        """Make the administrator."""

    @abstractmethod
    def create(self, name: str, password: str) -> None:
        """Make an account and a database of the same name that it has, as somebody else would."""

    @abstractmethod
    def administrator(self, name: str, *rights: str) -> dict[str, str]:
        """Make an administrator with these rights only, and return its login."""

    @abstractmethod
    def reload(self) -> None:
        """Let the server show the certificate that it has now."""

    @abstractmethod
    def names(self) -> set[str]:
        """Return the names of all databases and accounts."""

    @abstractmethod
    def kine(self, name: str, password: str) -> dict[str, t.Any]:
        """Return the options of kine_check by which it connects as kine would, from this machine."""

    def variables(self, name: str, **more: t.Any) -> dict[str, t.Any]:
        """Return the role's variables, without a cluster to keep the password in."""
        verifies = self.tls.startswith("verify")
        return {
            "managed_database_scheme": self.scheme,
            "managed_database_host": "127.0.0.1",
            "managed_database_port": self.server.port,
            "managed_database_admin_user": self.login["user"],
            "managed_database_admin_password": self.login["password"],
            "managed_database_name": name,
            "managed_database_secret": "",
            "managed_database_tls": self.tls,
            "managed_database_ca_file": str(self.server.ca) if verifies else "",
            **more,
        }

    def options(self, name: str, password: str, **more: t.Any) -> dict[str, t.Any]:
        """Return the options of managed_database_check; those of the connection may be among more."""
        connection = {"scheme": self.scheme, "user": name, "password": password, "host": "127.0.0.1", "database": name}
        connection |= {"port": self.server.port}
        connection |= {key: more.pop(key) for key in [*more] if key in connection}
        given = {"connection": connection, "administrator": self.login, "tls": self.tls}
        return {**given, **({"ca_file": str(self.server.ca)} if self.tls.startswith("verify") else {}), **more}


@dataclass(frozen=True)
class ElsewherePostgres(Elsewhere):
    """PostgreSQL."""

    server: Server
    scheme: str = "postgres"

    def prepare(self) -> None:
        self.administrator(ADMINISTRATOR, *POSTGRES_RIGHTS)

    def administrator(self, name: str, *rights: str) -> dict[str, str]:
        self._execute(f"CREATE ROLE {{}} LOGIN {' '.join(rights)} PASSWORD {{}}", name, ADMINISTRATOR_PASSWORD)
        return {**self.login, "user": name}

    def create(self, name: str, password: str) -> None:
        self._execute("CREATE ROLE {} LOGIN PASSWORD {}", name, password)
        self._execute("CREATE DATABASE {0} OWNER {0}", name)

    def reload(self) -> None:
        with self.server.admin() as connection:
            self.server.reload(connection)

    def names(self) -> set[str]:
        with self.server.admin() as connection:
            found = connection.execute("SELECT rolname FROM pg_roles UNION SELECT datname FROM pg_database")
            return {str(row[0]) for row in found}

    def kine(self, name: str, password: str) -> dict[str, t.Any]:
        mode = self.tls.replace("_", "-")
        query = f"sslmode={mode}&sslrootcert={self.server.ca}" if mode.startswith("verify") else f"sslmode={mode}"
        return {"url": f"postgres://{name}:{password}@127.0.0.1:{self.server.port}/{name}?{query}"}

    def _execute(self, statement: str, name: str, value: str = "") -> None:
        with self.server.admin() as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Literal(value)))


@dataclass(frozen=True)
class ElsewhereMaria(Elsewhere):
    """MariaDB."""

    server: MariaServer
    scheme: str = "mysql"
    login: dict[str, str] = field(
        default_factory=lambda: {"user": ADMINISTRATOR, "password": ADMINISTRATOR_PASSWORD, "database": ""}
    )

    def prepare(self) -> None:
        self.administrator(ADMINISTRATOR, f"{MYSQL_RIGHTS} ON *.*")

    def administrator(self, name: str, *rights: str) -> dict[str, str]:
        with self.server.admin() as cursor:
            cursor.execute(f"CREATE USER {name}@'%%' IDENTIFIED BY %s", [ADMINISTRATOR_PASSWORD])
            for right in rights:
                cursor.execute(f"GRANT {right} TO {name}@'%' WITH GRANT OPTION")
        return {**self.login, "user": name}

    def create(self, name: str, password: str) -> None:
        with self.server.admin() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
            cursor.execute(f"CREATE USER {name}@'%%' IDENTIFIED BY %s", [password])
            cursor.execute(f"GRANT ALL ON {name}.* TO {name}@'%'")

    def reload(self) -> None:
        with self.server.admin() as cursor:
            cursor.execute("FLUSH SSL")

    def names(self) -> set[str]:
        with self.server.admin() as cursor:
            cursor.execute("SELECT user FROM mysql.user UNION SELECT schema_name FROM information_schema.schemata")
            return {str(row[0]) for row in cursor.fetchall()}

    def kine(self, name: str, password: str) -> dict[str, t.Any]:
        url = f"mysql://{name}:{password}@tcp(127.0.0.1:{self.server.port})/{name}?rejectReadOnly=true&timeout=5s"
        return {"url": url, "ca_file": str(self.server.ca)}
