# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator is refused before anything is created on its server, by plain values."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.managed.mysql import (
    belongs_to,
    holders,
    missing,
    others,
    several_primaries,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.managed.rules import Server, Wanted, refuse, require_names

WANTED = Wanted("postgres", "admin", "team_a", "team_a")
EMPTY = Server(
    writable=True,
    several_primaries="",
    lacks=(),
    max_connections=100,
    reserved=3,
    database_exists=False,
    database_owner="",
    owner_exists=False,
    acts_as_owner=False,
    accepts_password=None,
)
MADE = dataclasses.replace(
    EMPTY,
    database_exists=True,
    database_owner="team_a",
    owner_exists=True,
    acts_as_owner=True,
    accepts_password=True,
)


@pytest.mark.parametrize("server", [EMPTY, MADE])
def test_an_empty_server_and_one_where_all_is_made_are_fine(server: Server) -> None:
    refuse(server, WANTED)


@pytest.mark.parametrize(
    ("differs", "said"),
    [
        ({"several_primaries": "This is a Galera cluster"}, "Galera cluster: several servers take writes"),
        ({"writable": False}, "read-only"),
        ({"lacks": ("CREATEROLE", "CREATEDB")}, "admin lacks CREATEROLE, CREATEDB"),
        ({"database_owner": "team_b"}, "team_a belongs to team_b"),
        ({"accepts_password": False}, "another password"),
        ({"accepts_password": None, "password_not_asked": "no entry"}, "whether with this password cannot be told: no"),
    ],
)
def test_refused(differs: dict[str, t.Any], said: str) -> None:
    with pytest.raises(HaError, match=said) as refused:
        refuse(dataclasses.replace(MADE, **differs), WANTED)
    assert refused.value.remedy


DROP = dataclasses.replace(WANTED, drop=("database", "owner"))


@pytest.mark.parametrize("server", [EMPTY, MADE, dataclasses.replace(MADE, several_primaries="Galera")])
def test_what_is_the_owners_or_not_there_may_be_dropped(server: Server) -> None:
    refuse(server, DROP)


@pytest.mark.parametrize(
    ("differs", "said"),
    [
        ({"writable": False}, "read-only"),
        ({"lacks": ("CREATEROLE",)}, "admin lacks CREATEROLE"),
        ({"database_owner": "team_b"}, "belongs to team_b, so it is not team_a's to drop"),
        ({"database_owner": ""}, "granted to nobody"),
        ({"sessions": 2}, "in use by 2 sessions"),
        ({"other_databases": ("b", "c")}, "team_a has other databases: b, c"),
    ],
)
def test_not_dropped(differs: dict[str, t.Any], said: str) -> None:
    with pytest.raises(HaError, match=said) as refused:
        refuse(dataclasses.replace(MADE, **differs), DROP)
    assert refused.value.remedy


def test_an_owner_that_stays_may_have_other_databases() -> None:
    refuse(dataclasses.replace(MADE, other_databases=("b",)), dataclasses.replace(DROP, drop=("database",)))


@pytest.mark.parametrize(
    "differs", [{"accepts_password": False}, {"accepts_password": None, "password_not_asked": "no entry"}]
)
def test_another_password_may_be_reset_by_name(differs: dict[str, t.Any]) -> None:
    refuse(dataclasses.replace(MADE, **differs), dataclasses.replace(WANTED, reset=True))


@pytest.mark.parametrize("name", ["", "Team", 'a"b', "a b", "1a", "a" * 64, "a`b", "ä"])
def test_names_that_cannot_be_used(name: str) -> None:
    with pytest.raises(InvalidInput, match="database's name"):
        require_names(dataclasses.replace(WANTED, database=name))
    with pytest.raises(InvalidInput, match="owner's name"):
        require_names(dataclasses.replace(WANTED, owner=name))


@pytest.mark.parametrize(
    ("differs", "reset", "refused"),
    [
        ({}, False, False),
        ({"acts_as_owner": False}, False, True),
        ({"accepts_password": False}, True, True),
        ({"owner_exists": False, "accepts_password": None}, False, False),
    ],
)
def test_a_role_that_another_administrator_made(differs: dict[str, t.Any], reset: bool, refused: bool) -> None:
    server, wanted = dataclasses.replace(MADE, manages_owner=False, **differs), dataclasses.replace(WANTED, reset=reset)
    if not refused:
        refuse(server, wanted)
        return
    with pytest.raises(HaError, match="team_a was made by somebody else") as error:
        refuse(server, wanted)
    assert error.value.remedy.endswith('run: GRANT "team_a" TO "admin" WITH ADMIN OPTION')
    refuse(dataclasses.replace(server, manages_owner=True), wanted)


def test_mysql_8_has_shorter_names() -> None:
    longer = dataclasses.replace(WANTED, owner="a" * 33)
    require_names(longer)
    with pytest.raises(InvalidInput, match="at most 32"):
        require_names(dataclasses.replace(longer, scheme="mysql"))


