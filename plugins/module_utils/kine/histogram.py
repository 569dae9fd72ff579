# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How measured times are spread, in buckets that are the same for every database. Pure."""

from __future__ import annotations

import bisect
import itertools
import typing as t
from dataclasses import dataclass

BOUNDS_MS: t.Final = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0)
"""Upper bounds of all buckets but the last, which has none. The thresholds of the check ``latency`` are among them."""


@dataclass(frozen=True)
class Bucket:
    """How many times were above the bucket before and at most up_to_ms milliseconds; None: however long."""

    up_to_ms: float | None
    count: int


def histogram(times: t.Sequence[float]) -> tuple[Bucket, ...]:
    """Return one bucket a bound and one above all; times are in milliseconds."""
    ordered = sorted(times)
    below = [0, *(bisect.bisect_right(ordered, bound) for bound in BOUNDS_MS), len(ordered)]
    counts = (upper - lower for lower, upper in itertools.pairwise(below))
    return tuple(Bucket(bound, count) for bound, count in zip((*BOUNDS_MS, None), counts, strict=True))
