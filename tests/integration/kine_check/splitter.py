# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Pgpool-II from Debian's packages: writes go to a primary, reads to its standby, which is late."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import typing as t
from pathlib import Path

from tests.integration.kine_check.pooler import await_port
from tests.integration.kine_check.server import Server, Site, free_port

PROGRAM = Path("/usr/sbin/pgpool")
NEEDS = "these tests need Pgpool-II: install the Debian package pgpool2 (apt-get install pgpool2)"
LATE = "100ms"
CONFIG = """
listen_addresses = '127.0.0.1'
port = {port}
pcp_port = {pcp_port}
socket_dir = '{folder}'
pcp_socket_dir = '{folder}'
pid_file_name = '{folder}/pid'
logdir = '{folder}'
pool_passwd = '{folder}/passwords'
backend_clustering_mode = 'streaming_replication'
backend_hostname0 = '127.0.0.1'
backend_port0 = {primary}
backend_weight0 = 0
backend_hostname1 = '127.0.0.1'
backend_port1 = {standby}
backend_weight1 = 1
load_balance_mode = on
statement_level_load_balance = on
sr_check_user = '{role}'
sr_check_database = '{database}'
num_init_children = 24
health_check_period = 0
memory_cache_enabled = off
"""


@contextlib.contextmanager
def splitter(site: Site, standby: Server) -> t.Iterator[int]:
    """Run a proxy that sends reads to the standby, and give its port."""
    if not PROGRAM.exists():
        raise FileNotFoundError(NEEDS)
    folder = Path(tempfile.mkdtemp(prefix="kine-check-splitter-"))
    ports = {"port": free_port(), "pcp_port": free_port(), "primary": site.server.port, "standby": standby.port}
    config, passwords = folder / "pgpool.conf", folder / "passwords"
    config.write_text(CONFIG.format(folder=folder, role=site.role, database=site.database, **ports))
    passwords.write_text(f"{site.role}:TEXT{site.password}\n")
    Server.own(folder, config, passwords)
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    command = [*as_user, str(PROGRAM), "-n", "-f", str(config), "-F", str(folder / "pcp.conf")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        await_port(ports["port"])
        yield ports["port"]
    finally:
        process.send_signal(signal.SIGINT)  # does not wait for clients, and takes its children with it
        process.wait()
        shutil.rmtree(folder)