@pytest.mark.parametrize(
    ("scheme", "database"),
    [
        *(("postgres", name) for name in ("postgres", "template0", "template1")),
        *(("mysql", name) for name in ("mysql", "sys", "information_schema", "performance_schema", "test")),
        ("mysql", "mysql_innodb_cluster_metadata"),
    ],
)
def test_the_servers_own_databases_are_nobodys(scheme: str, database: str) -> None:
    with pytest.raises(InvalidInput, match=f"{database} belongs to the server"):
        require_names(dataclasses.replace(WANTED, scheme=scheme, database=database))


@pytest.mark.parametrize(
    ("scheme", "owner"),
    [
        *(("postgres", name) for name in ("postgres", "public", "none", "pg_monitor", "pg_")),
        *(("mysql", name) for name in ("root", "mysql", "public", "none")),
    ],
)
def test_the_servers_own_accounts_own_nothing(scheme: str, owner: str) -> None:
    with pytest.raises(InvalidInput, match=f"account {owner} is reserved"):
        require_names(dataclasses.replace(WANTED, scheme=scheme, owner=owner))


def test_each_server_has_its_own_names_only() -> None:
    require_names(dataclasses.replace(WANTED, database="mysql"))
    require_names(dataclasses.replace(WANTED, scheme="mysql", database="postgres", owner="pg_team"))


def test_the_administrator_is_no_owner() -> None:
    with pytest.raises(InvalidInput, match="is the administrator"):
        require_names(dataclasses.replace(WANTED, administrator="team_a"))


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, ""),
        ({"wsrep_on": "OFF", "group_replication_group_name": ""}, ""),
        ({"wsrep_on": "ON"}, "Galera"),
        ({"group_replication_group_name": "g", "group_replication_single_primary_mode": "OFF"}, "multi-primary"),
        ({"group_replication_group_name": "g", "group_replication_single_primary_mode": "ON"}, ""),
        # The plugin is there, but no group was ever formed.
        ({"group_replication_group_name": "", "group_replication_single_primary_mode": "OFF"}, ""),
    ],
)
def test_clusters_with_several_primaries(variables: dict[str, str], said: str) -> None:
    assert (said in several_primaries(variables)) if said else not several_primaries(variables)


ROOT = "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"
PROXY = "GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION"
# As on Amazon RDS: nothing that concerns the server itself.
LESS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, INDEX, ALTER, CREATE USER ON *.*"
    " TO `admin`@`%`"
)


@pytest.mark.parametrize(
    ("grants", "lacks"),
    [
        ([ROOT, PROXY], ()),
        ([f"{LESS} WITH GRANT OPTION"], ()),
        ([LESS], ("GRANT OPTION",)),
        ([LESS, PROXY], ("GRANT OPTION",)),
        ([f"{LESS.replace(', CREATE USER', '')} WITH GRANT OPTION"], ("CREATE USER",)),
        (
            [
                "GRANT CREATE USER ON *.* TO `a`@`%`",
                "GRANT ALL PRIVILEGES ON `team\\_%`.* TO `a`@`%` WITH GRANT OPTION",
            ],
            (),
        ),
        (
            ["GRANT CREATE USER ON *.* TO `a`@`%`", "GRANT ALL PRIVILEGES ON `other`.* TO `a`@`%` WITH GRANT OPTION"],
            ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "INDEX", "ALTER", "GRANT OPTION"),
        ),
        # What a role holds is not in SHOW GRANTS: Cloud SQL's administrators have cloudsqlsuperuser.
        (["GRANT USAGE ON *.* TO `a`@`%`", "GRANT `cloudsqlsuperuser`@`%` TO `a`@`%`"], ()),
    ],
)
def test_rights_of_a_mysql_administrator(grants: list[str], lacks: tuple[str, ...]) -> None:
    assert missing(grants, "team_a") == lacks


@pytest.mark.parametrize(
    ("accounts", "has_it"), [([], ""), (["b"], "b"), (["b", "a"], "a"), (["b", "team_a"], "team_a")]
)
def test_whose_a_mysql_database_is(accounts: list[str], has_it: str) -> None:
    assert belongs_to(accounts, "team_a") == has_it


@pytest.mark.parametrize(
    ("grants", "have_it"),
    [([], []), ([("a", "N"), ("b", "Y")], ["b"]), ([("a", "N"), ("b", "N")], ["a", "b"])],
)
def test_who_only_reads_a_mysql_database_has_it_not(grants: list[tuple[str, str]], have_it: list[str]) -> None:
    assert holders(grants) == have_it


def test_what_else_a_mysql_account_has() -> None:
    assert others(["team\\_a", "team_b", "c\\_%", "gone"], ["team_a", "team_b", "c_d"], "team_a") == ("team_b",)
