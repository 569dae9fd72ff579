# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extra `elsewhere`: database servers that are not in the cluster, as a cloud or another team runs them.

A PostgreSQL and a MariaDB, each a primary with a synchronous standby, from Debian's packages, on machines of their own on
the lab's bridge. They take nobody without TLS, and their administrator is no superuser.
"""

from __future__ import annotations

import typing as t

from .accounts import ADMINISTRATOR, password
from .mariadb import MariaDB
from .pair import authority
from .postgres import PROGRAMS, Postgres

if t.TYPE_CHECKING:
    from pathlib import Path

    from ..paths import State
    from .pair import Pair

NAME = "elsewhere"
PAIRS: dict[str, type[Pair]] = {pair.kind: pair for pair in (Postgres, MariaDB)}
PACKAGES = {
    str(PROGRAMS / "postgres"): "postgresql-15",
    "/usr/sbin/mariadbd": "mariadb-server-core",
    "/usr/bin/mariadb": "mariadb-client-core",
}
# Each server's machine and where it is.
ADDRESSES = {server.name: server.address for pair in PAIRS.values() for server in pair.servers}


def start(state: State) -> None:
    """Bring both pairs up, whatever became of them."""
    for pair in PAIRS.values():
        pair(state).ensure()


def variables(folder: Path) -> dict[str, t.Any]:
    """What a user gets from whoever runs the servers: where they are, the administrator, the authority's certificate."""
    common = {"user": ADMINISTRATOR, "password": password(folder), "ca_file": str(authority(folder))}
    found = {kind: {**common, "hosts": [*pair.endpoint], "port": pair.port} for kind, pair in PAIRS.items()}
    return {"lab_elsewhere": found}
