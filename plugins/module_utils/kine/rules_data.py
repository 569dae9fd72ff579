# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of what is in kine's own table: whose it is, whether ids go on, whether compaction keeps up. They only read."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Finding
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.rules_table import NO_TABLE, UPDATE
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import COMPACT_KEY, TABLE

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Contents, Counter
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look

# Of all ids: at these shares there is still time to act, and hardly any. Of int4 the last is 10 days at 50 writes/s.
FEW_LEFT = 0.2
ALMOST_NONE_LEFT = 0.02
# The API server asks for a compaction every 5 minutes: more revisions than this mean that several did not work.
BEHIND = 100_000
ROWS_OF_ONE_NAME = 5000
# What etcd's documentation gives as the most for a store of the API server.
LARGE_BYTES = 8 * 2**30
# Failed inserts leave gaps all the time; as many as this are a way of numbering that does not fit.
GAP_SHARE = 0.1
FEW_ROWS = 200


def data_is_expected(look: Look) -> Finding:
    """Say whose data is there: nobody's, a control plane's, or something that neither kine nor an API server wrote."""
    contents, expect = look.contents, look.plan.expect
    expected = {"empty": "no data", "existing": "a control plane's data", "any": "none or a control plane's data"}
    keys = contents is not None and contents.keys
    if contents and contents.foreign:
        observed = f"rows that no API server wrote: {', '.join(contents.foreign[:3])}"
        return Finding("warn" if expect == "any" else "fail", observed, expected[expect], _OTHER_DATABASE)
    if keys and expect == "empty":
        return Finding("fail", _whose(contents), expected[expect], _OTHER_DATABASE)
    if not keys and expect == "existing":
        return Finding("fail", "no data of a control plane", expected[expect], _LOST)
    if contents and keys and look.plan.cluster_uid not in ("", contents.cluster_uid):
        return Finding("fail", _whose(contents), f"data of cluster {look.plan.cluster_uid}", _OTHER_DATABASE)
    return Finding("ok", _whose(contents) if keys else "no data of a control plane", expected[expect])


_OTHER_DATABASE = "Name another database in the DSN, or say with expect and cluster_uid that this data is meant."
_LOST = "Check database, user and search_path in the DSN: a control plane that starts here begins anew, without data."


def _whose(contents: Contents | None) -> str:
    uid = contents.cluster_uid if contents else ""
    return f"data of cluster {uid}" if uid else "data of a control plane without namespace kube-system"


def numbers_go_on(look: Look) -> Finding:
    """Compare the counter with the ids that are there, and with where it ends."""
    if look.table is None:
        return NO_TABLE
    counter = look.database.counter()
    if counter is None:
        return Finding("skipped", "ids do not come from a counter that belongs to the table")
    expected = "a counter that is ahead of every id, with most of its numbers left"
    if counter.last < counter.newest:
        observed = f"the counter is at {counter.last}, but the newest id is {counter.newest}: inserts collide"
        return Finding("fail", observed, expected, f"SELECT setval('{TABLE}_id_seq', {counter.newest});")
    left = 1 - counter.last / counter.limit
    observed = f"at {counter.last} of {counter.limit}: {_percent(left)} left"
    if left < FEW_LEFT:
        return Finding("fail" if left < ALMOST_NONE_LEFT else "warn", observed, expected, _remedy(counter))
    return Finding("ok", observed, expected)


def _remedy(counter: Counter) -> str:
    wide = counter.limit > 2**31
    return "Move the control plane to a new database by backup and restore." if wide else f"{UPDATE} It widens the ids."


def _percent(share: float) -> str:
    return f"{share:.1%}" if share < GAP_SHARE else f"{share:.0%}"


def compaction_keeps_up(look: Look) -> Finding:
    """Compare the newest revision with the compacted one: a compaction that stalls makes every list slower."""
    contents = look.contents
    if contents is None:
        return NO_TABLE
    behind = contents.newest - (contents.compacted or 0)
    signs = []
    if behind > BEHIND:
        signs.append(f"{behind} revisions since the last compaction")
    if contents.busiest_rows > ROWS_OF_ONE_NAME:
        signs.append(f"{contents.busiest_rows} rows of {contents.busiest}")
    if contents.size > LARGE_BYTES:
        signs.append(f"{contents.size / 2**30:.1f} GiB")
    expected = f"at most {BEHIND} revisions since the last compaction, {LARGE_BYTES // 2**30} GiB"
    if signs:
        return Finding("warn", "; ".join(signs), expected, _STALLED)
    observed = f"{behind} revisions since the last compaction, about {contents.rows} rows, {contents.size >> 20} MiB"
    return Finding("ok", observed, expected)


_STALLED = (
    "Look for compaction errors in kine's log and for slow disks: it gives up after 5 s. When it works again, shrink"
    f" the table with VACUUM FULL {TABLE} while the control plane is stopped."
)


def gaps_are_rare(look: Look) -> Finding:
    """Count the rows that kine wrote only to fill missing ids, and the records of its compaction.

    Of several records kine 0.16 (compactStart) keeps at its start the one that replaced the highest revision. Records
    that were created, as kine itself writes them, replace none: all are deleted, and then every create fails. Tried.
    """
    contents = look.contents
    if contents is None:
        return NO_TABLE
    share = contents.gaps / max(1, contents.scanned)
    expected = f"less than {GAP_SHARE:.0%} filled gaps, one record of the compaction"
    if contents.compact_rows > 1:
        observed = f"{contents.compact_rows} rows {COMPACT_KEY}: kine deletes all at its next start, and fails then"
        return Finding("fail", observed, expected, ONE_RECORD)
    observed = f"{contents.gaps} of the newest {contents.scanned} rows fill gaps"
    if share > GAP_SHARE and contents.scanned >= FEW_ROWS:
        return Finding("warn", observed, expected, _GAPS)
    return Finding("ok", observed, expected)


_RECORDS = f"FROM {TABLE} WHERE name = '{COMPACT_KEY}'"
# MySQL deletes by a subquery on the same table only through a derived one; PostgreSQL takes NULL for the highest.
_HIGHEST = f"SELECT id {_RECORDS} ORDER BY COALESCE(prev_revision, 0) DESC, id LIMIT 1"
_ALL_BUT_ONE = f"DELETE {_RECORDS} AND id <> (SELECT id FROM ({_HIGHEST}) AS kept);"  # noqa: S608 - for people
ONE_RECORD = f"Before the next start of kine: {_ALL_BUT_ONE}"
_GAPS = "Look for inserts that fail all the time, for a sequence with CACHE, and for a multi-writer cluster."
