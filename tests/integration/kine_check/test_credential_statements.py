# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statements of a rotation, on real servers: who gets in at which step, and to whom belongs what the second login made."""

from __future__ import annotations

import os
import subprocess
import typing as t

import psycopg
import pymysql
import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.credential_statements import STATEMENTS
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.left_database import SERVERS
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb_answers import administration
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import mysql, postgres

if t.TYPE_CHECKING:
    from tests.integration.kine_check.mariadb_server import MariaSite
    from tests.integration.kine_check.server import Site

POSTGRES, MYSQL = STATEMENTS["postgres"], STATEMENTS["mysql"]
LEFT_POSTGRES, LEFT_MARIADB = SERVERS["zalando"], SERVERS["mariadb"]
BRIDGE = "between"


def test_postgresql(site: Site) -> None:
    def write(user: str, password: str) -> None:
        postgres.prove_write(parse(site.url(user=user, password=password)))

    def kine_as(user: str, password: str) -> psycopg.Connection[t.Any]:
        return psycopg.connect(site.url(user=user, password=password), autocommit=True)

    def rows(statement: str) -> list[tuple[t.Any, ...]]:
        with site.server.admin(site.database) as connection:
            return connection.execute(statement).fetchall()

    assert rows(POSTGRES.unlike(site.role, site.database)) == []
    site.admin(
        f'ALTER ROLE "{site.role}" SET search_path TO elsewhere',
        f'ALTER ROLE "{site.role}" IN DATABASE postgres SET jit TO off',
    )
    assert rows(POSTGRES.unlike(site.role, site.database)) == [("the setting search_path",)]
    site.admin(f'ALTER ROLE "{site.role}" RESET ALL', f'CREATE DATABASE "{site.role}_too" OWNER "{site.role}"')
    assert rows(POSTGRES.unlike(site.role, site.database)) == [(f"the database {site.role}_too",)]
    site.admin(f'DROP DATABASE "{site.role}_too"')
    assert rows(POSTGRES.count(BRIDGE)) == [(0,)]
    for password in ("first", "second"):
        site.admin(POSTGRES.make(BRIDGE, password, site.role, site.database))
    assert rows(POSTGRES.count(BRIDGE)) == [(1,)]
    logins = (site.role, BRIDGE, "postgres", "nobody")
    assert [len(rows(LEFT_POSTGRES.find_right(site.database, login))) for login in logins] == [1, 1, 0, 0]
    write(BRIDGE, "second")
    write(site.role, site.password)
    with kine_as(BRIDGE, "second") as connection:
        connection.execute("CREATE TABLE made (id int)")
    site.as_role("ALTER TABLE made ADD COLUMN more int")

    with kine_as(site.role, site.password) as connection:
        site.admin(POSTGRES.change(site.role, "third"))
        connection.execute("SELECT 1")
        assert len(site.sessions()) == 1
        site.admin(POSTGRES.end_sessions(site.role))
        assert site.sessions() == []
    write(site.role, "third")
    with pytest.raises(Forbidden):
        write(site.role, site.password)

    for _again in range(2):
        site.admin(POSTGRES.lock(BRIDGE))
        with pytest.raises(Forbidden):
            write(BRIDGE, "second")
        site.admin(POSTGRES.end_sessions(BRIDGE), POSTGRES.drop(BRIDGE))
    with pytest.raises(Forbidden):
        write(BRIDGE, "second")
    assert rows("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'made'") == [(site.role,)]


