# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which archive of a database with a long name is its own."""

from __future__ import annotations

import contextlib
import re
import sqlite3

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.left_database import PostgreSQL, archive_name
from tests.unit.module_utils.test_left_database import NOON

OURS, HASHED = "k" * 45, archive_name("k" * 45, NOON, 63)
UNHASHED = "k" * 39 + "_archived_20251231120000"


@pytest.mark.parametrize(
    ("databases", "found"),
    [
        ((HASHED,), HASHED),
        ((UNHASHED,), UNHASHED),
        ((UNHASHED, HASHED), HASHED),
        ((UNHASHED, "k" * 44), None),
        ((UNHASHED, "k" * 39 + "_archived_20251230120000"), None),
        ((UNHASHED + "x",), None),
    ],
    ids=["hashed", "without a hash", "the newer one", "another's, perhaps", "which one", "no archive"],
)
def test_an_archive_from_before_there_were_hashes_is_found_where_it_is_certain_whose(
    databases: tuple[str, ...], found: str | None
) -> None:
    """In another SQL, which has to be told what left, right and ~ are."""
    question = (
        PostgreSQL().find_archive(OURS).replace("left(", "lefts(").replace("right(", "rights(").replace("~", "REGEXP")
    )
    with contextlib.closing(sqlite3.connect(":memory:")) as server:
        server.create_function("lefts", 2, lambda text, count: text[:count])
        server.create_function("rights", 2, lambda text, count: text[-count:])
        server.create_function("REGEXP", 2, lambda pattern, text: bool(re.search(pattern, text)))
        server.execute("CREATE TABLE pg_database (datname)")
        server.executemany("INSERT INTO pg_database VALUES (?)", [(name,) for name in databases])
        assert server.execute(question).fetchone() == (found and (found,))
