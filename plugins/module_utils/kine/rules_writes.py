# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that write, as kine writes, but only into the scratch table."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import DuplicateRevision, Row, Scratch
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Finding, Latency
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import NAMES_IN_RANGE, NAMES_OUTSIDE, RANGE

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look

KEY = "/registry/leases/kube-system/kine-check"
VALUES = (b"created", b"updated", b"updated again")
# The thresholds etcd's own guidance and slow API servers suggest; between GOOD and SLOW nothing is said.
GOOD_MS = 25.0
SLOW_MS = 100.0
STALLED_MS = 1000.0
# A slow database is known for slow after this, and would only eat up the deadline.
SAMPLING_MS = 5000.0
# A value of the size of a Lease, which is most of what an idle cluster writes.
LEASE_BYTES = 512


def revisions_count_up(look: Look) -> Finding:
    """Create, update twice and delete one key: each id is the next number, and each row remembers the one before."""
    scratch = look.scratch
    ids, wanted = _history(scratch)
    expected = "ids that count up by one, rows read back in that order, a second create refused"
    if ids != list(range(ids[0], ids[0] + len(ids))):
        return Finding("fail", f"ids {', '.join(map(str, ids))}", expected, _SEQUENCE)
    if scratch.after(ids[0] - 1) != wanted:
        return Finding("fail", "rows were not read back as they were written", expected, _STALE)
    if not _refuses_duplicate(scratch):
        return Finding("fail", "a second create of the same key was accepted", expected, _UNIQUE)
    return Finding("ok", f"{len(ids)} revisions, +1 each, read back in order", expected)


_SEQUENCE = (
    "kine needs a sequence that gives every number once, in order: no multi-writer cluster, no cached or stepped ids."
)
_STALE = "Connect to the primary itself: a proxy that sends reads elsewhere returns rows that are older than the write."
_UNIQUE = "The server must enforce unique indexes: sharding and foreign tables often do not."


def _history(scratch: Scratch) -> tuple[list[int], list[Row]]:
    created = scratch.insert(KEY, VALUES[0])
    updated = scratch.insert(KEY, VALUES[1], previous=created)
    again = scratch.insert(KEY, VALUES[2], previous=updated)
    deleted = scratch.insert(KEY, VALUES[2], previous=again, deleted=True)
    return [created, updated, again, deleted], [
        Row(created, KEY, VALUES[0], None),
        Row(updated, KEY, VALUES[1], VALUES[0]),
        Row(again, KEY, VALUES[2], VALUES[1]),
        Row(deleted, KEY, VALUES[2], VALUES[2]),
    ]


def _refuses_duplicate(scratch: Scratch) -> bool:
    scratch.insert(f"{KEY}-twice", VALUES[0])
    try:
        scratch.insert(f"{KEY}-twice", VALUES[1])
    except DuplicateRevision:
        return True
    return False


def ranges_are_exact(look: Look) -> Finding:
    """List a prefix: exactly its keys, in byte order, whatever the punctuation and case in them."""
    for name in reversed(NAMES_IN_RANGE + NAMES_OUTSIDE):
        look.scratch.insert(name, VALUES[0])
    names = [row.name for row in look.scratch.listing(*RANGE)]
    expected = f"the {len(NAMES_IN_RANGE)} keys of the prefix, in byte order"
    if names == sorted(NAMES_IN_RANGE):
        return Finding("ok", expected, expected)
    wrong = len(set(names) ^ set(NAMES_IN_RANGE))
    observed = f"{wrong} keys missing or too many" if wrong else "the right keys in another order"
    return Finding(
        "fail", observed, expected, 'The server does not honor COLLATE "C" for new tables; kine cannot run on it.'
    )


def inserts_are_quick(look: Look) -> Finding:
    """Time single-row inserts one after the other, as one busy kine would make them."""
    value = bytes(LEASE_BYTES)
    look.scratch.insert(f"{KEY}-warm", value)
    times: list[float] = []
    while len(times) < max(1, look.plan.samples) and sum(times) < SAMPLING_MS:
        started = time.perf_counter()
        look.scratch.insert(f"{KEY}-{len(times)}", value)
        times.append((time.perf_counter() - started) * 1000)
    look.latency = Latency(len(times), _percentile(times, 50), _percentile(times, 99))
    return judge_latency(look.latency)


def judge_latency(latency: Latency) -> Finding:
    """Turn measured times into a finding; the 99th percentile is what leases and leader elections feel."""
    observed = f"p50 {latency.p50_ms:g} ms, p99 {latency.p99_ms:g} ms over {latency.samples} inserts"
    expected = f"p99 below {GOOD_MS:g} ms, at most {SLOW_MS:g} ms"
    remedy = "Put the database nearer to the control planes and on faster disks, and see what else uses them."
    if latency.p99_ms > STALLED_MS:
        return Finding("fail", observed, expected, remedy)
    if latency.p99_ms > SLOW_MS:
        return Finding("warn", observed, expected, remedy)
    return Finding("ok", observed, expected)


def _percentile(times: list[float], percent: int) -> float:
    """Return the nearest-rank percentile, rounded to microseconds."""
    ordered = sorted(times)
    rank = max(1, -(-len(ordered) * percent // 100))
    return round(ordered[rank - 1], 3)