def test_mariadb(maria_site: MariaSite) -> None:
    site = maria_site

    def write(user: str, password: str) -> None:
        mysql.prove_write(parse(site.url(user=user, password=password)))

    def administer(sql: str) -> list[tuple[t.Any, ...]]:
        return site.admin(*sql.split("; "))

    assert administer(MYSQL.unlike(site.role, site.database)) == []
    assert administer(MYSQL.unlike("nobody", site.database)) == [("no account for all hosts",)]
    administer(f"CREATE USER '{site.role}'@'10.0.0.1' IDENTIFIED BY 'unused'")
    assert administer(MYSQL.unlike(site.role, site.database)) == [(f"the account {site.role}@10.0.0.1",)]
    administer(f"DROP USER '{site.role}'@'10.0.0.1'")
    pattern = rf"{site.role}\_too"
    administer(f"GRANT SELECT ON `{pattern}`.* TO '{site.role}'@'%'")
    assert administer(MYSQL.unlike(site.role, site.database)) == [(f"the database {site.role}_too",)]
    assert administer(MYSQL.unlike(site.role, f"{site.role}_too")) == [(f"the database {site.database}",)]
    administer(f"REVOKE ALL PRIVILEGES ON `{pattern}`.* FROM '{site.role}'@'%'")
    assert administer(MYSQL.unlike(site.role, site.database)) == []
    assert administer(MYSQL.count(BRIDGE)) == [(0,)]
    for password in ("first", "second"):
        administer(MYSQL.make(BRIDGE, password, site.role, site.database))
    assert administer(MYSQL.count(BRIDGE)) == [(1,)]
    logins = (site.role, BRIDGE, "root", "nobody")
    assert [len(administer(LEFT_MARIADB.find_right(site.database, login))) for login in logins] == [1, 1, 0, 0]
    write(BRIDGE, "second")
    write(site.role, site.password)

    connection = site.connected()
    administer(MYSQL.change(site.role, "third"))
    connection.ping(reconnect=False)
    for _again in range(2):
        administer(MYSQL.end_sessions(site.role))
    with pytest.raises(pymysql.err.OperationalError):
        connection.ping(reconnect=False)
    write(site.role, "third")
    with pytest.raises(Forbidden):
        write(site.role, site.password)

    administer(MYSQL.lock(BRIDGE))
    with pytest.raises(Forbidden):
        write(BRIDGE, "second")
    administer(MYSQL.make(BRIDGE, "second", site.role, site.database))
    write(BRIDGE, "second")
    for _again in range(2):
        administer(MYSQL.lock(BRIDGE))
        administer(MYSQL.end_sessions(BRIDGE))
        administer(MYSQL.drop(BRIDGE))
    with pytest.raises(Forbidden):
        write(BRIDGE, "second")


def test_the_second_login_reaches_no_database_whose_name_is_like_the_owners(maria_site: MariaSite) -> None:
    owners, other = f"{maria_site.database}_1", f"{maria_site.database}x1"
    maria_site.admin(*(f"CREATE DATABASE `{name}`" for name in (owners, other)))
    maria_site.admin(*MYSQL.make(BRIDGE, "first", maria_site.role, owners).split("; "))
    try:
        mysql.prove_write(parse(maria_site.url(user=BRIDGE, password="first", database=owners)))
        with pytest.raises(Forbidden):
            mysql.prove_write(parse(maria_site.url(user=BRIDGE, password="first", database=other)))
    finally:
        maria_site.admin(MYSQL.drop(BRIDGE), *(f"DROP DATABASE `{name}`" for name in (owners, other)))


def test_no_login_of_postgresql_ends_a_block(site: Site) -> None:
    login = "a$make$; CREATE ROLE broken_out; DO $make$"
    site.admin(POSTGRES.make(login, "first", site.role, site.database))
    with site.server.admin() as connection:
        assert connection.execute(POSTGRES.count(login)).fetchall() == [(1,)]
        assert connection.execute(POSTGRES.count("broken_out")).fetchall() == [(0,)]
    site.admin(POSTGRES.lock(login), POSTGRES.drop(login))


def test_root_changes_nothing_on_a_mariadb_that_is_no_primary_any_more(maria_site: MariaSite) -> None:
    def administer(sql: str) -> subprocess.CompletedProcess[str]:
        """As in the pod, by the client there."""
        socket = {"MYSQL_UNIX_PORT": str(maria_site.server.folder / "socket"), "MARIADB_ROOT_PASSWORD": ""}
        return subprocess.run(administration(sql), env=os.environ | socket, capture_output=True, text=True, check=False)

    make = MYSQL.make(BRIDGE, "first", maria_site.role, maria_site.database)
    with maria_site.server.settings(read_only=1):
        refused = administer(make)
    assert refused.returncode != 0
    assert "This server is not the primary any more" in refused.stderr
    assert administer(MYSQL.count(BRIDGE)).stdout == "0\n"
    assert (administer(make).returncode, administer(MYSQL.count(BRIDGE)).stdout) == (0, "1\n")
    assert administer(MYSQL.drop(BRIDGE)).returncode == 0
