# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What managed_database_check refuses on real servers, each with its reason, and without a word of a password."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from tests.integration.kine_check.certificates import DAY, Authority
from tests.integration.kine_check.mariadb_server import MariaServer
from tests.integration.kine_check.mysql_faults import GALERA
from tests.integration.managed.elsewhere import Elsewhere, ElsewhereMaria, new_name
from tests.lab.elsewhere.accounts import ADMINISTRATOR

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.managed.elsewhere import ElsewherePostgres
    from tests.integration.modules.runner import Modules

CHECK = "managed_database_check"
PASSWORD = "hunter2-of-the-team"


@pytest.mark.parametrize("check", [False, True])
def test_an_empty_server_may_be_used(modules: Modules, place: Elsewhere, check: bool) -> None:
    before = place.names()
    result = modules.ok(CHECK, check=check, **place.options(new_name(), PASSWORD))
    assert (result["changed"], result["owner_exists"], result["database_exists"]) == (False, False, False)
    assert result["set_password"]
    assert place.names() == before


@pytest.mark.parametrize(
    ("rights", "lacks"),
    [((), "lacks CREATEROLE, CREATEDB"), (("CREATEDB",), "lacks CREATEROLE."), (("CREATEROLE",), "lacks CREATEDB.")],
)
def test_a_postgres_administrator_without_rights(
    modules: Modules, postgres: ElsewherePostgres, rights: tuple[str, ...], lacks: str
) -> None:
    login = postgres.administrator(f"less_{new_name()}", *rights)
    options = postgres.options(new_name(), PASSWORD, administrator=login)
    assert lacks in modules.refused(CHECK, **options)


@pytest.mark.parametrize(
    ("rights", "lacks"),
    [
        ((), "SELECT"),  # not even mysql.user can be read
        (("SELECT ON *.*",), "lacks CREATE USER, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER"),
        (("SELECT ON *.*", "ALL PRIVILEGES ON `team\\_%`.*"), "lacks CREATE USER."),
    ],
)
def test_a_mysql_administrator_without_rights(
    modules: Modules, maria: ElsewhereMaria, rights: tuple[str, ...], lacks: str
) -> None:
    login = maria.administrator(f"less_{new_name()}", *rights)
    assert lacks in modules.refused(CHECK, **maria.options(new_name(), PASSWORD, administrator=login))


def test_a_database_of_somebody_else(modules: Modules, place: Elsewhere) -> None:
    other = new_name()
    place.create(other, PASSWORD)
    said = modules.refused(CHECK, **place.options(new_name(), PASSWORD, database=other))
    assert f"{other} belongs to {other}" in said


def test_an_account_with_another_password(modules: Modules, place: Elsewhere) -> None:
    name = new_name()
    place.create(name, "another")
    options = place.options(name, PASSWORD)
    assert "another password" in modules.refused(CHECK, **options)
    assert modules.ok(CHECK, **options, reset_password=True)["set_password"]
    assert not modules.ok(CHECK, **place.options(name, "another"))["set_password"]


@pytest.fixture
def own_databases_only(postgres: ElsewherePostgres) -> t.Iterator[None]:
    """Let everybody but the administrator into the database of the own name only, as pg_hba.conf may say."""
    path = postgres.server.data / "pg_hba.conf"
    before = path.read_text()
    anywhere = "host all all 127.0.0.1/32 scram-sha-256"
    assert anywhere in before
    path.write_text(
        before.replace(
            anywhere, f"host all {ADMINISTRATOR} 127.0.0.1/32 scram-sha-256\n{anywhere.replace('all', 'sameuser', 1)}"
        )
    )
    postgres.reload()
    yield
    path.write_text(before)
    postgres.reload()


@pytest.mark.usefixtures("own_databases_only")
def test_an_account_that_may_log_in_to_its_own_database_only(modules: Modules, postgres: ElsewherePostgres) -> None:
    name, other = new_name(), new_name()
    assert modules.ok(CHECK, **postgres.options(name, PASSWORD))["set_password"]
    with postgres.server.admin() as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    assert not modules.ok(CHECK, **postgres.options(name, PASSWORD))["set_password"]
    assert "another password" in modules.refused(CHECK, **postgres.options(name, "hunter2-another"))
    elsewhere = postgres.options(name, PASSWORD, database=other)
    refused = modules.refused(CHECK, **elsewhere)
    assert f"{name} is there, and whether with this password cannot be told" in refused
    assert f"Let {name} log in to {other} from here" in refused
    assert modules.ok(CHECK, **elsewhere, reset_password=True)["set_password"]
    with postgres.server.admin() as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {name}")
    assert not modules.ok(CHECK, **postgres.options(name, PASSWORD))["set_password"]


