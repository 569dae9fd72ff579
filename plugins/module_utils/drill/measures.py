# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill measured, in seconds and writes. Pure."""

from __future__ import annotations

import itertools
import math
import typing as t
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.drill.oracle import counts
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import ACKNOWLEDGED, Log

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Measures:
    """Gaps are the longest times from the fault on without a success: a write acknowledged, a read answered, an event told.

    ``write_back`` and ``read_back`` count from the fault to the end of that gap, None where there was no success any more.
    ``watch_lag`` is the longest time from the acknowledgement of a write to its event.
    ``writes_twice`` and ``reads_twice`` are how many clients tried once more.
    ``loss_bound`` is the share of lost writes that this many writes rule out, with a confidence of 95 % (None without any).
    """

    acknowledged: int
    failed: int
    unknown: int
    write_gap: float
    write_back: float | None
    read_gap: float
    read_back: float | None
    watch_gap: float
    watch_lag: float
    write_p50: float | None
    write_p99: float | None
    loss_bound: float | None
    writes_twice: int
    reads_twice: int


def measure(log: Log) -> Measures:
    """Measure a drill."""
    writes = [write for write in log.writes if write.outcome == ACKNOWLEDGED]
    reads = [read for read in log.reads if read.found is not None]
    took = sorted(write.ended - write.began for write in writes)
    outcomes = counts(log)
    write_gap, write_back = _gap(log, [write.ended for write in writes])
    read_gap, read_back = _gap(log, [read.ended for read in reads]) if log.reads else (0.0, None)
    return Measures(
        **outcomes,
        write_gap=write_gap,
        write_back=write_back,
        read_gap=read_gap,
        read_back=read_back,
        watch_gap=max((_gap(log, [event.at for event in each.events])[0] for each in log.watchers), default=0.0),
        watch_lag=round(_watch_lag(log), 3),
        write_p50=percentile(took, 0.5),
        write_p99=percentile(took, 0.99),
        loss_bound=bound(outcomes["acknowledged"]),
        writes_twice=sum(write.tries > 1 for write in log.writes),
        reads_twice=sum(read.tries > 1 for read in log.reads),
    )


def percentile(ordered: t.Sequence[float], share: float) -> float | None:
    """The nearest rank; None of nothing."""
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 3) if ordered else None


def bound(trials: int) -> float | None:
    """When none of so many was lost, a share of losses above this would have shown itself with a confidence of 95 %.

    The exact form of the rule of three: 3/n is close to it from 30 on.
    """
    return 1.0 - (1.0 - CONFIDENCE) ** (1.0 / trials) if trials else None


def _gap(log: Log, successes: t.Iterable[float]) -> tuple[float, float | None]:
    """The longest time without a success, from the last one before the fault to the calm at the end; and when it was over."""
    ordered = sorted(successes)
    before = max((at for at in ordered if at <= log.fault_at), default=log.fault_at)
    after = [at for at in ordered if before < at <= log.calm_at]
    length, end = max((later - earlier, later) for earlier, later in itertools.pairwise([before, *after, log.calm_at]))
    back = round(max(0.0, end - log.fault_at), 3) if end in after else None
    return round(length, 3), back


def _watch_lag(log: Log) -> float:
    made = {(write.key, write.value): write.ended for write in log.writes if write.outcome == ACKNOWLEDGED}
    return max(
        (
            event.at - made[event.key, event.value]
            for watcher in log.watchers
            for event in watcher.events
            if event.kind != "DELETED" and (event.key, event.value) in made
        ),
        default=0.0,
    )
