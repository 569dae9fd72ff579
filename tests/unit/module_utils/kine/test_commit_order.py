# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to kine's table, by what is there."""

from __future__ import annotations

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.commit_order import BODY, NAME, Seen, statements

NOTHING = Seen("kine", table=False, body="", trigger="")
TABLE = Seen("kine", table=True, body="", trigger="")
DISABLED = Seen("kine", table=True, body=BODY, trigger="idle")
OLDER = Seen("kine", table=True, body="BEGIN RETURN NULL; END", trigger="fires")
ORDERED = Seen("kine", table=True, body=BODY, trigger="fires")


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
    ],
)
def test_what_is_ours_goes_and_the_table_stays(seen: Seen, expected: list[str]) -> None:
    assert verbs(seen, wanted=False) == expected


def test_everything_is_in_kines_schema() -> None:
    made = statements(Seen('"a b"', table=False, body="", trigger=""), wanted=True)
    assert f'CREATE OR REPLACE FUNCTION "a b".{NAME}()' in "; ".join(made)
    assert all('"a b".kine' in statement for statement in made if " ON " in statement or "TABLE" in statement)


@pytest.mark.parametrize(("seen", "ordered"), [(ORDERED, True), (OLDER, False), (DISABLED, False), (TABLE, False)])
def test_ordered_takes_the_trigger_and_the_right_body(seen: Seen, ordered: bool) -> None:
    assert seen.ordered is ordered
