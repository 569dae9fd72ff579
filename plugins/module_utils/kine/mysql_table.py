# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks into kine's own table on MySQL and MariaDB: its shape, what numbers its rows, and what they are. Only reads."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import mysql_schema, schema
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Contents, Counter, LiveIndex, Table

# Runs a statement with values and returns its rows.
Rows: t.TypeAlias = "t.Callable[..., list[tuple[t.Any, ...]]]"

_TABLE = schema.TABLE
_EXISTS = "SELECT engine FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s"
_COLUMNS = """
SELECT column_name, column_type, is_nullable = 'NO' AND column_default IS NULL AND extra NOT LIKE '%%auto_increment%%'
  AND extra NOT LIKE '%%GENERATED%%', character_set_name, collation_name
FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s
"""
_INDEXES = """
SELECT index_name, non_unique = 0, sub_part IS NULL AND index_type = 'BTREE', column_name, collation
FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = %s
ORDER BY index_name, seq_in_index
"""
_PROBE = """
SELECT name, name >= CONVERT(%s USING {charset}) COLLATE {collation}
  AND name < CONVERT(%s USING {charset}) COLLATE {collation}
FROM ({names}) AS probe ORDER BY name, BINARY name
"""
# In the order of bytes within what the collation holds for equal, so that the order says something.
_NAME = "SELECT CONVERT(%s USING {charset}) COLLATE {collation} AS name"
_STATUS = "SELECT auto_increment, table_rows, data_length + index_length" + _EXISTS.removeprefix("SELECT engine")
_NEWEST = mysql_schema.NEWEST.format(table=_TABLE)
# S608 here and below: what is put into statements are names of our own; values from outside go as parameters.
_COMPACTED = f"SELECT MAX(prev_revision), COUNT(*) FROM {_TABLE} WHERE name = %s"  # noqa: S608
_NEWEST_NAMES = f"SELECT name FROM {_TABLE} ORDER BY id DESC LIMIT %s"  # noqa: S608
_SCAN = f"""
SELECT name, COUNT(*) AS count FROM ({_NEWEST_NAMES}) AS newest
GROUP BY name ORDER BY count DESC, name LIMIT 1
"""  # noqa: S608
_GAPS = f"SELECT COUNT(*), COALESCE(SUM(name REGEXP '^gap-[0-9]+$'), 0) FROM ({_NEWEST_NAMES}) AS newest"  # noqa: S608
_KEYS = f"SELECT EXISTS (SELECT 1 FROM {_TABLE} WHERE name >= %s AND name < %s AND name <> %s)"  # noqa: S608
_ODD = " UNION ALL ".join(
    f"(SELECT name FROM {_TABLE} WHERE {bounds} LIMIT 5)"  # noqa: S608
    for bounds in ("name < %s", "name >= %s AND name < %s", "name > %s AND name < %s", "name >= %s")
)
_VALUE = f"SELECT value, deleted FROM {_TABLE} WHERE name = %s ORDER BY id DESC LIMIT 1"  # noqa: S608


def engine(rows: Rows) -> str | None:
    """Return the storage engine of kine's table, None without a table."""
    found = rows(_EXISTS, _TABLE)
    return str(found[0][0]) if found else None


def table(rows: Rows, usable: bool) -> Table | None:
    """Describe kine's own table; usable says whether the account may read and write it."""
    if engine(rows) is None:
        return None
    columns = rows(_COLUMNS, _TABLE)
    charset, collation = next((tuple(row[3:]) for row in columns if row[0] == "name"), (None, None))
    order, selected = _collated(rows, charset, collation)
    return Table(
        owner="",
        owned=usable,
        columns={name: plain_type(kind) for name, kind, *_rest in columns},
        required=frozenset(row[0] for row in columns if row[2]),
        indexes=_indexes(rows),
        collation=collation or "none",
        collated=order,
        selected=selected,
    )


