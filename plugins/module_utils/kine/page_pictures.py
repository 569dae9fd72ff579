# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's pictures, as SVG: how long inserts took, and how the connection slots are shared out. Pure.

number tells apart several on a page.
"""

from __future__ import annotations

import bisect
import itertools
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.histogram import BOUNDS_MS
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.rules_latency import GOOD_MS, SLOW_MS, STALLED_MS
from ansible_collections.k0smotron.ha.plugins.module_utils.report_page.svg import svg, text

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Connections, Latency

WIDTH = 560
_LEFT, _STEP = 16, 31  # the first bucket's left edge, and the width of each
_TOP, _BASE = 86, 246  # between them stand the bars
_ZONES = (
    ("quick", "ok", 0.0, GOOD_MS),
    ("bearable", "fair", GOOD_MS, SLOW_MS),
    ("slow", "warn", SLOW_MS, STALLED_MS),
    ("stalls", "fail", STALLED_MS, None),
)


def latency_picture(latency: Latency, number: int) -> str:
    """Draw the histogram of insert times: a bar a bucket, the zones of the check's thresholds, p50 and p99."""
    counts = [bucket.count for bucket in latency.histogram]
    words = [
        f"{bucket.count} {_between(lower.up_to_ms or 0.0 if lower else 0.0, bucket.up_to_ms)}"
        for lower, bucket in zip((None, *latency.histogram), latency.histogram, strict=False)
        if bucket.count
    ]
    parts = [
        *(_zone(*zone) for zone in _ZONES),
        _marker("p50", latency.p50_ms, 12),
        _marker("p99", latency.p99_ms, 28),
        *(_bar(place, count, max(counts)) for place, count in enumerate(counts) if count),
        f'<line class="axis" x1="{_LEFT}" x2="{_edge(len(counts))}" y1="{_BASE}" y2="{_BASE}"/>',
        *(text(_edge(place + 1), _BASE + 16, _number(bound), "dim") for place, bound in enumerate(BOUNDS_MS)),
        text(WIDTH / 2, _BASE + 34, "milliseconds, upper bound of each bar", "dim"),
    ]
    return svg(f"latency-{number}", (WIDTH, 288), "How long inserts took", f"{'; '.join(words)}.", parts)


def _between(lower: float, upper: float | None) -> str:
    return f"took more than {lower:g} ms" if upper is None else f"took {lower:g} to {upper:g} ms"


def _edge(place: float) -> float:
    return round(_LEFT + place * _STEP, 1)


def _at(milliseconds: float) -> float:
    """Return the x of a time: within its bucket in proportion."""
    place = bisect.bisect_left(BOUNDS_MS, milliseconds)
    if place == len(BOUNDS_MS):
        return _edge(place + 0.5)
    lower = BOUNDS_MS[place - 1] if place else 0.0
    return _edge(place + (milliseconds - lower) / (BOUNDS_MS[place] - lower))


def _zone(name: str, style: str, start: float, end: float | None) -> str:
    left = _LEFT if not start else _at(start)
    right = _edge(len(BOUNDS_MS) + 1) if end is None else _at(end)
    strip = f'<rect class="f-{style}" x="{left + 1}" y="38" width="{round(right - left - 2, 1)}" height="5"/>'
    return strip + text((left + right) / 2, 58, name, "dim")


def _bar(place: int, count: int, most: int) -> str:
    height = max(2.0, round((_BASE - _TOP) * count / most, 1))
    bound = BOUNDS_MS[place] if place < len(BOUNDS_MS) else None
    style = next(zone[1] for zone in _ZONES if zone[3] is None or (bound is not None and bound <= zone[3]))
    top = round(_BASE - height, 1)
    column = f'<rect class="f-{style}" x="{_edge(place) + 3}" y="{top}" width="{_STEP - 6}" height="{height}"/>'
    return column + text(_edge(place + 0.5), top - 4, str(count))


def _marker(name: str, milliseconds: float, row: int) -> str:
    """A dashed line with its label beside it, on the side that has room."""
    x = _at(milliseconds)
    anchor, shift = ("start", 4) if x < WIDTH / 2 else ("end", -4)
    line = f'<line class="mark" x1="{x}" x2="{x}" y1="{row - 9}" y2="{_BASE}"/>'
    return line + text(x + shift, row, f"{name} {_number(milliseconds)} ms", anchor=anchor)


def connections_picture(slots: Connections, number: int) -> str:
    """Draw who gets the server's slots: reserved, used, planned, free; what is planned beyond the end is marked."""
    taken = slots.reserved + slots.used
    scale = (WIDTH - 2 * _LEFT) / max(slots.max_connections, taken + slots.needed)
    room = _room(slots)
    shares = (
        ("reserved", "reserved for superusers", slots.reserved),
        ("used", "in use by others now", slots.used),
        ("needed", "planned for kine", min(slots.needed, room)),
        ("fail", "planned for kine, but not there", max(0, slots.needed - room)),
        ("free", "left", max(0, room - slots.needed)),
        ("free", "left, but not for this role", max(0, _free(slots) - max(room, slots.needed))),
    )
    shown = [share for share in shares if share[2]]
    starts = itertools.accumulate((count for _style, _name, count in shown), initial=0)
    parts = [
        *(_share(style, start, count, scale) for (style, _name, count), start in zip(shown, starts, strict=False)),
        *_limits(slots, scale),
        *(_legend(row, *share) for row, share in enumerate(shown)),
    ]
    words = "; ".join(f"{count} {name}" for _style, name, count in shown)
    description = f"Of {slots.max_connections} slots: {words}."
    return svg(f"connections-{number}", (WIDTH, 124 + 24 * len(shown)), "The connection budget", description, parts)


def _room(slots: Connections) -> int:
    """Return how many connections kine may open beside what is reserved and used."""
    return _free(slots) if slots.role_limit < 0 else min(_free(slots), slots.role_limit)


def _free(slots: Connections) -> int:
    return max(0, slots.max_connections - slots.reserved - slots.used)


def _share(style: str, start: int, count: int, scale: float) -> str:
    x, width = round(_LEFT + start * scale, 1), max(1.5, round(count * scale, 1))
    return f'<rect class="f-{style}" x="{x}" y="32" width="{width}" height="40"/>'


def _limits(slots: Connections, scale: float) -> t.Iterator[str]:
    yield _limit(slots.max_connections, f"max_connections {slots.max_connections}", 20, 84, scale)
    if slots.role_limit >= 0:
        end = slots.reserved + slots.used + slots.role_limit
        yield _limit(end, f"CONNECTION LIMIT {slots.role_limit}", 98, 84, scale)


def _limit(slot: int, label: str, row: int, low: int, scale: float) -> str:
    x = round(min(_LEFT + slot * scale, WIDTH - 2.0), 1)
    anchor = "end" if x > WIDTH / 2 else "start"
    line = f'<line class="mark" x1="{x}" x2="{x}" y1="24" y2="{low}"/>'
    return line + text(x, row, label, anchor=anchor)


def _legend(row: int, style: str, name: str, count: int) -> str:
    y = 128 + 24 * row
    swatch = f'<rect class="f-{style}" x="{_LEFT}" y="{y - 11}" width="14" height="14"/>'
    return swatch + text(_LEFT + 62, y, str(count), anchor="end") + text(_LEFT + 72, y, name, anchor="start")


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
