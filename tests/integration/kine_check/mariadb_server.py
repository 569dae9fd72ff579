# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real, temporary MariaDB from Debian's packages, on loopback, with TLS; a second one can be its replica."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import secrets
import shutil
import subprocess
import tempfile
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pymysql

from tests.integration.kine_check.certificates import DAY, Authority
from tests.integration.kine_check.server import free_port
from tests.lab.elsewhere.mariadb import DURABLE, follow_statement

SERVER = Path("/usr/sbin/mariadbd")
INSTALL = "mariadb-install-db"
NEEDS = "these tests need MariaDB: install the Debian packages mariadb-server-core and mariadb-client-core"
HOST = "maria.kine-check.svc"
CONFIG = """
[mariadbd]
user = root
bind_address = 127.0.0.1
port = {port}
socket = {folder}/socket
datadir = {folder}/data
pid_file = {folder}/pid
log_error = {folder}/log
ssl_cert = {folder}/server.crt
ssl_key = {folder}/server.key
server_id = {number}
innodb_buffer_pool_size = 32M
innodb_log_file_size = 16M
max_connections = 100
performance_schema = OFF
"""
Connection: t.TypeAlias = "pymysql.connections.Connection[t.Any]"


@dataclass(frozen=True)
class MariaSite:
    """A database and an account of its own for one test."""

    server: MariaServer
    database: str
    role: str
    password: str

    def url(self, query: str = "tls=skip-verify&rejectReadOnly=true", **changes: t.Any) -> str:
        """Return the DSN, with parts replaced by keyword: user, password, host, port, database."""
        parts = {
            "user": self.role,
            "password": self.password,
            "host": "127.0.0.1",
            "port": self.server.port,
            "database": self.database,
        } | changes
        return "mysql://{user}:{password}@tcp({host}:{port})/{database}?{query}".format(query=query, **parts)

    def admin(self, *statements: str) -> list[tuple[t.Any, ...]]:
        """Run statements in this database as root and return the rows of the last; {role} and {database} are replaced."""
        with self.server.admin(self.database) as cursor:
            for statement in statements:
                cursor.execute(statement.replace("{role}", f"{self.role}").replace("{database}", self.database))
            return list(cursor.fetchall()) if statements else []

    def as_role(self, *statements: str) -> None:
        """Run statements as the account of this site."""
        with self.connected() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def connected(self, host: str = "127.0.0.1") -> Connection:
        """Connect as the account of this site, in autocommit mode."""
        return pymysql.connect(
            host=host,
            port=self.server.port,
            user=self.role,
            password=self.password,
            database=self.database,
            autocommit=True,
        )

    def tables(self) -> list[str]:
        """Return the scratch tables that are there now."""
        return [row[0] for row in self.admin("SHOW TABLES LIKE 'kine\\_check%'")]

    def sessions(self) -> list[int]:
        """Return the numbers of the account's sessions."""
        found = self.admin("SELECT id FROM information_schema.processlist WHERE user = '{role}'")
        return [int(row[0]) for row in found]


