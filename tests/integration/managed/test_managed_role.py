# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role managed_database on real servers: from nothing to a database that is fit for kine, and back."""

from __future__ import annotations

import contextlib
import os
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.kine_check.other_major import other_major
from tests.integration.managed.elsewhere import Elsewhere, ElsewherePostgres, new_name

if t.TYPE_CHECKING:
    from tests.integration.managed.conftest import Role
    from tests.integration.managed.elsewhere import ElsewhereMaria
    from tests.integration.modules.runner import Modules

PASSWORD = "hunter2-of-the-team"
OTHER_POSTGRES = pytest.param("postgres", marks=pytest.mark.matrix)
OTHER_MARIA = pytest.param("maria", marks=pytest.mark.matrix)
ALL = {"managed_database_state": "absent", "managed_database_drop": ["database", "owner"]}


def assert_fit(modules: Modules, place: Elsewhere, name: str, password: str) -> None:
    """kine_check finds no failure, and an empty database."""
    given = place.kine(name, password)
    result = modules.ok("kine_check", samples=5, max_open_connections=4, expect="empty", **given)
    assert result["tls"]["used"] == (place.tls != "disable")


def test_from_nothing_to_fit_and_back(role: Role, modules: Modules, place: Elsewhere) -> None:
    name, before = new_name(), place.names()
    wanted = place.variables(name, managed_database_password=PASSWORD)

    predicted = role.ok(wanted, check=True)
    assert place.names() == before
    made = role.ok(wanted)
    assert place.names() - before == {name}
    assert set(predicted.changed) <= set(made.changed)
    assert {task for task in predicted.changed if task.startswith("Create the ")} == {
        task for task in made.changed if task.startswith("Create the ")
    }

    assert role.ok(wanted).changed == []
    assert role.ok(wanted, check=True).changed == []
    assert_fit(modules, place, name, PASSWORD)

    assert role.ok({**wanted, **ALL}, check=True).changed
    assert role.ok({**wanted, **ALL, "managed_database_drop": []}).changed == []
    assert place.names() - before == {name}
    assert role.ok({**wanted, **ALL}).changed
    assert place.names() == before
    assert role.ok({**wanted, **ALL}).changed == []


@pytest.mark.parametrize("major", [16, pytest.param(18, marks=pytest.mark.matrix)])
def test_since_postgresql_16_who_makes_a_role_may_not_act_as_it(role: Role, modules: Modules, major: int) -> None:
    with other_major(major) as server:
        place = ElsewherePostgres(server, tls="disable")
        place.prepare()
        name, before = new_name(), place.names()
        wanted = place.variables(name, managed_database_password=PASSWORD)
        assert role.ok(wanted).changed
        assert role.ok(wanted).changed == []
        assert_fit(modules, place, name, PASSWORD)
        assert role.ok({**wanted, **ALL}).changed
        assert place.names() == before

        other = new_name()
        place.create(other, PASSWORD)
        theirs = place.variables(other, managed_database_password=PASSWORD)
        statement = f'GRANT "{other}" TO "{place.login["user"]}" WITH ADMIN OPTION'
        assert f"{other} was made by somebody else" in (said := role.refused(theirs))
        assert statement in said.replace('\\"', '"')
        with server.admin() as connection:
            connection.execute(statement)
        assert role.ok(theirs).changed
        assert role.ok(theirs).changed == []


@pytest.mark.parametrize("place", ["postgres", OTHER_MARIA], indirect=True)
def test_another_password_is_refused_unless_reset_by_name(role: Role, modules: Modules, place: Elsewhere) -> None:
    name = new_name()
    role.ok(place.variables(name, managed_database_password="old-one"))
    wanted = place.variables(name, managed_database_password=PASSWORD)
    assert f"{name} is there with another password" in role.refused(wanted)
    reset = {**wanted, "managed_database_reset_password": True}
    assert role.ok(reset).changed
    assert role.ok(reset).changed == []
    assert_fit(modules, place, name, PASSWORD)


@pytest.mark.parametrize(
    ("in_clear", "encryption"),
    [(False, "md5"), pytest.param(True, "scram-sha-256", marks=pytest.mark.matrix)],
    ids=["hashed", "in clear, which shows that the log would hold it"],
)
def test_no_password_is_in_postgresqls_log(
    role: Role, modules: Modules, postgres: ElsewherePostgres, in_clear: bool, encryption: str
) -> None:
    name, passwords = new_name(), [f"hunter2-{new_name()}" for _each in range(2)]
    with postgres.server.settings(log_statement="all", password_encryption=encryption):
        for password in passwords:
            wanted = postgres.variables(
                name,
                managed_database_password=password,
                managed_database_reset_password=True,
                managed_database_password_in_clear=in_clear,
            )
            assert "Create the owner" in role.ok(wanted).changed
            assert role.ok(wanted).changed == []
            assert_fit(modules, postgres, name, password)
    said = (postgres.server.folder / "log").read_text(encoding="utf-8")
    assert all(f'{word} USER "{name}"' in said for word in ("CREATE", "ALTER"))
    assert [password in said for password in passwords] == [in_clear] * 2


