# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kine's table and statements as data, and the names that tell a right collation from a wrong one.

The shapes were read from kine 0.16.4; older shapes that kine still runs on are marked as such.
Statements take the table by str.format, as ``{table}``, and values as psycopg placeholders.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

TABLE = "kine"
# What kine writes for itself: how far it has compacted, a key at each start, and a row for each id that is missing.
COMPACT_KEY = "compact_rev_key"
HEALTH_KEY = "/registry/health"
GAPS: t.Final = ("gap-", "gap.")
# Below this the API server keeps its keys; its name and the next one that does not begin like it.
REGISTRY: t.Final = ("/registry/", "/registry0")
# The namespace that every cluster has once, and nobody makes anew: its UID stands for the cluster.
CLUSTER_KEY = "/registry/namespaces/kube-system"
# How many of the newest rows are looked at: enough to see what goes wrong now, quick on a large table.
SCAN_ROWS = 20_000
_UID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_known(name: str) -> bool:
    """Say whether kine or an API server writes rows of this name."""
    return name.startswith((REGISTRY[0], COMPACT_KEY)) or re.fullmatch(r"gap-\d+", name) is not None


def uid_in(value: bytes | None) -> str:
    """Return the UID in the stored form of a Kubernetes object, "" without one: it is the first text of that shape."""
    found = _UID.search(value or b"")
    return found[0].decode() if found else ""


@dataclass(frozen=True)
class Column:
    """A column of kine's table: its type, and types of older kine versions that still work."""

    name: str
    type: str
    older: tuple[str, ...] = ()
    ddl: str = ""


@dataclass(frozen=True)
class Index:
    """An index of kine's table. keys are column names, with `` DESC`` where the order is descending."""

    name: str
    keys: tuple[str, ...]
    unique: bool = False


# integer ids and VARCHAR(630) names are what kine 0.9 to 0.11 made (k0s 1.27 to 1.29).
POSTGRES_COLUMNS: t.Final = (
    Column("id", "bigint", ("integer",), "BIGSERIAL"),
    Column("name", "text", ("character varying(630)",), 'TEXT COLLATE "C"'),
    Column("created", "integer"),
    Column("deleted", "integer"),
    Column("create_revision", "bigint", ("integer",)),
    Column("prev_revision", "bigint", ("integer",)),
    Column("lease", "integer"),
    Column("value", "bytea"),
    Column("old_value", "bytea"),
)

PRIMARY_KEY: t.Final = Index("kine_pkey", ("id",), unique=True)
# Two creates of one key must collide: this index is the only thing that makes them.
UNIQUE_REVISION: t.Final = Index("kine_name_prev_revision_uindex", ("name", "prev_revision"), unique=True)
LIST_INDEX: t.Final = Index("kine_list_query_index", ("name", "id DESC", "deleted"))
INDEXES: t.Final = (
    PRIMARY_KEY,
    UNIQUE_REVISION,
    Index("kine_name_index", ("name",)),
    Index("kine_name_id_index", ("name", "id")),
    Index("kine_id_deleted_index", ("id", "deleted")),
    Index("kine_prev_revision_index", ("prev_revision",)),
    LIST_INDEX,
)


def postgres_ddl(table: str) -> list[str]:
    """Return the statements that make kine's table and indexes under another, qualified name."""
    columns = ", ".join(f"{column.name} {column.ddl or column.type}" for column in POSTGRES_COLUMNS)
    statements = [f"CREATE TABLE {table} ({columns}, CONSTRAINT {PRIMARY_KEY.name} PRIMARY KEY (id))"]
    for index in INDEXES[1:]:
        kind = "UNIQUE INDEX" if index.unique else "INDEX"
        statements.append(f"CREATE {kind} {index.name} ON {table} ({', '.join(index.keys)})")
    return statements


# Every create, update and delete of kine is this one statement; the id it returns is the revision.
INSERT: t.Final = (
    "INSERT INTO {table} (name, created, deleted, create_revision, prev_revision, lease, value, old_value)"
    " SELECT %s, %s, %s, %s, %s, %s, %s, (SELECT old.value FROM {table} AS old WHERE old.id = %s)"
    " RETURNING id"
)
# kine lists a prefix as the newest row of each name in [start, end), deleted ones left out.
LIST: t.Final = (
    "SELECT id, name, value, old_value FROM {table} JOIN"
    " (SELECT MAX(id) AS id FROM {table} WHERE name >= %s AND name < %s GROUP BY name) AS newest USING (id)"
    " WHERE deleted = 0 ORDER BY name ASC"
)
# kine's watch: every row after a revision, in order.
AFTER: t.Final = "SELECT id, name, value, old_value FROM {table} WHERE id > %s ORDER BY id ASC LIMIT 500"
# kine's compaction: what a row up to the revision has replaced, and what was deleted.
COMPACT: t.Final = (
    "DELETE FROM {table} WHERE id <= %s AND (deleted <> 0"
    " OR id IN (SELECT prev_revision FROM {table} WHERE id <= %s AND prev_revision <> 0 AND name <> %s))"
)
COMPACTED: t.Final = "UPDATE {table} SET prev_revision = %s WHERE name = %s"

# Names as the API server writes them, chosen so that a collation that is not byte order gives itself
# away: punctuation that a locale may ignore, a sibling prefix, upper case, and a digit against a dash.
RANGE: t.Final = ("/registry/pods/", "/registry/pods0")
NAMES_IN_RANGE: t.Final = (
    "/registry/pods/default/Upper",
    "/registry/pods/default/a",
    "/registry/pods/default/a-b",
    "/registry/pods/default/a.b",
    "/registry/pods/default/a0",
    "/registry/pods/kube-system/a",
)
NAMES_OUTSIDE: t.Final = (
    "/registry/pods-metrics/a",
    "/registry/pods.example.com/a",
    "/registry/podsecurity/a",
    "/registry/podtemplates/default/a",
)
