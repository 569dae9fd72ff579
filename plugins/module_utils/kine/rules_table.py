# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the place for kine's table, and of the table itself when there is one. They only read the catalog."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Finding
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import (
    INDEXES,
    LIST_INDEX,
    NAMES_IN_RANGE,
    NAMES_OUTSIDE,
    POSTGRES_COLUMNS,
    PRIMARY_KEY,
    TABLE,
    Column,
    Index,
)

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Table
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look

NO_TABLE = Finding("ok", "no table yet: kine makes it at its first start")
REMAKE = "Stop every control plane on it, dump the rows, let kine make the table anew, and load them again."
UPDATE = "Start kine once with KINE_SCHEMA_MIGRATION=2, best with the control planes stopped: it rewrites the table."


def may_create(look: Look) -> Finding:
    """kine runs its CREATE statements at every start, also when the table exists."""
    home = look.home
    expected = "CREATE on the first schema of the search path"
    if not home.schema:
        return Finding(
            "fail",
            "the search path names no schema that exists",
            expected,
            f"CREATE SCHEMA AUTHORIZATION {home.role}, or reset search_path for the role and in the DSN.",
        )
    if not home.may_create:
        return Finding(
            "fail",
            f"role {home.role} may not create in schema {home.schema}",
            expected,
            f"ALTER DATABASE {home.database} OWNER TO {home.role}; or GRANT CREATE ON SCHEMA {home.schema} TO"
            f" {home.role}; (from PostgreSQL 15 on no other role has it by default).",
        )
    return Finding("ok", f"role {home.role} may create in schema {home.schema}", expected)


def owns_table(look: Look) -> Finding:
    """kine runs CREATE INDEX at every start, which only the owner may: grants on the rows are not enough."""
    table = look.table
    if table is None:
        return NO_TABLE
    expected = f"role {look.home.role} owns the table or is a member of its owner"
    if table.owned:
        return Finding("ok", f"owner is {table.owner}", expected)
    return Finding("fail", f"owner is {table.owner}", expected, f"ALTER TABLE {TABLE} OWNER TO {look.home.role};")


def columns_fit(look: Look) -> Finding:
    """Compare the columns with what kine makes today and with what older versions made."""
    table = look.table
    if table is None:
        return NO_TABLE
    newest = look.plan.kine.makes_text_names
    return judge_columns(
        table,
        POSTGRES_COLUMNS,
        widened=[column for column in POSTGRES_COLUMNS if newest or column.type != "text"],
        unnumbered="id is not numbered by a sequence",
        update=f"{UPDATE} integer ids end at 2147483647.",
    )


def judge_columns(
    table: Table, columns: t.Sequence[Column], widened: t.Sequence[Column], unnumbered: str, update: str
) -> Finding:
    """Judge a table by the columns that kine makes; update is the remedy where those that it widened are still old."""
    wrong = [text for column in columns if (text := _wrong_type(column, table))]
    wrong += [f"{name} is not kine's and must be filled" for name in sorted(table.required - {c.name for c in columns})]
    if "id" in table.required:
        wrong.append(unnumbered)
    expected = f"the {len(columns)} columns that kine makes"
    if wrong:
        return Finding("fail", "; ".join(wrong), expected, REMAKE)
    actual = table.columns
    old = [f"{column.name} is {actual[column.name]}" for column in widened if actual[column.name] in column.older]
    if old:
        return Finding("warn", f"made by an old kine: {', '.join(old)}", expected, update)
    return Finding("ok", expected, expected)


def _wrong_type(column: Column, table: Table) -> str:
    actual = table.columns.get(column.name)
    if actual is None:
        return f"{column.name} is missing"
    return "" if actual in (column.type, *column.older) else f"{column.name} is {actual}, not {column.type}"


def collation_is_bytes(look: Look) -> Finding:
    """kine finds keys by range: from 0.16.3 on a collation that skips punctuation makes it find nothing at all.

    For an older kine it is a warning, because the next upgrade makes it a failure.
    """
    table = look.table
    if table is None:
        return NO_TABLE
    probes = NAMES_IN_RANGE + NAMES_OUTSIDE
    observed = f"collation of name is {table.collation}"
    expected = 'byte order, as COLLATE "C" gives it'
    if table.selected != frozenset(NAMES_IN_RANGE):
        wrong = len(table.selected ^ frozenset(NAMES_IN_RANGE))
        status: t.Literal["fail", "warn"] = "fail" if look.plan.kine.finds_by_range else "warn"
        return Finding(
            status, f"{observed}: a range query is wrong about {wrong} of {len(probes)} keys", expected, UPDATE
        )
    if table.collated != tuple(sorted(probes)):
        return Finding("warn", f"{observed}: ranges are right, but lists come in another order", expected, UPDATE)
    return Finding("ok", observed, expected)


def indexes_fit(look: Look) -> Finding:
    """Compare the indexes by what they do, not by name: kine's CREATE ... IF NOT EXISTS looks at the name only."""
    table = look.table
    if table is None:
        return NO_TABLE
    indexes = [index for index in INDEXES if index is not LIST_INDEX or look.plan.kine.makes_text_names]
    return judge_indexes(table, indexes, _remake, "kine makes them at its next start, or now: ")


def judge_indexes(
    table: Table, indexes: t.Sequence[Index], remake: t.Callable[[Index], str], others: str = ""
) -> Finding:
    """Judge a table by the indexes that kine makes: it cannot do without the unique ones.

    remake returns the statement for one of them; others is what to say before those of the rest.
    """
    expected = f"the {len(indexes)} indexes that kine makes, the unique one on (name, prev_revision) above all"
    missing = [index for index in indexes if not _covered(index, table)]
    if not missing:
        return Finding("ok", f"all {len(indexes)} are there", expected)
    observed = f"missing or of another shape: {', '.join(index.name for index in missing)}"
    vital = [index for index in missing if index.unique]
    if vital:
        return Finding("fail", observed, expected, " ".join(map(remake, vital)))
    return Finding("warn", observed, expected, f"{others}{' '.join(map(remake, missing))}")


def _covered(wanted: Index, table: Table) -> bool:
    return any(
        live.usable and live.index.keys == wanted.keys and live.index.unique >= wanted.unique for live in table.indexes
    )


def _remake(index: Index) -> str:
    if index is PRIMARY_KEY:
        return f"ALTER TABLE {TABLE} ADD CONSTRAINT {index.name} PRIMARY KEY (id);"
    kind = "UNIQUE INDEX" if index.unique else "INDEX"
    return f"DROP INDEX IF EXISTS {index.name}; CREATE {kind} {index.name} ON {TABLE} ({', '.join(index.keys)});"
