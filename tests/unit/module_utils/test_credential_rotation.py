# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a rotation is, from what a killed run left; and what stands in the statements."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import itertools
import sqlite3

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.credential_rotation import (
    Rotation,
    Step,
    begin,
    bridge_name,
    is_due,
    next_step,
    refuse_moved,
    resumed,
    steps_from,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.credential_statements import STATEMENTS, native
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import datastore, options_for
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.left_database import archive_prefix
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import mysql_grants

URL = "postgres://kine:old@db.ns:5432/kine?sslmode=verify-full&sslrootcert=/etc/database-ca/ca.crt"
MYSQL = "mysql://kine:old@tcp(db.ns:3306)/kine?timeout=1s"
NOW = datetime.datetime(2026, 3, 31, tzinfo=datetime.UTC)


def rotation(url: str = URL) -> Rotation:
    passwords = (f"new-{number}" for number in itertools.count(1))
    return begin(url, lambda: next(passwords))


@pytest.mark.parametrize("url", [URL, MYSQL])
def test_only_login_and_password_change(url: str) -> None:
    before = parse(url)
    made = rotation(url)
    assert made.previous == url
    assert parse(made.bridge) == dataclasses.replace(before, user="kine_rotation", password="new-1")
    assert parse(made.following) == dataclasses.replace(before, password="new-2")


def test_a_whole_rotation_is_four_steps() -> None:
    made = rotation()
    assert next_step(None, URL, due=True) is Step.BEGIN
    assert next_step(made, URL, due=False) is Step.BRIDGE
    assert next_step(made, made.bridge, due=False) is Step.CHANGE
    assert next_step(made, made.following, due=False) is Step.REVOKE
    assert next_step(None, made.following, due=False) is None


def test_one_under_way_goes_on_and_no_second_one_begins() -> None:
    made = rotation()
    places = (made.previous, made.bridge, made.following)
    assert [next_step(made, url, due=True) for url in places] == [Step.BRIDGE, Step.CHANGE, Step.REVOKE]


def test_a_password_that_somebody_else_set_meanwhile_is_replaced_by_the_bridge() -> None:
    assert next_step(rotation(), URL.replace(":old@", ":by-hand@"), due=False) is Step.BRIDGE


def test_a_service_that_got_its_whole_name_meanwhile_is_the_same() -> None:
    url = URL.replace("db.ns", "db.ns.svc.cluster.local.")
    refuse_moved(rotation(), url)
    assert next_step(rotation(), url, due=False) is Step.BRIDGE


@pytest.mark.parametrize(
    "other", [URL.replace("db.ns", "other.ns"), URL.replace("/kine?", "/other?"), MYSQL.replace("3306", "5432")]
)
def test_the_rotation_of_another_database_is_refused(other: str) -> None:
    with pytest.raises(InvalidInput, match=r"another database .* drop its login kine_rotation"):
        refuse_moved(rotation(), other)


def test_the_steps_that_are_left_are_told_in_order() -> None:
    assert steps_from(Step.BEGIN) == ["begin", "bridge", "change", "revoke"]
    assert steps_from(Step.CHANGE) == ["change", "revoke"]
    assert steps_from(None) == []


@pytest.mark.parametrize(
    ("since", "days", "due"),
    [
        ("2026-01-01T00:00:00Z", 90, False),
        ("2026-01-01T00:00:00Z", 89, True),
        ("2026-03-31T00:00:00+00:00", 0, True),
        ("2026-03-30T12:00:00Z", 0.5, True),
        ("2026-03-30T12:00:01Z", 0.5, False),
    ],
)
def test_when_one_is_due(since: str, days: float, due: bool) -> None:
    assert is_due(since, NOW, days) is due


def test_the_bridge_has_a_name_that_postgresql_does_not_cut() -> None:
    assert bridge_name("a" * 54) == "a" * 54 + "_rotation"
    with pytest.raises(InvalidInput, match="shorter name"):
        bridge_name("a" * 55)


def test_what_a_secret_keeps_is_the_rotation_that_was_begun() -> None:
    made = rotation()
    assert resumed({**dataclasses.asdict(made), "more": "of somebody else"}, "Secret ns/name") == made
    with pytest.raises(InvalidInput, match="Secret ns/name is in the way"):
        resumed({"previous": URL}, "Secret ns/name")


def test_no_password_is_shown_by_accident() -> None:
    assert "old" not in repr(rotation())
    assert "new-" not in repr(rotation())


@pytest.mark.parametrize("scheme", ["postgres", "mysql"])
def test_no_statement_holds_a_password(scheme: str) -> None:
    sql = STATEMENTS[scheme]
    for statement in (sql.make("kine_rotation", "s3cret", "kine", "kine"), sql.change("kine", "s3cret")):
        assert "s3cret" not in statement


def test_no_account_is_without_a_password_for_a_moment() -> None:
    first, *others = STATEMENTS["mysql"].make("kine_rotation", "s3cret", "kine", "kine").split("; ")
    identified = f"'kine_rotation'@'%' IDENTIFIED BY PASSWORD '{native('s3cret')}'"
    assert first == f"CREATE USER IF NOT EXISTS {identified}"
    assert others[0] == f"ALTER USER {identified} ACCOUNT UNLOCK"


def test_the_second_login_gets_no_database_whose_name_is_like_the_owners() -> None:
    *_others, grant = STATEMENTS["mysql"].make("kine_rotation", "s3cret", "kine", "my_ql").split("; ")
    assert grant == r"GRANT ALL PRIVILEGES ON `my\_ql`.* TO 'kine_rotation'@'%'"
    assert mysql_grants.granted([grant], "my_ql", "")
    assert not mysql_grants.granted([grant], "mysql", "")


@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        ([("kine", "%"), ("other", "10.0.0.1")], []),
        ([("kine", "%"), ("kine", "10.0.0.1")], ["the account kine@10.0.0.1"]),
        ([("kine", "10.%")], ["the account kine@10.%", "no account for all hosts"]),
        ([("other", "%")], ["no account for all hosts"]),
    ],
)
def test_an_owner_has_one_account_for_all_hosts(accounts: list[tuple[str, str]], said: list[str]) -> None:
    assert unlike_on_mariadb(accounts, []) == said


