# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report for people: whole, escaped, and right in what its pictures show. A browser looks at it in tests/integration."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examined import counts_of, text_of
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.histogram import BOUNDS_MS, histogram
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.page import page, verdict
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.page_pictures import (
    connections_picture,
    latency_picture,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Connections, Tls
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.rules_latency import GOOD_MS, SLOW_MS, STALLED_MS
from tests.unit.module_utils.html import read
from tests.unit.module_utils.kine import pages
from tests.unit.module_utils.kine.standin import PLAN, StandIn

WHEN = "2026-11-23 22:40 UTC"


def widths(picture: str, *styles: str) -> list[float]:
    """The widths of a picture's rectangles of these styles, legends left out."""
    found = ElementTree.fromstring(picture).iter("rect")  # noqa: S314 - our own text
    return [
        float(rect.attrib["width"]) for rect in found if rect.attrib["class"] in styles and rect.get("height") == "40"
    ]


def test_histogram_counts_every_time_once() -> None:
    times = [0.0, 0.25, 0.2500001, 25.0, 25.1, 1000.0, 1000.1, 1e9]
    buckets = {bucket.up_to_ms: bucket.count for bucket in histogram(times) if bucket.count}
    assert buckets == {0.25: 2, 0.5: 1, 25.0: 1, 50.0: 1, 1000.0: 1, None: 2}
    assert [bucket.up_to_ms for bucket in histogram([])] == [*BOUNDS_MS, None]


def test_thresholds_are_bounds() -> None:
    assert {GOOD_MS, SLOW_MS, STALLED_MS} <= set(BOUNDS_MS)


def test_examination_fills_what_the_pictures_need() -> None:
    report = pages.examined("a", StandIn()).report
    assert sum(bucket.count for bucket in report.latency.histogram) == PLAN.samples
    assert report.connections == Connections(100, 3, 0, -1, needed=30)


@pytest.mark.parametrize("count", [1, 6])
def test_page_is_whole(count: int) -> None:
    text = page(pages.everything()[:count], WHEN)
    found = read(text)
    text.encode("utf-8")
    assert WHEN in text
    assert not {"script", "img", "link", "iframe"} & {tag for tag, _attributes in found.seen}
    assert not [name for _tag, attributes in found.seen for name in attributes if name.startswith("on")]
    links = [value for _tag, attributes in found.seen for name, value in attributes.items() if name in ("href", "src")]
    ids = {attributes["id"] for _tag, attributes in found.seen if "id" in attributes}
    assert {(link or "").removeprefix("#") for link in links} <= ids
    assert "url(" not in text
    assert "@import" not in text


def test_everything_is_escaped() -> None:
    text = page([pages.hostile()], WHEN)
    assert "<script" not in text
    assert "<img" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)
    assert len(text) < 40_000


def test_no_database_at_all() -> None:
    read(page([], WHEN))


def test_what_is_to_be_done_comes_first() -> None:
    text = page([pages.overbooked()], WHEN)
    statuses = re.findall(r'<tr><td class="status (\w+)"', text)
    assert statuses[:4] == ["fail", "fail", "warn", "warn"]
    assert set(statuses[4:]) == {"ok"}
    assert text.count("What to do:</strong>") == 4


def test_verdicts() -> None:
    assert [verdict(each)[0] for each in pages.everything()] == ["ok", "fail", "fail", "fail", "fail", "skipped"]
    warned = pages.examined("w", StandIn(encryption=Tls()))
    assert verdict(warned) == ("warn", "▲ fit, with warnings")


def test_budget_is_drawn_to_scale() -> None:
    picture = connections_picture(Connections(100, 3, 60, -1, needed=50), 1)
    reserved, used, planned, missing = widths(picture, "f-reserved", "f-used", "f-needed", "f-fail")
    assert used / reserved == pytest.approx(20, rel=0.02)
    assert planned / used == pytest.approx(37 / 60, rel=0.02)
    assert missing / used == pytest.approx(13 / 60, rel=0.02)
    assert "Of 100 slots: 3 reserved for superusers; 60 in use by others now; 37 planned for kine" in picture


@pytest.mark.parametrize(
    ("slots", "missing"),
    [
        (Connections(100, 3, 0, -1, needed=97), 0),
        (Connections(100, 3, 0, -1, needed=98), 1),
        (Connections(100, 3, 0, 20, needed=30), 10),
        (Connections(10, 3, 20, -1, needed=5), 5),
    ],
)
def test_missing_slots_are_named(slots: Connections, missing: int) -> None:
    picture = connections_picture(slots, 1)
    assert (f"{missing} planned for kine, but not there" in picture) is bool(missing)
    assert (", but not there" in picture) is bool(missing)


@pytest.mark.parametrize(
    ("slots", "words"),
    [
        (Connections(100, 3, 7, -1, needed=30), "60 left."),
        (Connections(100, 3, 7, 40, needed=30), "10 left; 50 left, but not for this role."),
        (Connections(100, 3, 7, 20, needed=30), "10 planned for kine, but not there; 60 left, but not for this role."),
    ],
)
def test_all_slots_are_drawn(slots: Connections, words: str) -> None:
    picture = connections_picture(slots, 1)
    assert words in picture
    drawn = widths(picture, "f-reserved", "f-used", "f-needed", "f-fail", "f-free")
    assert sum(drawn) == pytest.approx(528, rel=0.01)


@pytest.mark.parametrize("slow", [0.1, 24.0, 60.0, 999.0, 1e6])
def test_bars_and_marks_stay_inside(slow: float) -> None:
    picture = latency_picture(pages.latency([0.01, slow]), 1)
    root = ElementTree.fromstring(picture)  # noqa: S314 - our own text
    _zero, _none, width, height = map(float, root.attrib["viewBox"].split())
    for rect in root.iter("rect"):
        assert 0 <= float(rect.attrib["x"]) <= float(rect.attrib["x"]) + float(rect.attrib["width"]) <= width
        assert 0 <= float(rect.attrib["y"]) <= float(rect.attrib["y"]) + float(rect.attrib["height"]) <= height
    for line in root.iter("line"):
        assert 0 <= float(line.attrib["x1"]) <= float(line.attrib["x2"]) <= width


@pytest.mark.parametrize(
    ("slow", "style"),
    [(1, "ok"), (25, "ok"), (26, "fair"), (100, "fair"), (101, "warn"), (1000, "warn"), (1001, "fail")],
)
def test_bars_have_the_color_of_their_zone(slow: float, style: str) -> None:
    picture = latency_picture(pages.latency([slow]), 1)
    assert re.findall(r'class="f-(\w+)" x="[^"]+" y="[^"]+" width="25"', picture) == [style]


def test_text_of_many() -> None:
    warned = pages.examined("w", StandIn(encryption=Tls()))
    text = text_of([pages.healthy("a"), pages.overbooked(), warned, pages.unexamined()[1]])
    passed = len(warned.report.checks)
    assert text.startswith("4 databases: 1 with failures, 1 with warnings only\n\n")
    assert f"\n\na: {passed} passed, 0 warnings, 0 failed\nOK " in text
    assert f"\n\nteam-b: {passed - 4} passed, 2 warnings, 2 failed\n" in text
    assert text.endswith("\n\nteam-e: The Secret team-e/x does not exist yet.")


def test_counts_of_many() -> None:
    both = [pages.healthy(), pages.overbooked()]
    passed = sum(len(each.report.checks) for each in both) - 4
    assert counts_of(both) == {"passed": passed, "warnings": 2, "failed": 2, "skipped": 0}
    assert counts_of([]) == {"passed": 0, "warnings": 0, "failed": 0, "skipped": 0}
