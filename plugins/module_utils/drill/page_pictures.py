# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate's picture, as SVG: what clients saw, along the time. Pure."""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import ACKNOWLEDGED, FAILED, OUTCOMES, UNKNOWN
from ansible_collections.k0smotron.ha.plugins.module_utils.report_page.svg import svg, text

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.drill.certificate import Certificate

WIDTH, HEIGHT = 840, 492
MOST_BARS = 130
"""More of them are too thin to be told apart."""
_LEFT, _RIGHT = 84, 808
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_QUICKEST = 0.01
"""Where the scale of the slowest writes begins, in seconds."""
_COLORS = {ACKNOWLEDGED: "ok", UNKNOWN: "warn", FAILED: "fail"}
"""In the order in which they stand on each other."""
_LEGEND = (400, 580, 714)
_LABEL_ROOM = 40


@dataclass(frozen=True)
class _Lane:
    """A part of the picture with a scale of its own."""

    top: int
    base: int

    def column(self, style: str, x: float, width: float, share: float, below: float = 0.0) -> str:
        """A share of the lane's height that stands on what is below, seen also when it is little."""
        if not share:
            return ""
        height = max(1.5, (self.base - self.top) * share)
        y = self.base - (self.base - self.top) * below - height
        return f'<rect class="f-{style}" x="{x:.1f}" y="{max(y, self.top):.1f}" width="{width:.1f}" height="{height:.1f}"/>'

    def line(self, share: float, label: str) -> str:
        """A line across at a share of the height."""
        y = round(self.base - (self.base - self.top) * share, 1)
        across = f'<line class="axis" x1="{_LEFT}" x2="{_RIGHT}" y1="{y}" y2="{y}"/>'
        return across + text(_LEFT - 6, y + 4, label, "dim", anchor="end")


_WRITES, _SLOWEST, _EVENTS, _LAG = _Lane(58, 158), _Lane(192, 272), _Lane(306, 340), _Lane(374, 408)
_LANES = (_WRITES, _SLOWEST, _EVENTS, _LAG)
_MOMENTS = 430


@dataclass(frozen=True)
class _Bin:
    """Some seconds of the drill as one bar."""

    second: int
    writes: t.Mapping[str, int]
    slowest: float
    events: int
    lag: int | None
    """The most bytes that a standby lacked, None where nobody knows."""

    @property
    def count(self) -> int:
        return sum(self.writes.values())


class _Scale(t.NamedTuple):
    """From seconds to places."""

    seconds: int
    step: int

    def x(self, second: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * min(max(second, 0.0), self.seconds) / self.seconds, 1)


def timeline_picture(certificate: Certificate) -> str:
    """Draw writes by outcome, the slowest write, events told and lag, along the time; and the fault, the gap, the moments."""
    timeline = certificate["timeline"]
    step = _step(len(timeline) / MOST_BARS)
    scale = _Scale(max(1, len(timeline)), step)
    bins = [_bin(timeline[start : start + step]) for start in range(0, len(timeline), step)]
    parts = [
        *_gap(certificate, scale),
        *_writes(bins, scale),
        *_slowest(bins, scale),
        *_events(bins, scale),
        *_lag(bins, scale),
        *_moments(certificate["moments"], scale),
        *_axis(scale),
        _fault(certificate["fault"]["at"], scale),
        *_titles("each second" if step == 1 else f"every {step} s"),
    ]
    return svg("timeline", (WIDTH, HEIGHT), "What clients saw", _words(certificate, bins), parts, "wide")


def gap(certificate: Certificate) -> tuple[float, float]:
    """When the longest gap in acknowledged writes began and ended; a gap without an end lasts until the writers stopped."""
    seen = certificate["measures"]
    back = seen["write_back"]
    end = certificate["seconds"] if back is None else certificate["fault"]["at"] + back
    return end - seen["write_gap"], end


def _step(least: float) -> int:
    return next((step for step in _STEPS if step >= least), math.ceil(least))


def _bin(seconds: t.Sequence[t.Mapping[str, t.Any]]) -> _Bin:
    return _Bin(
        second=seconds[0]["second"],
        writes={outcome: sum(each[outcome] for each in seconds) for outcome in OUTCOMES},
        slowest=max(each["slowest"] for each in seconds),
        events=sum(each["events"] for each in seconds),
        lag=max((each["lag"] for each in seconds if each["lag"] is not None), default=None),
    )


def _place(each: _Bin, scale: _Scale) -> tuple[float, float]:
    """Where a bar begins, and its width: a little air between two."""
    left, right = scale.x(each.second), scale.x(each.second + scale.step)
    return left, max(1.0, (right - left) * 0.86)


def _writes(bins: t.Sequence[_Bin], scale: _Scale) -> t.Iterator[str]:
    most = max((one.count for one in bins), default=0) or 1
    yield _WRITES.line(0, "0")
    yield _WRITES.line(1, str(most))
    for one in bins:
        below = 0.0
        for outcome, style in _COLORS.items():
            share = one.writes[outcome] / most
            yield _WRITES.column(style, *_place(one, scale), share, below)
            below += share