@pytest.mark.parametrize(
    ("grants", "said"),
    [
        ([("kine", "k_1"), ("other", "theirs")], []),
        ([("kine", r"k\_1")], []),
        ([("kine", "k_1"), ("kine", r"k\_2"), ("kine", "theirs")], ["the database k_2", "the database theirs"]),
    ],
)
def test_an_owner_with_a_grant_on_another_database_on_mariadb(grants: list[tuple[str, str]], said: list[str]) -> None:
    assert unlike_on_mariadb([("kine", "%")], grants) == said


def unlike_on_mariadb(accounts: list[tuple[str, str]], grants: list[tuple[str, str]]) -> list[str]:
    """What it answers of kine and its database k_1, in another SQL, which has to be told three words of MariaDB's."""
    with contextlib.closing(sqlite3.connect(":memory:")) as server:
        server.create_function("CONCAT", -1, lambda *parts: "".join(parts))
        server.executescript(
            "ATTACH ':memory:' AS mysql; CREATE TABLE mysql.user (user, host); CREATE TABLE mysql.db (user, db);"
            "CREATE TABLE DUAL (one); INSERT INTO DUAL VALUES (1)"
        )
        server.executemany("INSERT INTO mysql.user VALUES (?, ?)", accounts)
        server.executemany("INSERT INTO mysql.db VALUES (?, ?)", grants)
        return [row[0] for row in server.execute(STATEMENTS["mysql"].unlike("kine", "k_1"))]


def other_databases(database: str, *others: str) -> list[str]:
    """By the half of the statement that another SQL understands, too; the whole of it is tried on real servers."""
    _settings, databases = STATEMENTS["postgres"].unlike("kine", database).split(" UNION ALL ")
    with contextlib.closing(sqlite3.connect(":memory:")) as server:
        server.executescript(
            "CREATE TABLE pg_roles (oid, rolname); INSERT INTO pg_roles VALUES (1, 'kine'), (2, 'other');"
            "CREATE TABLE pg_database (datname, datdba); INSERT INTO pg_database VALUES ('foreign', 2)"
        )
        server.executemany("INSERT INTO pg_database VALUES (?, 1)", [(name,) for name in (database, *others)])
        return [row[0] for row in server.execute(databases)]


def test_an_owner_of_another_database_on_postgresql() -> None:
    assert other_databases("kine", "theirs", "kine_archived_20261129120000") == ["the database theirs"]


def test_an_archive_of_a_long_name_is_nobodys_with_or_without_a_hash() -> None:
    name, time = "k" * 45, "20261129120000"
    archives = [archive_prefix(name, 63) + time, "k" * 39 + "_archived_" + time]
    assert other_databases(name, *archives, "k" * 44) == ["the database " + "k" * 44]


def test_names_are_quoted() -> None:
    assert STATEMENTS["postgres"].drop('a"b') == 'DROP ROLE IF EXISTS "a""b"'
    assert STATEMENTS["mysql"].drop("a'b") == "DROP USER IF EXISTS 'a''b'@'%'"
    assert STATEMENTS["mysql"].drop("a\\'b") == "DROP USER IF EXISTS 'a\\\\''b'@'%'"


@pytest.mark.parametrize("tag", ["$make$", "$lock$", "$$"])
def test_no_name_ends_a_block(tag: str) -> None:
    login = f"a{tag}; DROP ROLE b; DO {tag}"
    sql = STATEMENTS["postgres"]
    for statement in (sql.make(login, "s3cret", "kine", "kine"), sql.lock(login)):
        _do, end, _begin = statement.split(" ", 2)
        block, rest = statement.removeprefix(f"DO {end} ").split(end)
        assert end not in (tag, *sql.lock(login).split(" "))
        assert (block.startswith("BEGIN IF"), block.endswith("END IF; END ")) == (True, True)
        assert tag not in rest.replace(f'"{login}"', "")


def test_the_native_hash_is_mariadbs() -> None:
    assert native("password") == "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"


@pytest.mark.parametrize(
    ("provider", "container"), [("zalando", "postgres"), ("cloudnativepg", "postgres"), ("mariadb", "mariadb")]
)
def test_the_administrator_gets_the_statements_as_one_argument(provider: str, container: str) -> None:
    store = datastore(provider, options_for(provider, name="db", namespace="ns"))
    question = store.as_administrator("db-0", "SELECT 1; SELECT '2'")
    assert (question.pod, question.container) == ("db-0", container)
    *guard, one, other = question.command[-1].removeprefix("--command=").split("; ")
    assert (one, other) == ("SELECT 1", "SELECT '2'")
    assert ("@@global.read_only" in "".join(guard)) == (provider == "mariadb")  # PostgreSQL refuses by itself


def test_a_provider_that_was_never_run_is_refused() -> None:
    store = datastore("innodbcluster", options_for("innodbcluster", name="db", namespace="ns"))
    with pytest.raises(InvalidInput, match="not known here"):
        store.as_administrator("db-0", "SELECT 1")
