# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh database of either kind, by what tests of both may ask of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import (
    mysql,
    mysql_connection,
    postgres,
    postgres_connection,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_scratch import MysqlScratch
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres_scratch import PostgresScratch

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Database, Scratch
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.mariadb_server import MariaSite
    from tests.integration.kine_check.server import Site

# A run that never ends by itself, for killing it.
ENDLESS = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started deaf to it
from ansible_collections.k0smotron.ha.plugins.module_utils import dsn
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from {module} import connect
with connect(dsn.parse(sys.stdin.readline().strip()), Deadline(60)) as database, database.scratch() as scratch:
    revision = 0
    while True:
        revision = scratch.insert("/registry/endless", b"", previous=revision)
"""


@dataclass(frozen=True)
class Subject:
    """A database, its driver, and the statements that differ: to drop a scratch, end a session, limit the account."""

    site: Site | MariaSite
    examine: Examine
    connect: t.Callable[..., t.ContextManager[Database]]
    connections: ModuleType
    scratch: type[Scratch]
    left: t.Callable[[], list[str]]
    await_copy: t.Callable[[], None]
    drop: str
    end: str
    limit: str


def postgres_subject(site: Site, examine: Examine) -> Subject:
    """Return a PostgreSQL database."""
    return Subject(
        site,
        examine,
        postgres.connect,
        postgres_connection,
        PostgresScratch,
        left=site.schemas,
        await_copy=site.server.await_standby,
        drop="DROP SCHEMA {} CASCADE",
        end="SELECT pg_terminate_backend({})",
        limit="ALTER ROLE {{role}} CONNECTION LIMIT {}",
    )


def maria_subject(site: MariaSite, examine: Examine) -> Subject:
    """Return a MariaDB database."""
    return Subject(
        site,
        examine,
        mysql.connect,
        mysql_connection,
        MysqlScratch,
        left=site.tables,
        await_copy=site.server.await_replica,
        drop="DROP TABLE {}",
        end="KILL {}",
        limit="ALTER USER {{role}}@'%' WITH MAX_USER_CONNECTIONS {}",
    )


@contextlib.contextmanager
def endless_run(subject: Subject) -> Iterator[subprocess.Popen[str]]:
    """Run an examination that goes on until it is killed, from the moment on when its scratch is there."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    script = ENDLESS.format(module=subject.connect.__module__)
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdin is not None
        process.stdin.write(subject.site.url() + "\n")
        process.stdin.close()
        until = time.monotonic() + 30
        while not subject.left():
            assert time.monotonic() < until, "the run made no scratch"
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()
