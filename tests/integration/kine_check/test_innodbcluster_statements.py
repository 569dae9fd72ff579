# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statements that make an InnoDBCluster's databases, on a real server: MariaDB, whose SQL is the same as far as they go."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import DatabaseSpec, datastore, options_for
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql import prove_write

if t.TYPE_CHECKING:
    from tests.integration.kine_check.mariadb_server import MariaServer, MariaSite

STORE = datastore(
    "innodbcluster",
    options_for("innodbcluster", name="idc", namespace="ns", databases=(DatabaseSpec("team_a", "made"),)),
)


def make(server: MariaServer, password: str) -> None:
    """Run the statements, as the module does."""
    with server.admin() as cursor:
        for statement in STORE.statements({"made": password}):
            cursor.execute(statement.text, statement.values or None)


@pytest.fixture
def clean(maria: MariaServer) -> t.Iterator[None]:
    """Nothing of it stays."""
    yield
    with maria.admin() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS team_a")
        cursor.execute("DROP USER IF EXISTS made")


@pytest.mark.usefixtures("clean")
def test_they_make_a_database_that_its_owner_writes_to(maria: MariaServer, maria_site: MariaSite) -> None:
    def write(password: str, database: str = "team_a") -> None:
        prove_write(parse(maria_site.url(user="made", password=password, database=database)))

    make(maria, "it's %s")
    make(maria, "it's %s")
    write("it's %s")
    make(maria, "another")
    write("another")
    with pytest.raises(HaError):
        write("it's %s")
    maria_site.admin("CREATE DATABASE IF NOT EXISTS teamxa")
    try:
        with pytest.raises(HaError):
            write("another", "teamxa")
    finally:
        maria_site.admin("DROP DATABASE teamxa")
    with maria.admin() as cursor:
        cursor.execute("SELECT ssl_type FROM mysql.user WHERE user = 'made'")
        assert cursor.fetchall() == (("ANY",),)