def _titles(each: str) -> t.Iterator[str]:
    """What the lanes show, and what the colors of the first mean; over all else, because lines cross them."""
    shown = ("writes begun", "slowest write begun", "events told to watchers", "bytes that a standby lacked")
    for lane, words in zip(_LANES, shown, strict=True):
        yield text(_LEFT, lane.top - 10, f"{words} {each}", "dim", anchor="start")
    for x, (outcome, style) in zip(_LEGEND, _COLORS.items(), strict=True):
        yield f'<rect class="f-{style}" x="{x}" y="{_WRITES.top - 20}" width="12" height="12"/>'
        yield text(x + 18, _WRITES.top - 10, outcome, "dim", anchor="start")


def _slowest(bins: t.Sequence[_Bin], scale: _Scale) -> t.Iterator[str]:
    """By the logarithm: a hundredth of a second and ten seconds are both to be seen."""
    longest = max([1.0, *(one.slowest for one in bins)])

    def share(seconds: float) -> float:
        return math.log(max(seconds, _QUICKEST) / _QUICKEST) / math.log(longest / _QUICKEST)

    for power in range(-2, int(math.log10(longest)) + 1):
        yield _SLOWEST.line(share(10.0**power), f"{10.0**power:g} s")
    for one in bins:
        if one.count:
            yield _SLOWEST.column("used", *_place(one, scale), max(share(one.slowest), 0.01))


def _events(bins: t.Sequence[_Bin], scale: _Scale) -> t.Iterator[str]:
    """By the logarithm: what a watcher was not told for a minute comes at once."""
    most = max((one.events for one in bins), default=0)
    yield _EVENTS.line(0, "0")
    yield _EVENTS.line(1, str(most or 1))
    for one in bins:
        yield _EVENTS.column("reserved", *_place(one, scale), math.log1p(one.events) / math.log1p(most or 1))


def _lag(bins: t.Sequence[_Bin], scale: _Scale) -> t.Iterator[str]:
    """By the logarithm of bytes. A standby that lacks nothing is a thin bar; no bar means that nobody knows."""
    known = [(one, one.lag) for one in bins if one.lag is not None]
    most = max((lag for _one, lag in known), default=0)
    yield _LAG.line(0, "0" if known else "?")
    if most:
        yield _LAG.line(1, _short(most))
    for one, lag in known:
        yield _LAG.column("needed", *_place(one, scale), max(math.log1p(lag) / math.log1p(most or 1), 0.01))


def _short(count: float) -> str:
    """Bytes in four letters, for which there is room beside the lane."""
    for unit in ("", "K", "M"):
        if count < 1000:
            return f"{count:.0f}{unit}"
        count /= 1024
    return f"{count:.0f}G"


def _gap(certificate: Certificate, scale: _Scale) -> t.Iterator[str]:
    began, end = (scale.x(at) for at in gap(certificate))
    yield (
        f'<rect class="f-gap" x="{began}" y="{_WRITES.top}" width="{max(1.0, end - began):.1f}" '
        f'height="{_LAG.base - _WRITES.top}"/>'
    )
    if certificate["measures"]["write_back"] is not None:
        yield f'<line class="back" x1="{end}" x2="{end}" y1="{_WRITES.top}" y2="{_LAG.base}"/>'


def _fault(at: float, scale: _Scale) -> str:
    x = scale.x(at)
    line = f'<path class="fault" d="M{x} 6V26M{x} {_WRITES.top}V{_LAG.base}"/>'
    anchor, shift = ("start", 5) if x < WIDTH / 2 else ("end", -5)
    return line + text(x + shift, 20, f"fault at {at:.1f} s", "strong", anchor=anchor)


def _moments(moments: t.Sequence[t.Mapping[str, t.Any]], scale: _Scale) -> t.Iterator[str]:
    """Each with its number in the list below the picture, where there is room for it; what came later is only in the list."""
    free = 0.0
    for number, moment in enumerate(moments, 1):
        if moment["at"] > scale.seconds:
            break
        x = scale.x(moment["at"])
        yield f'<line class="mark" x1="{x}" x2="{x}" y1="{_WRITES.top}" y2="{_MOMENTS - 14}"/>'
        if x >= free:
            yield text(x, _MOMENTS, str(number), "strong")
            free = x + _LABEL_ROOM


def _axis(scale: _Scale) -> t.Iterator[str]:
    step = _step(scale.seconds / 10)
    for second in range(0, scale.seconds + 1, step):
        yield text(scale.x(second), _MOMENTS + 26, str(second), "dim")
    yield text((_LEFT + _RIGHT) / 2, _MOMENTS + 52, "seconds since the drill began", "dim")


def _words(certificate: Certificate, bins: t.Sequence[_Bin]) -> str:
    seen = certificate["measures"]
    began, end = gap(certificate)
    slowest = max((one.slowest for one in bins), default=0.0)
    moments = len(certificate["moments"])
    over = "" if seen["write_back"] is not None else ", and none until the end"
    return (
        f"{certificate['seconds']:.1f} seconds, the fault at {certificate['fault']['at']:.1f} s. "
        f"{seen['acknowledged']} writes acknowledged, {seen['failed']} failed, {seen['unknown']} unknown. "
        f"No write was acknowledged from {began:.1f} s to {end:.1f} s{over}. The slowest write took {slowest:.1f} s. "
        f"Watchers were told {sum(one.events for one in bins)} events. {_lag_in_words(bins)} "
        f"{moments} {'moment is' if moments == 1 else 'moments are'} marked, and listed below."
    )


def _lag_in_words(bins: t.Sequence[_Bin]) -> str:
    most = max((one.lag for one in bins if one.lag is not None), default=None)
    return "How far standbys were behind is unknown." if most is None else f"A standby lacked {most} bytes at most."
