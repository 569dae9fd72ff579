# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MariaDB pair: semi-synchronous replication, and an address that moves to whoever is the primary."""

from __future__ import annotations

import typing as t

from .. import addresses, files, waiting
from .accounts import ADMINISTRATOR, MYSQL_RIGHTS, REPLICA, password
from .pair import SECONDS, Pair, Server

# A commit is acknowledged when it is on the disk of both. Nobody waits where there is no replica at all.
DURABLE = """\
log_bin = binlog
binlog_format = row
gtid_strict_mode = 1
sync_binlog = 1
innodb_flush_log_at_trx_commit = 1
rpl_semi_sync_master_wait_point = AFTER_SYNC
rpl_semi_sync_master_timeout = 10000
"""
# Both write what they replicate into their own log, from which a server that begins with nothing gets all there ever was.
CONFIG = """\
[mariadbd]
user = root
bind_address = *
port = {port}
socket = {folder}/socket
pid_file = {folder}/pid
datadir = {folder}/data
tmpdir = {folder}
ssl_cert = {certificate}
ssl_key = {key}
require_secure_transport = ON
skip_name_resolve = 1
server_id = {number}
log_slave_updates = ON
read_only = ON
rpl_semi_sync_master_enabled = ON
rpl_semi_sync_slave_enabled = ON
rpl_semi_sync_master_wait_no_slave = OFF
performance_schema = ON
innodb_buffer_pool_size = 64M
"""
OPEN_TO_ALL = """\
skip_grant_tables = 1
general_log = 1
log_output = TABLE
"""
OWN = ("mysql", "sys", "information_schema", "performance_schema")


def follow_statement(host: str, port: int, user: str, secret: str, more: str = "") -> str:
    """How a replica is told where its primary is."""
    return (
        f"CHANGE MASTER TO MASTER_HOST = '{host}', MASTER_PORT = {port}, MASTER_USER = '{user}',"
        f" MASTER_PASSWORD = '{secret}', MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos{more}"
    )


class MariaDB(Pair):
    """MariaDB 10.11."""

    kind = "mariadb"
    port = 3306
    servers = (
        Server("mariadb-1", f"{addresses.NETWORK}.0.111", "k0slab-my1", 1),
        Server("mariadb-2", f"{addresses.NETWORK}.0.112", "k0slab-my2", 2),
    )
    floating = f"{addresses.NETWORK}.0.110"
    endpoint = (floating,)

    def configure(self, server: Server, peer: Server, *, honest: bool) -> None:
        folder = self.data_of(server)
        text = CONFIG + DURABLE + ("" if honest else OPEN_TO_ALL)
        own = {"certificate": folder / "server.crt", "key": folder / "server.key"}
        files.write(folder / "my.cnf", text.format(port=self.port, folder=folder, number=server.number, **own))

    def client(self, server: Server) -> t.Sequence[object]:
        socket = f"--socket={self.data_of(server)}/socket"
        return ["mariadb", "--no-defaults", socket, "--user=root", "--batch", "--skip-column-names"]

    def writable(self, server: Server) -> bool:
        return self.sql(server, "SELECT @@GLOBAL.read_only") == "0"

    def make_accounts(self) -> None:
        secret = password(self.folder)
        peers = f"{REPLICA}@'{addresses.NETWORK}.0.%'"
        wanted = {peers: "REPLICATION SLAVE ON *.*", f"{ADMINISTRATOR}@'%'": f"{MYSQL_RIGHTS} ON *.*"}
        for account, rights in wanted.items():
            option = " WITH GRANT OPTION" if ADMINISTRATOR in account else ""
            self.sql(
                self.primary,
                f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{secret}'",
                f"GRANT {rights} TO {account}{option}",
            )

    def follows(self) -> bool:
        status = self._replica_status(self.standby)
        if not status:
            # Or it would follow an impostor, too, and give up the right one for having another history.
            verified = f", MASTER_SSL = 1, MASTER_SSL_VERIFY_SERVER_CERT = 1, MASTER_SSL_CA = '{self.authority}'"
            where = follow_statement(self.primary.address, self.port, REPLICA, password(self.folder), verified)
            self.sql(self.standby, where, "START SLAVE")
        runs = {status.get("Slave_IO_Running"), status.get("Slave_SQL_Running")} == {"Yes"}
        return runs and self._status("Rpl_semi_sync_master_%").items() >= WAITED_FOR.items()

    def promote(self, server: Server) -> None:
        waiting.until(lambda: self._applied(server), f"{server.name} to apply what it received", SECONDS, interval=0.05)
        self.sql(server, "STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = OFF")

    def accounts(self) -> list[str]:
        return [name for name in self.sql(self.primary, "SHOW DATABASES").splitlines() if name not in OWN]

    def welcome(self, server: Server, names: t.Sequence[str]) -> None:
        for name in names:
            self.sql(server, f"CREATE DATABASE `{name}`")

    def _applied(self, server: Server) -> bool:
        status = self._replica_status(server)
        received = status["Master_Log_File"], status["Read_Master_Log_Pos"]
        return received == (status["Relay_Master_Log_File"], status["Exec_Master_Log_Pos"])

    def _replica_status(self, server: Server) -> dict[str, str]:
        lines = self.sql(server, "SHOW SLAVE STATUS", options=["--column-names", "--vertical"]).splitlines()
        return {name.strip(): value for name, mark, value in (line.partition(": ") for line in lines) if mark}

    def _status(self, pattern: str) -> dict[str, str]:
        lines = self.sql(self.primary, f"SHOW GLOBAL STATUS LIKE '{pattern}'").splitlines()
        return dict(line.split("\t") for line in lines)


WAITED_FOR = {"Rpl_semi_sync_master_clients": "1", "Rpl_semi_sync_master_status": "ON"}
