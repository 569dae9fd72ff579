# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The superuser looks into a database whose owner has put names of their own before the server's, on a real server."""

from __future__ import annotations

import os
import subprocess
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.left_database import TABLE
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.psql import superuser_psql

if t.TYPE_CHECKING:
    from tests.integration.kine_check.server import Site

# Not qualified, as the other questions to a server are.
ASK = f"SELECT 1 FROM pg_class WHERE relname = '{TABLE}'"  # noqa: S608


def test_no_code_of_the_owner_runs_as_the_superuser(site: Site) -> None:
    def ask(command: t.Sequence[str]) -> str:
        socket = {"PGHOST": str(site.server.folder), "PGPORT": str(site.server.port)}
        return subprocess.run(command, env=os.environ | socket, capture_output=True, text=True, check=True).stdout

    def is_superuser() -> bool:
        with site.server.admin() as connection:
            found = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [site.role]).fetchall()
        return bool(found[0][0])

    site.as_role(
        f"CREATE SCHEMA theirs; CREATE TABLE {TABLE} (id int)",
        "CREATE FUNCTION theirs.runs() RETURNS bool LANGUAGE plpgsql AS"
        " $$ BEGIN EXECUTE 'ALTER ROLE {role} SUPERUSER'; RETURN true; END $$",
        f"CREATE VIEW theirs.pg_class AS SELECT '{TABLE}'::name AS relname WHERE theirs.runs()",
        "ALTER DATABASE {database} SET search_path = theirs, pg_catalog",
    )
    assert ask(superuser_psql(ASK, database=site.database)) == "1\n"
    assert not is_superuser()
    assert ask(["psql", "-XAtq", "-U", "postgres", "-d", site.database, "-c", ASK]) == "1\n"
    assert is_superuser(), "the control: without the search path their view is what is asked"
    site.admin("ALTER DATABASE {database} RESET search_path", "ALTER ROLE {role} NOSUPERUSER")
