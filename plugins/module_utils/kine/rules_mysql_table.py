# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of kine's own table, and of a table of one's own, on MySQL and MariaDB."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_data, rules_writes
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_schema import (
    COLLATION,
    COLUMNS,
    INDEXES,
    PRIMARY_KEY,
    TABLE,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Finding
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.rules_mysql import database_of
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.rules_table import (
    NO_TABLE,
    judge_columns,
    judge_indexes,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import NAMES_IN_RANGE, NAMES_OUTSIDE, RANGE

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Table
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import Index

WIDEN = "Start kine once with KINE_SCHEMA_MIGRATION=1, best with the control planes stopped: it rewrites the table."
RECOLLATE = f"ALTER TABLE {TABLE} MODIFY name VARCHAR(630) CHARACTER SET ascii COLLATE {COLLATION};"
# Two values of 1.5 MiB, the largest that an API server stores, and what is around them; then with room.
LEAST_PACKET = 4 * 2**20
GOOD_PACKET = 16 * 2**20


def may_create(look: Look) -> Finding:
    """kine makes table and indexes when there is no table yet."""
    lacks = database_of(look).missing().make
    home = look.home
    expected = f"CREATE and INDEX on database {home.database}"
    if not lacks:
        return Finding("ok", f"account {home.role} may create in database {home.database}", expected)
    observed = f"account {home.role} lacks {' and '.join(lacks)} on database {home.database}"
    if look.table is not None:
        observed += "; the table is there, so kine does not need it until it must be made anew"
    status: t.Literal["fail", "warn"] = "fail" if look.table is None else "warn"
    return Finding(status, observed, expected, _grant(look))


def may_use(look: Look) -> Finding:
    """kine reads and writes its table with these privileges; there are no owners here."""
    lacks = database_of(look).missing().use
    expected = f"SELECT, INSERT, UPDATE and DELETE on {look.home.database}.{TABLE}"
    if lacks:
        observed = f"account {look.home.role} lacks {', '.join(lacks)}"
        return Finding("fail", observed, expected, _grant(look))
    return Finding("ok", f"account {look.home.role} may read and write the table", expected)


def _grant(look: Look) -> str:
    return f"GRANT ALL ON `{look.home.database}`.* TO {look.home.role};"


def columns_fit(look: Look) -> Finding:
    """Compare the columns with what kine makes today and with what older versions made."""
    if look.table is None:
        return NO_TABLE
    update = f"{WIDEN} int ids end at 2147483647."
    return judge_columns(look.table, COLUMNS, widened=COLUMNS, unnumbered="id is not AUTO_INCREMENT", update=update)


def collation_is_bytes(look: Look) -> Finding:
    """Names that differ in case only must stay two names: kine itself makes a table in which they are one."""
    table = look.table
    if table is None:
        return Finding("ok", f"{NO_TABLE.observed}, with the collation that this check then warns of")
    probes = NAMES_IN_RANGE + NAMES_OUTSIDE
    observed = f"collation of name is {table.collation}"
    expected = f"byte order, as {COLLATION} gives it"
    if table.selected != frozenset(NAMES_IN_RANGE):
        wrong = len(table.selected ^ frozenset(NAMES_IN_RANGE))
        words = f"{observed}: a range query is wrong about {wrong} of {len(probes)} keys"
        return Finding("fail", words, expected, RECOLLATE)
    if not table.collation.endswith(("_bin", "_cs")):
        words = (
            f"{observed}, as kine makes it: an object whose name differs from another one's in case only is that one"
        )
        return Finding("warn", words, expected, f"{RECOLLATE} It is done in seconds, also while kine runs.")
    if table.collated != tuple(sorted(probes)):
        return Finding("warn", f"{observed}: ranges are right, but lists come in another order", expected, RECOLLATE)
    return Finding("ok", observed, expected)


def indexes_fit(look: Look) -> Finding:
    """Compare the indexes by what they do, not by name: kine makes none in a table that is there."""
    table = look.table
    if table is None:
        return NO_TABLE
    return judge_indexes(table, INDEXES, lambda index: _remake(index, table))


def _remake(index: Index, table: Table) -> str:
    if index is PRIMARY_KEY:
        return f"ALTER TABLE {TABLE} ADD PRIMARY KEY (id);"
    named = any(live.index.name == index.name for live in table.indexes)
    drop = f"DROP INDEX {index.name}, " if named else ""
    kind = "UNIQUE INDEX" if index.unique else "INDEX"
    return f"ALTER TABLE {TABLE} {drop}ADD {kind} {index.name} ({', '.join(index.keys)});"


def revisions_count_up(look: Look) -> Finding:
    """Look at what makes ids jump, then try it. The server ignores an offset that is larger than the increment."""
    found = database_of(look).variables("auto_increment_increment", "wsrep_on")
    step = found["auto_increment_increment"]
    expected = "ids that count up by one: auto_increment_increment 1, no multi-writer cluster"
    if found.get("wsrep_on", "OFF") == "ON":
        remedy = "Use one primary with replicas instead: kine does not support Galera (kine#71)."
        return Finding("fail", "wsrep_on is ON: this is a multi-writer cluster", expected, remedy)
    if step != "1":
        remedy = "SET GLOBAL auto_increment_increment = 1, GLOBAL auto_increment_offset = 1; and in the configuration."
        return Finding("fail", f"auto_increment_increment is {step}", expected, remedy)
    return rules_writes.revisions_count_up(look)


def ranges_are_exact(look: Look) -> Finding:
    """List a prefix: exactly its keys, whatever the punctuation and case in them; kine's collation ignores case."""
    for name in reversed(NAMES_IN_RANGE + NAMES_OUTSIDE):
        look.scratch.insert(name, rules_writes.VALUES[0])
    names = [row.name for row in look.scratch.listing(*RANGE)]
    expected = f"the {len(NAMES_IN_RANGE)} keys of the prefix, in the order of bytes or of letters"
    if names in (sorted(NAMES_IN_RANGE), sorted(NAMES_IN_RANGE, key=str.lower)):
        return Finding("ok", expected, expected)
    wrong = len(set(names) ^ set(NAMES_IN_RANGE))
    observed = f"{wrong} keys missing or too many" if wrong else "the right keys in another order"
    remedy = "The server does not honor CHARACTER SET ascii for new tables (character_set_collations); reset it."
    return Finding("fail", observed, expected, remedy)


def big_values_fit(look: Look) -> Finding:
    """An update sends the old value and the new one in one packet: look at its limit, then write a large value."""
    packet = int(database_of(look).variables("max_allowed_packet")["max_allowed_packet"])
    expected = f"max_allowed_packet of {GOOD_PACKET >> 20} MiB or more, and a large value that comes back as it was"
    observed = f"max_allowed_packet is {packet / 2**20:g} MiB"
    if packet < LEAST_PACKET:
        return Finding("fail", f"{observed}: large objects cannot be updated", expected, _PACKET)
    tried = rules_writes.big_values_fit(look)
    if tried.status != "ok":
        return replace(tried, remedy=_PACKET)
    if packet < GOOD_PACKET:
        return Finding("warn", observed, expected, _PACKET)
    return Finding("ok", f"{observed}; {tried.observed}", expected)


_PACKET = "SET GLOBAL max_allowed_packet = 64 * 1024 * 1024; and in the configuration of the server and of every proxy."


def compaction_works(look: Look) -> Finding:
    """Compact beside a writer. innodb_snapshot_isolation fails, though this one compaction may pass under it.

    Tried: of three compactions beside 30 updates kine 0.16.4 and MariaDB 10.11 lost one or more in every run.
    """
    tried = rules_writes.compaction_works(look)
    if tried.status == "fail":
        return replace(tried, remedy=_SNAPSHOT)
    found = database_of(look).variables("innodb_snapshot_isolation")
    if tried.status == "ok" and found.get("innodb_snapshot_isolation", "OFF") == "ON":
        observed = "innodb_snapshot_isolation is ON, under which kine's compactions fail beside writes"
        return Finding("fail", observed, "innodb_snapshot_isolation OFF", _SNAPSHOT)
    return tried


_SNAPSHOT = "SET GLOBAL innodb_snapshot_isolation = OFF; and in the configuration (kine#721); no triggers on the table."


def numbers_go_on(look: Look) -> Finding:
    """AUTO_INCREMENT is never behind the ids, but it ends where the column's type does."""
    return _said_for_mysql(rules_data.numbers_go_on(look), f"{WIDEN} Of unsigned BIGINT nobody has seen the end.")


def compaction_keeps_up(look: Look) -> Finding:
    """Compare the newest revision with the compacted one: a compaction that stalls makes every list slower."""
    remedy = (
        "Look for compaction errors in kine's log and for slow disks: it gives up after 5 s. When it works again, shrink"
        f" the table with OPTIMIZE TABLE {TABLE}; while the control plane is stopped."
    )
    return _said_for_mysql(rules_data.compaction_keeps_up(look), remedy)


def gaps_are_rare(look: Look) -> Finding:
    """Count the rows that kine wrote only to fill missing ids, and the records of its compaction."""
    finding = rules_data.gaps_are_rare(look)
    remedy = (
        "Look for inserts that fail all the time, for auto_increment_increment above 1, and for a multi-writer cluster."
    )
    return finding if finding.status == "fail" else _said_for_mysql(finding, remedy)


def _said_for_mysql(finding: Finding, remedy: str) -> Finding:
    return replace(finding, remedy=remedy) if finding.remedy else finding
