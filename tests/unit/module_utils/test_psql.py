# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No name that a superuser writes means what the owner of a database has put in its place."""

from __future__ import annotations

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import datastore, durability_postgres, options_for
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.left_database import SERVERS
from ansible_collections.k0smotron.ha.plugins.module_utils.drill import sessions

PATH = "PGOPTIONS=-csearch_path=pg_catalog"


def administrators(provider: str) -> tuple[str, ...]:
    store = datastore(provider, options_for(provider, name="db", namespace="ns"))
    return store.as_administrator("db-0", "SELECT 1; SELECT 2").command


@pytest.mark.parametrize(
    "command",
    [
        administrators("zalando"),
        administrators("cloudnativepg"),
        SERVERS["zalando"].command(["SELECT 1"]),
        SERVERS["cloudnativepg"].command(["SELECT 1"], "kine"),
        durability_postgres.COMMAND,
    ],
)
def test_a_superuser_looks_up_names_in_the_servers_own_schema(command: tuple[str, ...]) -> None:
    environment = command[command.index("env") + 1 : command.index("psql")]
    assert PATH in environment


@pytest.mark.parametrize("script", [sessions.REHEARSAL, sessions.take_all(1)])
def test_so_do_the_drills_sessions(script: str) -> None:
    exported = script.partition(";")[0]
    assert "PGOPTIONS='-csearch_path=pg_catalog " in exported


def test_kines_table_is_looked_for_in_the_servers_own_tables() -> None:
    assert " FROM pg_catalog.pg_class " in SERVERS["zalando"].find_data("kine")


def test_a_databases_name_is_no_connection_string() -> None:
    name = "host=elsewhere options=-csearch_path=theirs"
    command = SERVERS["zalando"].command(["SELECT 1", "SELECT '-c'"], name)
    assert [part for part in command if name in part] == [f"PGDATABASE={name}"]
    assert command[-2:] == ("--command=SELECT 1", "--command=SELECT '-c'")
