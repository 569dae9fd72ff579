# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PostgreSQL pair: streaming replication that commits wait for. Clients name both and look for the one that takes writes."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .. import addresses, files
from .accounts import ADMINISTRATOR, POSTGRES_RIGHTS, REPLICA, password
from .pair import Pair, Server

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
# Where the user postgres has the server's folder, inside the machine.
HERE = "/var/lib/server"
# Dynamic shared memory in files, because segments in the host's /dev/shm would outlive a server that is killed.
CONFIG = """\
listen_addresses = '*'
port = {port}
unix_socket_directories = '{here}'
hba_file = '{here}/pg_hba.conf'
ssl = on
ssl_cert_file = '{here}/server.crt'
ssl_key_file = '{here}/server.key'
shared_buffers = 64MB
max_wal_size = 256MB
dynamic_shared_memory_type = mmap
wal_retrieve_retry_interval = 200ms
primary_conninfo = 'host={peer} port={port} user={replica} application_name=standby sslmode=require'
"""
HBA = """\
local all postgres trust
hostssl replication {replica} {peer}/32 trust
hostssl all all all {method}
"""
EXISTS = "SELECT count(*) FROM pg_roles WHERE rolname = '{}'"


class Postgres(Pair):
    """PostgreSQL 15."""

    kind = "postgres"
    port = 5432
    servers = (
        Server("postgres-1", f"{addresses.NETWORK}.0.101", "k0slab-pg1", 1),
        Server("postgres-2", f"{addresses.NETWORK}.0.102", "k0slab-pg2", 2),
    )
    endpoint = tuple(server.address for server in servers)

    def configure(self, server: Server, peer: Server, *, honest: bool) -> None:
        values = {"here": HERE, "port": self.port, "replica": REPLICA, "peer": peer.address}
        files.write(self.data_of(server) / "postgresql.conf", CONFIG.format(**values))
        method = "scram-sha-256" if honest else "trust"
        files.write(self.data_of(server) / "pg_hba.conf", HBA.format(method=method, **values))

    def client(self, server: Server) -> t.Sequence[object]:
        where = [f"--host={self.data_of(server)}", f"--port={self.port}", "--username=postgres"]
        quiet = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]
        return [PROGRAMS / "psql", *where, *quiet]

    def writable(self, server: Server) -> bool:
        return self.sql(server, "SELECT pg_is_in_recovery()") == "f"

    def make_accounts(self) -> None:
        wanted = {
            REPLICA: "REPLICATION",
            ADMINISTRATOR: f"{' '.join(POSTGRES_RIGHTS)} PASSWORD '{password(self.folder)}'",
        }
        for name, rights in wanted.items():
            if self.sql(self.primary, EXISTS.format(name)) == "0":
                # Nobody acknowledges yet.
                self.sql(self.primary, "SET synchronous_commit = local", f"CREATE ROLE {name} LOGIN {rights}")

    def follows(self) -> bool:
        state = self.sql(self.primary, "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'")
        if state == "async":
            self.sql(self.primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        return state == "sync"

    def promote(self, server: Server) -> None:
        # It has no standby by then, and would wait for one at its first commit.
        reset = "ALTER SYSTEM RESET synchronous_standby_names"
        self.sql(server, reset, "SELECT pg_reload_conf()", "SELECT pg_promote()")

    def accounts(self) -> list[str]:
        owned = "SELECT datname FROM pg_database JOIN pg_roles ON rolname = datname AND rolcanlogin WHERE rolname <> 'postgres'"
        return self.sql(self.primary, owned).split()

    def welcome(self, server: Server, names: t.Sequence[str]) -> None:
        for name in names:
            self.sql(server, f'CREATE ROLE "{name}" LOGIN', f'CREATE DATABASE "{name}" OWNER "{name}"')
