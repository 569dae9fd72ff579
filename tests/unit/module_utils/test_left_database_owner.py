# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose database it is that a data source names: nobody has another team's archived or dropped by writing its name there."""

from __future__ import annotations

import base64
import contextlib
import sqlite3
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.left_database import MariaDB, PostgreSQL
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict
from tests.unit.module_utils.left_databases import (
    DATASTORE,
    Object,
    StandInKube,
    StandInMariaDB,
    database_cluster,
    mariadb,
    refused,
    run,
    secret,
)

ZALANDOS = "{}.db.credentials.postgresql.acid.zalan.do"
STATES = pytest.mark.parametrize("state", ["archived", "absent"])


def credential(name: str, password: str) -> Object:
    data = {
        key: base64.b64encode(text.encode()).decode() for key, text in (("username", "its"), ("password", password))
    }
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "data"}, "data": data}


def by(login: str, scheme: str = "postgres") -> Object:
    """A data source with this user and password."""
    host = "db.data" if scheme == "postgres" else "tcp(mdb.data:3306)"
    return {"data_source_secret": None, "url": f"{scheme}://{login}@{host}/kine"}


@STATES
@pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
def test_who_does_not_own_the_database_does_not_name_it(state: str, check_mode: bool) -> None:
    kube = StandInKube(*database_cluster(), secret(), check_mode=check_mode, pg_has_role="")
    refused(kube, Conflict, "kine of .*db does not belong to k0smotron, as whom .*with datastore of", state=state)


@STATES
def test_nor_does_who_knows_the_owners_name_only(state: str) -> None:
    kube = StandInKube(*database_cluster(), secret(), credential(ZALANDOS.format("k0smotron"), "another"))
    refused(kube, Conflict, f"not the password that Secret data/{ZALANDOS.format('k0smotron')} has", state=state)


@pytest.mark.parametrize(
    ("login", "credentials", "refuses"),
    [
        ("k0smotron:pw", {"k0smotron": "pw"}, False),
        ("k0smotron:pw", {}, False),  # made by hand, with no Secret
        ("kine_owner_user:pw", {"kine-owner-user": "pw"}, False),  # of a prepared database of Zalando's operator
        ("k0smotron260102:pw", {"k0smotron": "pw"}, False),  # named so by Zalando's own rotation
        ("kine_owner_user:pw", {"kine-owner-user": "another"}, True),
        ("k0smotron_rotation:pw", {"k0smotron": "another"}, True),
        ("member:pw", {"member": "another", "k0smotron": "another"}, True),
    ],
)
def test_a_login_that_acts_as_the_owner(login: str, credentials: dict[str, str], refuses: bool) -> None:
    found = [credential(ZALANDOS.format(name), password) for name, password in credentials.items()]
    kube = StandInKube(*database_cluster(), *found)
    if refuses:
        refused(kube, Conflict, "has not the password .*being rotated, run that to its end", **by(login))
    else:
        assert run(kube, **by(login))[0]["changed"]


def test_what_the_administrator_names_is_not_asked_for_its_owner() -> None:
    kube = StandInKube(*database_cluster(), credential(ZALANDOS.format("k0smotron"), "another"), pg_has_role="")
    assert run(kube, data_source_secret=None, datastore=DATASTORE)[0]["changed"]


def test_an_archive_that_was_interrupted_is_finished_whoever_owns_it() -> None:
    kube = StandInKube(*database_cluster(), secret(), datdba="", pg_has_role="")
    assert run(kube)[0]["changed"]


@STATES
def test_in_mariadb_by_its_grant_and_the_declared_owners_secret(state: str) -> None:
    live = mariadb()
    reference = {"mariaDbRef": {"name": "mdb"}}
    grant = {"privileges": ["ALL PRIVILEGES"], "database": "kine", "table": "*", "username": "k0smotron"}
    for kind, spec in (("Database", {"name": "kine"}), ("User", {"name": "k0smotron"}), ("Grant", grant)):
        status = {"conditions": [{"type": "Ready", "status": "True"}]}
        metadata = {"name": f"mdb.{kind}", "namespace": "data", "labels": {}}
        item = {"apiVersion": "k8s.mariadb.com/v1alpha1", "kind": kind, "metadata": metadata, "status": status}
        live.append({**item, "spec": {**reference, **spec}})
    live.append(credential("k0smotron.mdb.credentials.mariadb", "pw"))

    assert run(StandInMariaDB(*live, demoted=False), state=state, **by("k0smotron:pw", "mysql"))[0]["changed"]
    for login in ("k0smotron:guess", "k0smotron_rotation:pw2"):
        kube = StandInMariaDB(*live, demoted=False)
        refused(kube, Conflict, "k0smotron.mdb.credentials.mariadb has", state=state, **by(login, "mysql"))
    kube = StandInMariaDB(*live, demoted=False)
    kube.answers["mysql.db"] = ""
    refused(kube, Conflict, "does not belong to bob", state=state, **by("bob:pw", "mysql"))


@pytest.mark.parametrize(
    ("database", "login", "may"),
    [
        ("k_1", "owner", True),
        ("k_2", "owner", True),
        ("k_1", "backup", False),
        ("k_1", "other", False),
        ("kx1", "owner", False),
        ("k_1_archived_20260102120000", "owner", False),
    ],
)
def test_mariadbs_grants(database: str, login: str, may: bool) -> None:
    grants = [("owner", "k_1", "Y"), ("owner", r"k\_2", "Y"), ("backup", "k_1", "N"), ("other", "k%", "Y")]
    with contextlib.closing(sqlite3.connect(":memory:")) as server:
        server.executescript("ATTACH ':memory:' AS mysql; CREATE TABLE mysql.db (user, db, drop_priv)")
        server.executemany("INSERT INTO mysql.db VALUES (?, ?, ?)", grants)
        assert bool(server.execute(MariaDB().find_right(database, login)).fetchall()) == may


@pytest.mark.parametrize(
    ("login", "may"), [("owner", True), ("member", True), ("other", False), ("super", False), ("nobody", False)]
)
@pytest.mark.parametrize("owner", ["owner", "super"])
def test_postgresqls_owners(login: str, may: bool, owner: str) -> None:
    """In another SQL, which has to be told one function of PostgreSQL's: to that a superuser is a member of all roles."""
    roles = {"owner": 1, "member": 2, "other": 3, "super": 4}

    def has_role(role: int, of: int, _privilege: str) -> bool:
        return role in {of, roles["super"]} or (role, of) == (roles["member"], roles["owner"])

    with contextlib.closing(sqlite3.connect(":memory:")) as server:
        server.create_function("pg_has_role", 3, t.cast("t.Any", has_role))
        server.executescript(
            "CREATE TABLE pg_database (datname, datdba); CREATE TABLE pg_roles (oid, rolname, rolsuper)"
        )
        server.execute("INSERT INTO pg_database VALUES ('kine', ?)", [roles[owner]])
        server.executemany(
            "INSERT INTO pg_roles VALUES (?, ?, ?)", [(oid, name, name == "super") for name, oid in roles.items()]
        )
        found = server.execute(PostgreSQL().find_right("kine", login)).fetchall()
    assert bool(found) == (may if owner == "owner" else login == "super")
