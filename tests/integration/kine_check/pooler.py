# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PgBouncer from Debian's packages in front of one database, on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

from tests.integration.kine_check.server import Server, Site, free_port

PROGRAM = Path("/usr/sbin/pgbouncer")
NEEDS = "these tests need PgBouncer: install the Debian package pgbouncer (apt-get install pgbouncer)"
CONFIG = """
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = 20
"""


@contextlib.contextmanager
def pooler(site: Site, mode: str) -> t.Iterator[int]:
    """Run a pooler in one of its modes before the server of a site, and give its port."""
    folder = Path(tempfile.mkdtemp(prefix="kine-check-pooler-"))
    port = free_port()
    process = None
    try:
        config = folder / "pgbouncer.ini"
        config.write_text(CONFIG.format(server_port=site.server.port, port=port, folder=folder, mode=mode))
        (folder / "users").write_text(f'"{site.role}" "{site.password}"\n')
        Server.own(folder, folder / "users", config)
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        command = [*as_user, str(PROGRAM), "-q", str(config)]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=folder)
        await_port(port)
        yield port
    finally:
        if process is not None:
            process.kill()
            process.wait()
        shutil.rmtree(folder)


def await_port(port: int, seconds: float = 10) -> None:
    """Wait until a pooler or proxy listens."""
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > until:
            raise TimeoutError("the pooler does not listen")
        time.sleep(0.02)
