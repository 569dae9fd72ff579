# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a database beside the lab until it is told to end: a server that exists elsewhere.

``python -m tests.integration.managed.serve postgres|mariadb FILE``: FILE tells how to get there once it runs. It is reached by
the machine's address on the lab's bridge, from pods as from here, outside every network namespace of the lab, with TLS only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import typing as t
from pathlib import Path

from tests.integration.kine_check.mariadb_server import MariaServer
from tests.integration.kine_check.server import Server
from tests.integration.managed.elsewhere import Elsewhere, ElsewhereMaria, ElsewherePostgres
from tests.lab.addresses import BRIDGE_ADDRESS


@contextlib.contextmanager
def postgres() -> t.Iterator[Elsewhere]:
    """Run a PostgreSQL with a synchronous hot standby."""
    with contextlib.ExitStack() as stack:
        primary, standby = Server("elsewhere", address=BRIDGE_ADDRESS), Server("elsewhere-standby")
        for server in (primary, standby):
            stack.callback(server.remove)
        primary.create()
        place = ElsewherePostgres(primary)
        place.prepare()
        standby.follow(primary)
        primary.await_standby()
        stack.enter_context(primary.settings(synchronous_standby_names="*"))
        yield place


@contextlib.contextmanager
def mariadb() -> t.Iterator[Elsewhere]:
    """Run a MariaDB that refuses plaintext."""
    server = MariaServer("elsewhere", address=BRIDGE_ADDRESS)
    try:
        server.permanent["require_secure_transport"] = "ON"
        server.create()
        place = ElsewhereMaria(server)
        place.prepare()
        yield place
    finally:
        server.remove()


KINDS: t.Final = {"postgres": postgres, "mariadb": mariadb}


def main() -> None:
    """Serve until SIGTERM; nothing is left afterwards."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    kind, file = sys.argv[1:]
    with KINDS[kind]() as place:
        told = {"pid": os.getpid(), "host": BRIDGE_ADDRESS, "port": place.server.port, "ca_file": str(place.server.ca)}
        Path(file).write_text(json.dumps({**told, "administrator": place.login}))
        ended.wait()


if __name__ == "__main__":
    main()