def test_what_the_role_hands_on(role: Role, postgres: ElsewherePostgres) -> None:
    name = new_name()
    wanted = postgres.variables(
        name,
        managed_database_password="p/w@1%",
        managed_database_params={"connect_timeout": 5},
        managed_database_ca_file=f"~/{os.path.relpath(postgres.server.ca, Path.home())}",
    )
    returned = role.ok(wanted).returned
    assert returned["connection"] == {
        "scheme": "postgres",
        "user": name,
        "password": "p/w@1%",
        "host": "127.0.0.1",
        "port": postgres.server.port,
        "database": name,
        "params": {"connect_timeout": 5},
    }
    assert returned["max_connections"] == 97


@pytest.mark.matrix
def test_of_several_hosts_the_one_that_answers_is_used(role: Role, postgres: ElsewherePostgres) -> None:
    name, hosts = new_name(), "127.0.0.2,127.0.0.1"
    wanted = postgres.variables(name, managed_database_host=hosts, managed_database_password=PASSWORD)
    assert role.ok(wanted).returned["connection"]["host"] == hosts
    assert name in postgres.names()
    assert role.ok(wanted).changed == []


def test_mysql_gets_what_kine_needs_at_a_failover(role: Role, maria: ElsewhereMaria) -> None:
    name = new_name()
    returned = role.ok(maria.variables(name, managed_database_password=PASSWORD)).returned
    assert returned["connection"]["params"] == {"rejectReadOnly": "true", "timeout": "5s"}
    assert returned["connection"]["port"] == maria.server.port


@pytest.mark.parametrize("place", [OTHER_POSTGRES, "maria"], indirect=True)
def test_a_database_of_somebody_else_is_not_dropped(role: Role, place: Elsewhere) -> None:
    name, other = new_name(), new_name()
    place.create(other, PASSWORD)
    role.ok(place.variables(name, managed_database_password=PASSWORD))
    before = place.names()
    for names, said in (
        ({"managed_database_owner": name}, f"{other} belongs to {other}, so it is not {name}'s to drop"),
        ({"managed_database_owner": other, "managed_database_name": name}, f"not {other}'s to drop"),
        ({"managed_database_owner": other, "managed_database_name": new_name()}, f"has other databases: {other}"),
    ):
        assert said in role.refused({**place.variables(other), **names, **ALL})
        assert place.names() == before
    assert role.ok({**place.variables(name), **ALL}).changed
    assert before - place.names() == {name}


def test_a_mysql_database_in_use_is_not_dropped(role: Role, maria: ElsewhereMaria) -> None:
    name = new_name()
    maria.create(name, PASSWORD)
    with maria.server.admin() as cursor:
        cursor.execute(f"USE {name}")
        assert f"{name} is in use by 1 sessions" in role.refused({**maria.variables(name), **ALL})
        predicted = role.ok({**maria.variables(name), **ALL}, check=True)
        assert "Unless this run removes the control plane first" in predicted.text
    assert name in maria.names()
    assert role.ok({**maria.variables(name), **ALL}).changed


def test_other_accounts_are_kept_out(role: Role, modules: Modules, place: Elsewhere) -> None:
    name, other = new_name(), new_name()
    role.ok(place.variables(name, managed_database_password=PASSWORD))
    place.create(other, PASSWORD)
    given = place.kine(other, PASSWORD)
    given["url"] = given["url"].replace(f"/{other}?", f"/{name}?")
    assert "may not" in modules.refused("kine_check", samples=1, **given)


def test_a_mysql_database_whose_name_is_a_pattern_of_another(role: Role, maria: ElsewhereMaria) -> None:
    name = new_name()
    role.ok(maria.variables(name, managed_database_password=PASSWORD))
    with maria.server.admin() as cursor:
        cursor.execute(f"SHOW GRANTS FOR {name}@'%'")
        grants = [row[0] for row in cursor.fetchall()]
    escaped = name.replace("_", r"\_")
    assert any(f"ON `{escaped}`.*" in grant for grant in grants), grants
    assert any("REQUIRE SSL" in grant for grant in grants), grants


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"managed_database_ca_file": ""}, "managed_database_ca_file must name the certificates"),
        ({"managed_database_ca_file": "", "managed_database_preset": "rds"}, "truststore.pki.rds.amazonaws.com"),
        ({"managed_database_tls": "require"}, "verifies nothing"),
        ({"managed_database_tls": "disable", "managed_database_preset": "azure"}, "azure refuses plaintext"),
        (
            {"managed_database_host": "a.cluster-ro-b.eu-west-1.rds.amazonaws.com", "managed_database_preset": "rds"},
            "leads to the reader endpoint of a cluster. kine needs the instance's endpoint",
        ),
        (
            {"managed_database_port": 6432, "managed_database_preset": "azure"},
            "leads to the built-in PgBouncer",
        ),
        ({"managed_database_password": ""}, "managed_database_password"),
    ],
)
def test_rules_of_the_role(role: Role, postgres: ElsewherePostgres, more: dict[str, t.Any], said: str) -> None:
    wanted = postgres.variables(new_name(), managed_database_password=PASSWORD)
    assert said in role.refused({**wanted, **more})


@contextlib.contextmanager
def plaintext_server() -> t.Iterator[ElsewherePostgres]:
    """Run a PostgreSQL without TLS."""
    with other_major(16) as server:
        place = ElsewherePostgres(server, tls="disable")
        place.prepare()
        yield place


def test_tls_that_is_not_offered_is_not_done_without(role: Role) -> None:
    with plaintext_server() as place:
        demanding = replace(place, tls="require")
        said = role.refused(demanding.variables(new_name(), managed_database_password=PASSWORD))
        assert "the server has no TLS" in said