def test_a_wrong_password_of_the_administrator(modules: Modules, place: Elsewhere) -> None:
    login = {**place.login, "password": "hunter2-is-wrong"}
    said = modules.refused(CHECK, **place.options(new_name(), PASSWORD, administrator=login))
    assert f"The administrator {ADMINISTRATOR} gets nowhere: wrong password" in said


def test_a_standby(modules: Modules, postgres: ElsewherePostgres) -> None:
    with postgres.server.settings(default_transaction_read_only="on"):
        assert "read-only" in modules.refused(CHECK, **postgres.options(new_name(), PASSWORD))


def test_a_replica(modules: Modules, maria: ElsewhereMaria) -> None:
    with maria.server.settings(read_only=1):
        assert "read-only" in modules.refused(CHECK, **maria.options(new_name(), PASSWORD))


def test_galera(modules: Modules) -> None:
    server = MariaServer("galera")
    try:
        server.create()
        settings = {"wsrep_on": "ON", "wsrep_provider": GALERA, "wsrep_cluster_address": "gcomm://"}
        place = ElsewhereMaria(server)
        place.prepare()
        with server.restarted(**settings, innodb_autoinc_lock_mode="2"):
            assert "Galera cluster" in modules.refused(CHECK, **place.options(new_name(), PASSWORD))
    finally:
        server.remove()


def test_authorities_that_are_none(modules: Modules, place: Elsewhere, tmp_path: Path) -> None:
    other = Authority.new("another").write(tmp_path / "other.crt")
    (tmp_path / "empty").touch()
    place.server.authority.issue(tmp_path, ["db"])
    for path, said in (
        (tmp_path, "is a folder"),
        (tmp_path / "empty", "is empty"),
        (tmp_path / "server.key", "holds a private key"),
        (tmp_path / "nothing", "cannot be read"),
        (other, "not signed by a CA"),
    ):
        assert said in modules.refused(CHECK, **place.options(new_name(), PASSWORD, ca_file=str(path)))


def test_an_expired_certificate(modules: Modules, place: Elsewhere) -> None:
    place.server.certificate(left=-DAY)
    try:
        place.reload()
        assert "certificate has expired" in modules.refused(CHECK, **place.options(new_name(), PASSWORD))
    finally:
        place.server.certificate()
        place.reload()


def test_another_host_name(modules: Modules, place: Elsewhere) -> None:
    assert "for another host name" in modules.refused(CHECK, **place.options(new_name(), PASSWORD, host="localhost"))


@pytest.mark.parametrize("password", ["hunter2|", "hunter2 #", "hunter2: ", "hunter2\n"])
def test_a_mysql_password_that_the_dsn_cannot_carry(modules: Modules, maria: ElsewhereMaria, password: str) -> None:
    assert "The MySQL credentials hold" in modules.refused(CHECK, **maria.options(new_name(), password))


def test_a_mysql_server_without_tls(modules: Modules, maria: ElsewhereMaria) -> None:
    server = MariaServer("plain")
    try:
        server.create()
        place = replace(maria, server=server)
        place.prepare()
        with server.restarted(ssl="0"):
            assert "the server has no TLS" in modules.refused(CHECK, **place.options(new_name(), PASSWORD))
    finally:
        server.remove()


def test_mysql_knows_no_verify_ca(modules: Modules, maria: ElsewhereMaria) -> None:
    said = modules.refused(CHECK, **{**maria.options(new_name(), PASSWORD), "tls": "verify_ca"})
    assert "no way to do tls=verify_ca" in said


def test_mysql_knows_no_several_hosts(modules: Modules, maria: ElsewhereMaria) -> None:
    options = maria.options(new_name(), PASSWORD, host="127.0.0.1,127.0.0.2")
    assert "no list of them, and no way to ask for the primary" in modules.refused(CHECK, **options)