def plain_type(text: str) -> str:
    """Return a column type without the display width that MariaDB shows and MySQL no longer has."""
    return re.sub(r"\b((?:tiny|small|medium|big)?int)\(\d+\)", r"\1", text.lower())


def _indexes(rows: Rows) -> tuple[LiveIndex, ...]:
    found: dict[str, list[tuple[t.Any, ...]]] = {}
    for row in rows(_INDEXES, _TABLE):
        found.setdefault(str(row[0]), []).append(row)
    return tuple(
        LiveIndex(
            schema.Index(
                name, tuple(f"{part[3]}{' DESC' if part[4] == 'D' else ''}" for part in parts), bool(parts[0][1])
            ),
            usable=all(part[2] for part in parts),
        )
        for name, parts in found.items()
    )


def _collated(rows: Rows, charset: str | None, collation: str | None) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the probe names in the collation's order, and those of them that kine's range finds."""
    if not charset or not collation:  # the column is missing, or of a type without collation: another check says so
        return (), frozenset()
    keys = [*schema.NAMES_IN_RANGE, *schema.NAMES_OUTSIDE]
    names = " UNION ALL ".join([_NAME.format(charset=charset, collation=collation)] * len(keys))
    found = rows(_PROBE.format(charset=charset, collation=collation, names=names), *schema.RANGE, *keys)
    return tuple(key for key, _inside in found), frozenset(key for key, inside in found if inside)


def counter(rows: Rows) -> Counter | None:
    """Describe AUTO_INCREMENT of the table, None without a table or without one."""
    kinds = {name: plain_type(kind) for name, kind, *_rest in rows(_COLUMNS, _TABLE)}
    found = rows(_STATUS, _TABLE)
    if not found or found[0][0] is None or "id" not in kinds:
        return None
    [(newest,)] = rows(_NEWEST)
    # After the newest id, or a control plane that writes meanwhile would seem to be ahead of it.
    [(following, *_rest)] = rows(_STATUS, _TABLE)
    limit = mysql_schema.LIMITS.get(kinds["id"], mysql_schema.LARGEST)
    return Counter(last=int(following) - 1, newest=int(newest), limit=limit)


def contents(rows: Rows) -> Contents | None:
    """Describe the rows of kine's own table, None without a table."""
    found = rows(_STATUS, _TABLE)
    if not found:
        return None
    [(_next, estimate, size)] = found
    [(newest,)] = rows(_NEWEST)
    [(compacted, compact_rows)] = rows(_COMPACTED, schema.COMPACT_KEY)
    busiest = rows(_SCAN, schema.SCAN_ROWS)
    [(scanned, gaps)] = rows(_GAPS, schema.SCAN_ROWS)
    [(keys,)] = rows(_KEYS, *schema.REGISTRY, schema.HEALTH_KEY)
    return Contents(
        rows=max(int(estimate or 0), int(scanned)),
        size=int(size or 0),
        newest=int(newest),
        compacted=None if compacted is None else int(compacted),
        compact_rows=int(compact_rows),
        scanned=int(scanned),
        gaps=int(gaps),
        busiest=busiest[0][0] if busiest else "",
        busiest_rows=int(busiest[0][1]) if busiest else 0,
        keys=bool(keys),
        foreign=_foreign(rows),
        cluster_uid=_cluster_uid(rows),
    )


def _foreign(rows: Rows) -> tuple[str, ...]:
    """Names before, between and after those of kine and the API server; a collation may blur the bounds."""
    start, end = schema.REGISTRY
    found = rows(_ODD, start, end, schema.COMPACT_KEY, schema.COMPACT_KEY, *schema.GAPS)
    return tuple(dict.fromkeys(name for (name,) in found if not schema.is_known(name)))


def _cluster_uid(rows: Rows) -> str:
    found = rows(_VALUE, schema.CLUSTER_KEY)
    return schema.uid_in(found[0][0]) if found and not found[0][1] else ""
