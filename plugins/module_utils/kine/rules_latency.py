# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check that measures: inserts one by one and side by side, and a list of a large prefix, in the scratch table."""

from __future__ import annotations

import concurrent.futures
import time
import typing as t
from dataclasses import replace

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Scratch
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.histogram import histogram
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Finding, Latency

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look

KEY = "/registry/leases/kube-system/kine-check-latency"
# The thresholds etcd's own guidance and slow API servers suggest; between GOOD and SLOW nothing is said.
GOOD_MS = 25.0
SLOW_MS = 100.0
STALLED_MS = 1000.0
# From here on kine writes a statement into its log as slow.
SLOW_LIST_MS = 1000.0
# A slow database is known for slow after this, and would only eat up the deadline.
SAMPLING_MS = 5000.0
# Of a server that was measured with another of its databases: enough to see that this one is as quick.
SAMPLES_AGAIN = 10
# A value of the size of a Lease, which is most of what an idle cluster writes.
LEASE_BYTES = 512
WRITERS = 10
# A database with fewer free slots than this for each writer is not made to give them.
SLOTS_PER_WRITER = 4
LISTED = ("/registry/events/kine-check/", "/registry/events/kine-check0")
LISTED_KEYS = 10_000
LISTED_VALUE = bytes(100)
# Keys are made in portions: a slow server is not kept busy for longer than this, and lists what it has by then.
FILL_PORTION = 2_500
FILL_SECONDS = 0.25
TOGETHER_MS = 300.0


def database_is_quick(look: Look) -> Finding:
    """Time inserts as one busy kine makes them; where the plan is thorough, as several do, and the list of many keys.

    A database that is stalled already is not measured any further.
    """
    wanted = max(1, look.plan.samples)
    samples = wanted if look.plan.thorough else min(wanted, SAMPLES_AGAIN)
    alone = _insert_for(look.scratch, KEY, samples, SAMPLING_MS)
    p50, p99 = percentile(alone, 50), percentile(alone, 99)
    look.latency = Latency(len(alone), p50, p99, histogram=histogram(alone))
    if p99 <= STALLED_MS and look.plan.thorough:
        look.latency = _measure_more(look, look.latency)
    return judge_latency(look.latency)


def _measure_more(look: Look, latency: Latency) -> Latency:
    writers, together = _insert_together(look, latency)
    _fill(look.scratch)
    started = time.perf_counter()
    listed = len(look.scratch.listing(*LISTED))
    return replace(
        latency,
        writers=writers,
        together_p50_ms=percentile(together, 50) if together else 0.0,
        together_p99_ms=percentile(together, 99) if together else 0.0,
        listed=listed,
        list_ms=_milliseconds_since(started),
    )


def _fill(scratch: Scratch) -> None:
    until = time.perf_counter() + FILL_SECONDS
    for portion in range(LISTED_KEYS // FILL_PORTION):
        scratch.fill(f"{LISTED[0]}{portion}-", FILL_PORTION, LISTED_VALUE)
        if time.perf_counter() > until:
            return


def _insert_together(look: Look, latency: Latency) -> tuple[int, list[float]]:
    """Return how many writers there were and the times of all their inserts; no writers where slots are scarce."""
    tables = [look.scratch, *look.scratch.others(_writers(look) - 1)]
    if len(tables) == 1:
        return 0, []
    each = -(-latency.samples // len(tables))
    keys = [f"{KEY}-{number}" for number in range(len(tables))]
    with concurrent.futures.ThreadPoolExecutor(len(tables)) as pool:
        times = pool.map(lambda table, key: _insert_for(table, key, each, TOGETHER_MS), tables, keys)
        return len(tables), [each_time for writer in times for each_time in writer]


def _writers(look: Look) -> int:
    """Return how many writers may be tried: never so many that others could miss the slots."""
    try:
        slots = look.slots
    except HaError:
        return 1
    free = slots.max_connections - slots.reserved - slots.used
    allowed = free if slots.role_limit < 0 else min(free, slots.role_limit)
    return max(1, min(WRITERS, allowed // SLOTS_PER_WRITER))


def _insert_for(scratch: Scratch, key: str, samples: int, milliseconds: float) -> list[float]:
    """Return the milliseconds of that many inserts, of fewer when their time is up."""
    value = bytes(LEASE_BYTES)
    scratch.insert(f"{key}-warm", value)
    times: list[float] = []
    while len(times) < samples and sum(times) < milliseconds:
        started = time.perf_counter()
        scratch.insert(f"{key}-at-{len(times)}", value)
        times.append(_milliseconds_since(started))
    return times


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)


def judge_latency(latency: Latency) -> Finding:
    """Turn measured times into a finding.

    The 99th percentile is what leases and leader elections feel; only a habit of stalling makes a database unfit.
    """
    observed = f"p50 {latency.p50_ms:g} ms, p99 {latency.p99_ms:g} ms over {latency.samples} inserts"
    if latency.writers:
        observed += f"; p99 {latency.together_p99_ms:g} ms with {latency.writers} writers at once"
    if latency.listed:
        observed += f"; {latency.listed} keys listed in {latency.list_ms:g} ms"
    expected = f"p99 below {GOOD_MS:g} ms, at most {SLOW_MS:g} ms; {LISTED_KEYS} keys in {SLOW_LIST_MS:g} ms"
    remedy = "Put the database nearer to the control planes and on faster disks, and see what else uses them."
    if _stalls(latency):
        return Finding("fail", observed, expected, remedy)
    if max(latency.p99_ms, latency.together_p99_ms) > SLOW_MS or latency.list_ms * LISTED_KEYS > SLOW_LIST_MS * max(
        1, latency.listed
    ):
        return Finding("warn", observed, expected, remedy)
    return Finding("ok", observed, expected)


def _stalls(latency: Latency) -> bool:
    """Whether it is a habit: one hiccup delays one insert of a single writer, but one of each of ten that write together."""
    stalled = sum(
        bucket.count for bucket in latency.histogram if bucket.up_to_ms is None or bucket.up_to_ms > STALLED_MS
    )
    return stalled > 1 or max(latency.p50_ms, latency.together_p50_ms) > STALLED_MS


def percentile(times: list[float], percent: int) -> float:
    """Return the nearest-rank percentile, rounded to microseconds."""
    ordered = sorted(times)
    rank = max(1, -(-len(ordered) * percent // 100))
    return round(ordered[rank - 1], 3)
