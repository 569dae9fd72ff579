# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real, temporary PostgreSQL from Debian's packages, on loopback, with TLS, and a synchronous standby beside it."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from tests.integration.kine_check.certificates import DAY, Authority

BIN = Path("/usr/lib/postgresql/15/bin")
NEEDS = "these tests need PostgreSQL 15: install the Debian package postgresql-15 (apt-get install postgresql-15)"
HOST = "db.kine-check.svc"
CONFIG = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
ssl = {tls}
ssl_cert_file = '{folder}/server.crt'
ssl_key_file = '{folder}/server.key'
shared_buffers = 16MB
max_connections = 100
max_wal_size = 128MB
wal_retrieve_retry_interval = 200ms
"""
# The database tls_only refuses plaintext, as the Zalando operator's databases do by default.
HBA = """
local all postgres trust
host replication postgres 127.0.0.1/32 trust
hostnossl {tls_only} all all reject
host {nobody} all 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
"""
TLS_ONLY = "tls_only"
NOBODY = "nobody_may"


@dataclass(frozen=True)
class Site:
    """A database and a role of its own for one test."""

    server: Server
    database: str
    role: str
    password: str

    def url(self, query: str = "sslmode=require", **changes: t.Any) -> str:
        """Return the DSN, with parts replaced by keyword: user, password, host, port, database; new connections wait 5 s."""
        parts = {
            "user": self.role,
            "password": self.password,
            "host": "127.0.0.1",
            "port": self.server.port,
            "database": self.database,
        } | changes
        parts["password"] = quote(str(parts["password"]), safe="")
        if "connect_timeout" not in query:
            query += "&connect_timeout=5"
        return "postgres://{user}:{password}@{host}:{port}/{database}?{query}".format(query=query, **parts)

    def admin(self, *statements: str) -> None:
        """Run statements in this database as superuser; {role} and {database} are replaced."""
        with self.server.admin(self.database) as connection:
            for statement in statements:
                connection.execute(statement.replace("{role}", self.role).replace("{database}", self.database))

    def as_role(self, *statements: str) -> None:
        """Run statements as the role of this site."""
        self.admin("SET ROLE {role}", *statements)

    def schemas(self) -> list[str]:
        """Return the scratch schemas that are there now."""
        with self.server.admin(self.database) as connection:
            return [
                row[0] for row in connection.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^kine_check'")
            ]

    def sessions(self) -> list[int]:
        """Return the numbers of the role's sessions."""
        with self.server.admin() as connection:
            found = connection.execute("SELECT pid FROM pg_stat_activity WHERE usename = %s", [self.role])
            return [int(row[0]) for row in found]


class Server:
    """One PostgreSQL instance in a folder of its own."""

    def __init__(self, name: str, programs: Path = BIN, *, tls: bool = True) -> None:
        # Not pytest's folder: the user postgres must be able to get to it.
        self.folder = Path(tempfile.mkdtemp(prefix=f"kine-check-{name}-"))
        self.data = self.folder / "data"
        self._programs = programs
        self._tls = tls
        self.port = free_port()
        self._source = ""
        self._settings: dict[str, str | int] = {}
        self.authority = Authority.new("kine_check test CA")
        self.ca = self.authority.write(self.folder / "ca.crt")
        self.folder.chmod(0o755)
        self.own(self.folder)
        self.certificate()

    def certificate(self, authority: Authority | None = None, *, left: dt.timedelta = DAY) -> None:
        """Give the server a new certificate; it takes effect with the next reload."""
        (authority or self.authority).issue(self.folder, (HOST, "127.0.0.1"), left=left)
        self.own(self.folder / "server.crt", self.folder / "server.key")

    def create(self) -> None:
        """Make an empty database cluster and start it."""
        self._run("initdb", "--no-sync", "-D", self.data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
        (self.data / "pg_hba.conf").write_text(HBA.format(tls_only=TLS_ONLY, nobody=NOBODY))
        self.start()

    def follow(self, primary: Server) -> None:
        """Become a standby of another server and start."""
        self._source = f"host=127.0.0.1 port={primary.port} user=postgres application_name=standby sslmode=disable"
        self._run("pg_basebackup", "--no-sync", "-c", "fast", "-X", "stream", "-R", "-D", self.data, "-d", self._source)
        self.start()

    def start(self) -> None:
        """Start and wait until it accepts connections."""
        config = CONFIG.format(port=self.port, folder=self.folder, tls="on" if self._tls else "off")
        (self.data / "postgresql.conf").write_text(f"{config}primary_conninfo = '{self._source}'\n")
        self._run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", "start")

    def stop(self) -> None:
        """Stop at once."""
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        """Stop, when it runs, and remove every file."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder)

    @contextlib.contextmanager
    def admin(self, database: str = "postgres") -> t.Iterator[psycopg.Connection[t.Any]]:
        """Connect as superuser over the server's socket. Commits here never wait for a standby."""
        with psycopg.connect(
            host=str(self.folder), port=self.port, user="postgres", dbname=database, autocommit=True
        ) as connection:
            connection.execute("SET synchronous_commit = local")
            yield connection

    @contextlib.contextmanager
    def settings(self, **values: str | int) -> t.Iterator[None]:
        """Change settings of the running server for a while."""
        before = self._settings
        self._apply(before | values)
        try:
            yield
        finally:
            self._apply(before)

    def _apply(self, values: dict[str, str | int]) -> None:
        with self.admin() as connection:
            connection.execute("ALTER SYSTEM RESET ALL")
            for name, value in values.items():
                statement = sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
                connection.execute(statement)
            self.reload(connection)
        self._settings = values

    @staticmethod
    def reload(connection: psycopg.Connection[t.Any]) -> None:
        """Reload, and wait until a new session sees it."""
        [(before,)] = connection.execute("SELECT pg_conf_load_time()").fetchall()
        connection.execute("SELECT pg_reload_conf()")
        while connection.execute("SELECT pg_conf_load_time() = %s", [before]).fetchall() == [(True,)]:
            pass

    def await_standby(self, seconds: float = 20) -> None:
        """Wait until a standby streams from this server."""
        until = time.monotonic() + seconds
        with self.admin() as connection:
            while not connection.execute("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'").fetchall():
                if time.monotonic() > until:
                    raise TimeoutError("no standby streams")
                time.sleep(0.05)

    def catch_up(self, primary: Server) -> None:
        """Wait until this standby has replayed all that the primary wrote."""
        with primary.admin() as above, self.admin() as here:
            [(end,)] = above.execute("SELECT pg_current_wal_lsn()").fetchall()
            while here.execute("SELECT pg_last_wal_replay_lsn() < %s::pg_lsn", [end]).fetchall() == [(True,)]:
                pass

    def site(self, database: str | None = None, password: str | None = None) -> Site:
        """Make a role and a database that it owns."""
        name = f"t{secrets.token_hex(4)}"
        site = Site(self, database or name, name, password or f"pw-{secrets.token_hex(8)}")
        with self.admin() as connection:
            role, base = sql.Identifier(site.role), sql.Identifier(site.database)
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(site.password)))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(base, role))
        return site

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, capture_output=True, text=True, cwd=self.folder)

    @staticmethod
    def own(*paths: Path) -> None:
        """Give files to the user that the servers run as."""
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            for path in paths:
                os.chown(path, user.pw_uid, user.pw_gid)


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