class MariaServer:
    """One MariaDB instance in a folder of its own."""

    def __init__(self, name: str, number: int = 1) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"kine-check-{name}-"))
        self.port = free_port()
        self.number = number
        self.authority = Authority.new("kine_check test CA")
        self.ca = self.authority.write(self.folder / "ca.crt")
        self.certificate()
        self.permanent: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def certificate(self, authority: Authority | None = None, *, left: dt.timedelta = DAY) -> None:
        """Give the server a new certificate; it takes effect with ``FLUSH SSL``."""
        (authority or self.authority).issue(self.folder, (HOST, "127.0.0.1"), left=left)

    def create(self) -> None:
        """Make an empty data folder and start."""
        data = self.folder / "data"
        command = [INSTALL, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run([*command, f"--datadir={data}", "--user=root"], check=True, capture_output=True)
        self.start()
        # The installation makes root for this machine's name and loopback, too, without a password.
        with self.admin() as cursor:
            cursor.execute("DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost'")
            cursor.execute("FLUSH PRIVILEGES")
            cursor.execute("RESET MASTER")

    def start(self, **settings: str) -> None:
        """Start and wait until it accepts connections; settings are added to the configuration."""
        text = (CONFIG + DURABLE).format(port=self.port, folder=self.folder, number=self.number)
        text += "".join(f"{name} = {value}\n" for name, value in (self.permanent | settings).items())
        config = self.folder / "my.cnf"
        config.write_text(text)
        self._process = subprocess.Popen([str(SERVER), f"--defaults-file={config}"], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while True:
            with contextlib.suppress(pymysql.Error), self.admin():
                return
            if self._process.poll() is not None or time.monotonic() > until:
                raise TimeoutError(f"MariaDB does not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def remove(self) -> None:
        """Stop, when it runs, and remove every file."""
        self.stop()
        shutil.rmtree(self.folder)

    @contextlib.contextmanager
    def admin(self, database: str | None = None) -> t.Iterator[pymysql.cursors.Cursor]:
        """Connect as root over the server's socket, in autocommit mode."""
        socket = str(self.folder / "socket")
        connection: Connection = pymysql.connect(
            unix_socket=socket, user="root", database=database, autocommit=True, ssl_disabled=True
        )
        with connection, connection.cursor() as cursor:
            yield cursor

    @contextlib.contextmanager
    def settings(self, **values: str | int) -> t.Iterator[None]:
        """Change global variables of the running server for a while."""
        with self.admin() as cursor:
            before = {}
            for name, value in values.items():
                cursor.execute(f"SELECT @@GLOBAL.{name}")
                before[name] = cursor.fetchall()[0][0]
                cursor.execute(f"SET GLOBAL {name} = %s", [value])
        try:
            yield
        finally:
            with self.admin() as cursor:
                for name, value in before.items():
                    cursor.execute(f"SET GLOBAL {name} = %s", [value])

    @contextlib.contextmanager
    def restarted(self, **settings: str) -> t.Iterator[None]:
        """Run with more settings in the configuration for a while: for those that cannot be changed otherwise."""
        self.stop()
        self.start(**settings)
        try:
            yield
        finally:
            self.stop()
            self.start()

    @contextlib.contextmanager
    def paused(self, what: str) -> t.Iterator[None]:
        """Stop replicating for a while: SLAVE for all of it, SLAVE SQL_THREAD for what it does with what it gets."""
        with self.admin() as cursor:
            cursor.execute(f"STOP {what}")
        try:
            yield
        finally:
            with self.admin() as cursor:
                cursor.execute("START SLAVE")

    def follow(self, primary: MariaServer) -> None:
        """Become a semi-synchronous replica of another server."""
        with self.admin() as cursor:
            cursor.execute("SET GLOBAL rpl_semi_sync_slave_enabled = ON, GLOBAL read_only = ON")
            cursor.execute(follow_statement("127.0.0.1", primary.port, "replica", "replica"))
            cursor.execute("START SLAVE")

    def catch_up(self, primary: MariaServer) -> None:
        """Wait until this replica has done all that the primary wrote."""
        with primary.admin() as above, self.admin() as here:
            above.execute("SELECT @@GLOBAL.gtid_binlog_pos")
            here.execute("SELECT MASTER_GTID_WAIT(%s, 20)", above.fetchall()[0])
            assert here.fetchall() == ((0,),), "the replica lags behind"

    def await_replica(self, seconds: float = 20) -> None:
        """Wait until commits here wait for a replica."""
        until = time.monotonic() + seconds
        wanted = {"Rpl_semi_sync_master_clients": "1", "Rpl_semi_sync_master_status": "ON"}
        with self.admin() as cursor:
            while True:
                cursor.execute("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_master%'")
                if wanted.items() <= dict(cursor.fetchall()).items():
                    return
                if time.monotonic() > until:
                    raise TimeoutError("no replica acknowledges")
                time.sleep(0.05)

    def site(self, password: str | None = None) -> MariaSite:
        """Make an account and a database of which it has everything, as the MariaDB operator grants it."""
        name = f"t{secrets.token_hex(4)}"
        site = MariaSite(self, name, name, password or f"pw-{secrets.token_hex(8)}")
        with self.admin() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
            cursor.execute(f"CREATE USER {name}@'%%' IDENTIFIED BY %s", [site.password])
            cursor.execute(f"GRANT ALL ON {name}.* TO {name}@'%'")
        return site


@contextlib.contextmanager
def pair() -> t.Iterator[tuple[MariaServer, MariaServer]]:
    """Run a primary and its semi-synchronous replica, for which commits wait."""
    if not installed():
        raise FileNotFoundError(NEEDS)
    with contextlib.ExitStack() as stack:
        primary, replica = MariaServer("maria"), MariaServer("replica", number=2)
        for server in (primary, replica):
            stack.callback(server.remove)
            server.create()
        with primary.admin() as cursor:
            cursor.execute("CREATE USER replica@'%' IDENTIFIED BY 'replica'")
            cursor.execute("GRANT REPLICATION SLAVE ON *.* TO replica@'%'")
        replica.follow(primary)
        primary.permanent["rpl_semi_sync_master_enabled"] = "ON"  # survives a restart
        stack.enter_context(primary.settings(rpl_semi_sync_master_enabled=1))
        primary.await_replica()
        yield primary, replica


def installed() -> bool:
    """Say whether the server's packages are there."""
    return SERVER.exists() and shutil.which(INSTALL, path=os.environ.get("PATH")) is not None
