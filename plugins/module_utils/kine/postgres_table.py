# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks into kine's own table on PostgreSQL: what numbers its rows, and what they are. Only reads, and never much."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import schema
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Contents, Counter, Housekeeping

# Runs a statement with values and returns its rows.
Rows: t.TypeAlias = "t.Callable[..., list[tuple[t.Any, ...]]]"

_OID = "SELECT to_regclass(quote_ident(current_schema()) || '.' || %s)::oid::bigint"
# The sequence that column id owns. pg_sequences shows no number to a role without USAGE on the sequence.
_COUNTER = """
SELECT has_sequence_privilege(c.oid, 'USAGE, SELECT'), coalesce(s.last_value, 0),
  least(s.max_value, CASE a.atttypid WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END)
FROM pg_attribute AS a
JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
  AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class AS c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_sequences AS s ON s.schemaname = n.nspname AND s.sequencename = c.relname
WHERE a.attrelid = %s::bigint::oid AND a.attname = 'id'
"""
# S608 here and below: what is put into statements are names of our own; values from outside go as parameters.
_NEWEST = f"SELECT coalesce(max(id), 0) FROM {schema.TABLE}"  # noqa: S608
_SIZE = "SELECT greatest(reltuples, 0)::bigint, pg_total_relation_size(oid) FROM pg_class WHERE oid = %s::bigint::oid"
_COMPACTED = f"SELECT max(prev_revision), count(*) FROM {schema.TABLE} WHERE name = %s"  # noqa: S608
_SCAN = f"""
WITH newest AS MATERIALIZED (SELECT name FROM {schema.TABLE} ORDER BY id DESC LIMIT %s),
  busiest AS (SELECT name, count(*) AS count FROM newest GROUP BY name ORDER BY count(*) DESC LIMIT 1)
SELECT (SELECT count(*) FROM newest), (SELECT count(*) FROM newest WHERE name ~ '^gap-[0-9]+$'),
  coalesce((SELECT name FROM busiest), ''), coalesce((SELECT count FROM busiest), 0)
"""  # noqa: S608
_KEYS = f"SELECT EXISTS (SELECT FROM {schema.TABLE} WHERE name >= %s AND name < %s AND name <> %s)"  # noqa: S608
# Each range is read from the index on name and ends after a few rows, however large the table is.
_ODD = " UNION ALL ".join(
    f"(SELECT name FROM {schema.TABLE} WHERE {bounds} LIMIT 5)"  # noqa: S608
    for bounds in ("name < %s", "name >= %s AND name < %s", "name > %s AND name < %s", "name >= %s")
)
_VALUE = f"SELECT value FROM {schema.TABLE} WHERE name = %s AND deleted = 0 ORDER BY id DESC LIMIT 1"  # noqa: S608
_TIMEOUTS = """
SELECT name, setting::float / 1000 FROM pg_settings
WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout',
  'idle_in_transaction_session_timeout')
"""
_CLEANING = """
SELECT current_setting('autovacuum')::bool AND current_setting('track_counts')::bool
  AND NOT EXISTS (SELECT FROM pg_class, unnest(reloptions) AS option
    WHERE oid = %s::bigint::oid AND option ~* '^autovacuum_enabled=(f|n|of|0)'),
  coalesce(pg_stat_get_live_tuples(%s::bigint::oid), 0), coalesce(pg_stat_get_dead_tuples(%s::bigint::oid), 0)
"""


def _oid(rows: Rows) -> int | None:
    [(oid,)] = rows(_OID, schema.TABLE)
    return None if oid is None else int(oid)


def counter(rows: Rows) -> Counter | None:
    """Describe the sequence of column id, None without one. Raises Forbidden for a role that may not use it."""
    oid = _oid(rows)
    found = rows(_COUNTER, oid) if oid else []
    if not found:
        return None
    [(allowed, _last, limit)] = found
    if not allowed:
        raise Forbidden("permission denied for the sequence of column id", "Make the role the owner of the table.")
    [(newest,)] = rows(_NEWEST)
    # After the newest id, or a control plane that writes meanwhile would seem to be ahead of it.
    [(_allowed, last, _limit)] = rows(_COUNTER, oid)
    return Counter(last=last, newest=newest, limit=limit)


def contents(rows: Rows) -> Contents | None:
    """Describe the rows of kine's own table, None without a table."""
    oid = _oid(rows)
    if not oid:
        return None
    [(estimate, size)] = rows(_SIZE, oid)
    [(newest,)] = rows(_NEWEST)
    [(compacted, compact_rows)] = rows(_COMPACTED, schema.COMPACT_KEY)
    [(scanned, gaps, busiest, busiest_rows)] = rows(_SCAN, schema.SCAN_ROWS)
    [(keys,)] = rows(_KEYS, *schema.REGISTRY, schema.HEALTH_KEY)
    return Contents(
        rows=max(estimate, scanned),
        size=size,
        newest=newest,
        compacted=compacted,
        compact_rows=compact_rows,
        scanned=scanned,
        gaps=gaps,
        busiest=busiest,
        busiest_rows=busiest_rows,
        keys=keys,
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
    return schema.uid_in(found[0][0]) if found else ""


def housekeeping(rows: Rows) -> Housekeeping:
    """Return the timeouts as they apply to this connection, and what autovacuum does for the table."""
    oid = _oid(rows) or 0
    [(cleaning, live, dead)] = rows(_CLEANING, oid, oid, oid)
    return Housekeeping(timeouts=dict(rows(_TIMEOUTS)), cleaning=cleaning, live=live, dead=dead)
