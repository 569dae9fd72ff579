# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to kine's table, by what is there."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.commit_order import (
    BODY,
    LOOK,
    LOOK_FOR,
    NAME,
    Seen,
    statements,
)

NOTHING = Seen("kine", table=False, body="", trigger="")
TABLE = Seen("kine", table=True, body="", trigger="")
DISABLED = Seen("kine", table=True, body=BODY, trigger="idle")
OLDER = Seen("kine", table=True, body="BEGIN RETURN NULL; END", trigger="fires")
ORDERED = Seen("kine", table=True, body=BODY, trigger="fires")
STRANGERS = Seen("kine", table=True, body=BODY, trigger="fires", stranger="bob")


def verbs(seen: Seen, *, wanted: bool) -> list[str]:
    """Each statement's first two words, indexes left out."""
    words = [" ".join(statement.split()[:2]) for statement in statements(seen, wanted=wanted)]
    return [word for word in words if word not in ("CREATE INDEX", "CREATE UNIQUE")]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (NOTHING, ["SET LOCAL", "CREATE TABLE", "CREATE OR", "CREATE TRIGGER"]),
        (TABLE, ["SET LOCAL", "CREATE OR", "CREATE TRIGGER"]),
        (DISABLED, ["SET LOCAL", "DROP TRIGGER", "CREATE TRIGGER"]),
        (OLDER, ["SET LOCAL", "CREATE OR"]),
        (ORDERED, []),
    ],
)
def test_what_is_missing_is_made(seen: Seen, expected: list[str]) -> None:
    assert verbs(seen, wanted=True) == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (NOTHING, []),
        (TABLE, []),
        (DISABLED, ["SET LOCAL", "DROP TRIGGER", "DROP FUNCTION"]),
        (ORDERED, ["SET LOCAL", "DROP TRIGGER", "DROP FUNCTION"]),
        (STRANGERS, ["SET LOCAL", "DROP TRIGGER"]),
    ],
)
def test_what_is_ours_goes_and_the_table_stays(seen: Seen, expected: list[str]) -> None:
    assert verbs(seen, wanted=False) == expected


def test_everything_is_in_kines_schema() -> None:
    made = statements(Seen('"a b"', table=False, body="", trigger=""), wanted=True)
    assert f'CREATE OR REPLACE FUNCTION "a b".{NAME}()' in "; ".join(made)
    assert all('"a b".kine' in statement for statement in made if " ON " in statement or "TABLE" in statement)


@pytest.mark.parametrize(
    ("seen", "ordered"), [(ORDERED, True), (OLDER, False), (DISABLED, False), (TABLE, False), (STRANGERS, False)]
)
def test_ordered_takes_the_trigger_and_the_right_body(seen: Seen, ordered: bool) -> None:
    assert seen.ordered is ordered


@pytest.mark.parametrize("seen", [STRANGERS, Seen("kine", table=False, body=BODY, trigger="", stranger="bob")])
def test_a_strangers_function_is_not_taken_for_ours(seen: Seen) -> None:
    with pytest.raises(Conflict, match=rf"kine\.{NAME}\(\) is bob's.*as bob or a superuser: DROP FUNCTION .* CASCADE"):
        statements(seen, wanted=True)


ROLES = {"kine": 1, "owner": 2, "member": 3, "bob": 4, "postgres": 5}
MEMBERS = {("member", "owner")}


@pytest.mark.parametrize(
    ("function_of", "table_of", "database_of", "stranger"),
    [
        ("kine", "kine", "kine", ""),
        ("kine", None, "kine", ""),
        ("kine", None, "owner", ""),
        ("postgres", "kine", "kine", ""),
        ("owner", "kine", "owner", ""),
        ("member", "owner", "kine", ""),
        ("member", "kine", "owner", ""),
        ("bob", "kine", "kine", "bob"),
        ("bob", None, "kine", "bob"),
        ("owner", "member", "kine", "owner"),
        (None, "kine", "kine", ""),
    ],
)
def test_who_may_own_the_function(
    function_of: str | None, table_of: str | None, database_of: str, stranger: str
) -> None:
    """In another SQL, which has to be told some of PostgreSQL's functions; the whole of it is tried on real servers."""
    names = {number: name for name, number in ROLES.items()}

    def has_role(role: int, of: int, _privilege: str) -> bool:
        return role in (of, ROLES["postgres"]) or (names[role], names[of]) in MEMBERS

    with contextlib.closing(sqlite3.connect(":memory:")) as server:
        for function, arguments, answer in (
            ("quote_ident", 1, str),
            ("pg_get_userbyid", 1, names.get),
            ("current_schema", 0, lambda: "public"),
            ("current_database", 0, lambda: "base"),
            ("pg_has_role", 3, has_role),
        ):
            server.create_function(function, arguments, answer)
        server.executescript(
            "CREATE TABLE pg_namespace (oid, nspname); INSERT INTO pg_namespace VALUES (1, 'public'), (2, 'other');"
            "CREATE TABLE pg_database (datname, datdba); CREATE TABLE pg_roles (oid, rolname);"
            "CREATE TABLE pg_class (oid, relname, relnamespace, relowner);"
            "CREATE TABLE pg_proc (oid, proname, pronamespace, pronargs, prosrc, proowner);"
            "CREATE TABLE pg_trigger (tgname, tgrelid, tgfoid, tgenabled)"
        )
        server.execute("INSERT INTO pg_database VALUES ('base', ?)", [ROLES[database_of]])
        server.executemany("INSERT INTO pg_roles VALUES (?, ?)", names.items())
        if table_of:
            server.execute("INSERT INTO pg_class VALUES (1, 'kine', 1, ?)", [ROLES[table_of]])
        if function_of:
            server.execute("INSERT INTO pg_proc VALUES (1, ?, 1, 0, ?, ?)", [NAME, BODY, ROLES[function_of]])
            server.execute("INSERT INTO pg_trigger VALUES (?, 1, 1, 'O')", [NAME])
        look = LOOK.replace("pg_catalog.", "").replace("%s", "?").replace("current_user", "'kine'")
        [row] = server.execute(look, LOOK_FOR).fetchall()
    found = Seen(*row)
    body, trigger = BODY if function_of else "", "fires" if function_of and table_of else ""
    assert found == Seen("public", table=bool(table_of), body=body, trigger=trigger, stranger=stranger)
