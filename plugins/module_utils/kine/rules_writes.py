# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that write, as kine writes, but only into the scratch table."""

from __future__ import annotations

import functools
import random
import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Forbidden,
    HaError,
    Unreachable,
    WaitTimeout,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import (
    DuplicateRevision,
    Row,
    Scratch,
    SerializationFailure,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Finding
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import (
    COMPACT_KEY,
    NAMES_IN_RANGE,
    NAMES_OUTSIDE,
    RANGE,
)

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look

T = t.TypeVar("T")

KEY = "/registry/leases/kube-system/kine-check"
VALUES = (b"created", b"updated", b"updated again")
# A proxy that splits reads from writes shows itself within a few tries, when it does at all.
OWN_WRITES = 30
# The way to a server was tried with another of its databases.
OWN_WRITES_AGAIN = 5
OWN_WRITES_SECONDS = 0.5
# The largest object that an API server stores.
BIG_BYTES = 3 * 2**19
# What limits the size of values is the server and the way to it, which were tried with another of its databases.
BIG_BYTES_AGAIN = 2**17
# How long rows that were just written may take to appear, for checks that are not about that.
SETTLE_SECONDS = 0.5
NO_SLOT = Finding("skipped", "no connection slot is free for a second connection")


def revisions_count_up(look: Look) -> Finding:
    """Create, update twice and delete one key: each id is the next number, and each row remembers the one before."""
    scratch = look.scratch
    ids, wanted = _history(scratch)
    expected = "ids that count up by one, rows read back in that order, a second create refused"
    if ids != list(range(ids[0], ids[0] + len(ids))):
        return Finding("fail", f"ids {', '.join(map(str, ids))}", expected, _SEQUENCE)
    if not _settles(lambda: scratch.after(ids[0] - 1), wanted):
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


def _settles(read: t.Callable[[], list[T]], wanted: list[T]) -> bool:
    """Say whether a read gives the wanted rows, at once or soon: that reads may be late is judged elsewhere."""
    until = time.monotonic() + SETTLE_SECONDS
    while read() != wanted:
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _from(scratch: Scratch, revision: int) -> list[Row]:
    """Return the rows from a revision on, as soon as it is among them or time is up."""
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        rows = scratch.after(revision - 1)
        if time.monotonic() > until or any(row.id == revision for row in rows):
            return rows
        time.sleep(0.01)


def _refuses_duplicate(scratch: Scratch) -> bool:
    scratch.insert(f"{KEY}-twice", VALUES[0])
    try:
        scratch.insert(f"{KEY}-twice", VALUES[1])
    except DuplicateRevision:
        return True
    return False


def ranges_are_exact(look: Look) -> Finding:
    """List a prefix: exactly its keys, in byte order, whatever the punctuation and case in them."""
    last = [look.scratch.insert(name, VALUES[0]) for name in reversed(NAMES_IN_RANGE + NAMES_OUTSIDE)][-1]
    _from(look.scratch, last)
    names = [row.name for row in look.scratch.listing(*RANGE)]
    expected = f"the {len(NAMES_IN_RANGE)} keys of the prefix, in byte order"
    if names == sorted(NAMES_IN_RANGE):
        return Finding("ok", expected, expected)
    wrong = len(set(names) ^ set(NAMES_IN_RANGE))
    observed = f"{wrong} keys missing or too many" if wrong else "the right keys in another order"
    return Finding(
        "fail", observed, expected, 'The server does not honor COLLATE "C" for new tables; kine cannot run on it.'
    )


def own_writes_are_read(look: Look) -> Finding:
    """Write on one connection and read on another at once, as the replicas of a control plane do."""
    others = look.scratch.others(1)
    if not others:
        return NO_SLOT
    until = time.monotonic() + OWN_WRITES_SECONDS
    wanted = OWN_WRITES if look.plan.thorough else OWN_WRITES_AGAIN
    tries = stale = 0
    while tries < wanted and time.monotonic() < until:
        revision = look.scratch.insert(f"{KEY}-own-{tries}", VALUES[0])
        stale += not any(row.id == revision for row in others[0].after(revision - 1))
        tries += 1
    expected = "every committed row is seen by other connections at once"
    if stale:
        return Finding("fail", f"{stale} of {tries} rows were not there yet for another connection", expected, _STALE)
    return Finding("ok", f"{tries} of {tries} rows", expected)


def compaction_works(look: Look) -> Finding:
    """Compact a few revisions in a serializable transaction while another connection writes."""
    others = look.scratch.others(1)
    if not others:
        return NO_SLOT
    expected = "superseded and deleted rows go, the newest and those written meanwhile stay"
    key, beside = f"{KEY}-compacted", _Beside(others[0])
    try:
        kept = _superseded(look.scratch, key)
        deleted = look.scratch.compact(kept, beside)
    except SerializationFailure as error:
        return Finding("fail", f"given up beside inserts: {error.message}", expected, _SERIALIZABLE)
    # Each connection is asked for its own rows: whether it sees those of others at once is judged elsewhere.
    first = kept - SUPERSEDED
    mine = _settles(lambda: sorted(_ids(look.scratch, first) - set(beside.written)), [kept])
    if not mine or not _ids(others[0], first) >= set(beside.written):
        observed = f"{deleted} rows deleted, but not exactly those that were to go"
        return Finding("fail", observed, expected, _SERIALIZABLE)
    return Finding("ok", f"{deleted} rows deleted beside {len(beside.written)} inserts", expected)


_SERIALIZABLE = (
    "kine's compaction needs DELETE in a serializable transaction beside plain inserts: no triggers or rules on the"
    " table, and a server that does not give such a transaction up for rows it did not touch."
)
SUPERSEDED = 4


def _ids(scratch: Scratch, first: int) -> set[int]:
    return {row.id for row in scratch.after(first - 1)}


def _superseded(scratch: Scratch, key: str) -> int:
    """Write four rows that a compaction is to remove and then one that it has to keep; return the id of that one."""
    scratch.insert(COMPACT_KEY, b"")
    gone = scratch.insert(f"{key}-gone", VALUES[0])
    scratch.insert(f"{key}-gone", VALUES[0], previous=gone, deleted=True)
    created = scratch.insert(key, VALUES[0])
    updated = scratch.insert(key, VALUES[1], previous=created)
    return scratch.insert(key, VALUES[2], previous=updated)


class _Beside:
    """Writes one row each time it is called."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self.written: list[int] = []

    def __call__(self) -> None:
        key = f"{KEY}-beside-{len(self.written)}"
        self.written.append(self._scratch.insert(key, VALUES[0]))


def big_values_fit(look: Look) -> Finding:
    """Write and read back a value as large as the API server allows: packet limits and proxies cut it off."""
    scratch = look.scratch
    value = _incompressible(BIG_BYTES if look.plan.thorough else BIG_BYTES_AGAIN)
    expected = f"a value of {len(value) / 2**20:g} MiB comes back as it was written"
    try:
        revision = scratch.insert("/registry/configmaps/kube-system/kine-check", value)
        read = [row.value for row in _from(scratch, revision) if row.id == revision]
    except (Forbidden, Unreachable, WaitTimeout):
        raise
    except HaError as error:
        return Finding("fail", f"refused: {error.message}", expected, _BIG)
    if read != [value]:
        return Finding("fail", f"{len(read[0] or b'') if read else 0} bytes came back", expected, _BIG)
    return Finding("ok", expected, expected)


@functools.cache
def _incompressible(size: int) -> bytes:
    """Return random bytes, the same ones for all databases of a task."""
    return random.Random(0).randbytes(size)  # noqa: S311


_BIG = "Raise the limit of packets or values in the server and in every proxy in between (16 MiB leaves room)."
