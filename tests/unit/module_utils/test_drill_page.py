# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate for people: whole, escaped, and right in what its picture shows. A browser looks at it in tests/integration."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.drill import oracle
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.page import loss, page
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.page_pictures import (
    HEIGHT,
    MOST_BARS,
    WIDTH,
    gap,
    timeline_picture,
)
from tests.unit.module_utils import drill_pages
from tests.unit.module_utils.html import read

EVERYTHING = drill_pages.everything()


def drawn(picture: str, kind: str, style: str | None = None) -> list[dict[str, str]]:
    """The attributes of a picture's elements of this kind; legends, which are 12 wide and high, left out."""
    found = ElementTree.fromstring(picture).iter(kind)  # noqa: S314 - our own text
    return [each.attrib for each in found if style in (None, each.get("class")) and each.get("height") != "12"]


@pytest.mark.parametrize("name", EVERYTHING)
def test_page_is_whole(name: str) -> None:
    text = page(EVERYTHING[name])
    text.encode("utf-8")
    found = read(text)
    assert not {"script", "img", "link", "iframe"} & {tag for tag, _attributes in found.seen}
    assert not [key for _tag, attributes in found.seen for key in attributes if key.startswith("on")]
    assert not [key for _tag, attributes in found.seen for key in attributes if key in ("href", "src")]
    assert "None" not in text
    assert "url(" not in text


def test_everything_is_escaped() -> None:
    text = page(drill_pages.hostile())
    assert text.count("&lt;script&gt;") > 10
    assert "<script" not in text
    assert "<img" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)
    assert len(text) < 100_000


@pytest.mark.parametrize(
    ("name", "style", "words"),
    [
        ("passed", "ok", ["✓ passed"]),
        (
            "never_back",
            "fail",
            ["✗ did not pass", "<li>the longest write gap was", "<li>no acknowledged write is lost: "],
        ),
    ],
)
def test_the_verdict_stands_in_the_head_with_what_is_against_it(name: str, style: str, words: list[str]) -> None:
    head = page(EVERYTHING[name]).partition("</header>")[0]
    assert f'<span class="status {style}">{words[0]}</span>' in head
    assert all(each in head for each in words)
    assert ("<li>" in head) is (name == "never_back")


def test_what_was_drilled_is_told() -> None:
    text = page(drill_pages.passed())
    for words in (
        "team-a/team-a",
        "3 replicas, k0s v1.34.4-k0s.0",
        "acid-a (zalando)",
        "4 writers, 20 writes a second together, 1 reader, 2 watchers",
        "wait 2 s for a connection and 10 s for an answer; never try a request again",
        "<code>9ddd71938e5c</code>",
        "2026-11-27 23:58:34 UTC",
        "<li>14.0 s (3.9 s after the fault): primary db-1</li>",
        "<li>0.5 s (9.6 s before the fault): primary db-0</li>",
        '<td class="number">21</td><td class="outcome">unknown</td><td>TimeoutError: timed out</td>',
    ):
        assert words in text


def test_a_fault_of_the_users_own_is_told_by_its_command() -> None:
    assert "run on this host" not in page(drill_pages.passed())
    own = drill_pages.own()
    assert "run on this host: &lt;/td&gt;" in page(own)
    assert own["fault"]["actions"] == [f"run on this host: {drill_pages.HOSTILE}"]


def test_a_client_that_tries_again_is_told_from_one_without_patience() -> None:
    found = drill_pages.passed()
    found["load"]["retries"] = 1
    found["measures"] |= {"writes_twice": 5, "reads_twice": 1}
    assert "try a request once more, at once and over a new connection: 5 writes and 1 read here" in page(found)


@pytest.mark.parametrize(
    ("lost", "acknowledged", "bound", "words"),
    [
        (0, 501, 0.00596, "0 of 501 acknowledged writes lost.</strong> With 95 % confidence fewer than 0.6 % are lost"),
        (0, 1, 0.95, "fewer than 95 % are lost"),
        (0, 29876, 0.0001, "fewer than 0.01 % are lost"),
        (73, 662, 0.0045, "<strong>73 of 662 acknowledged writes lost (11 %).</strong>"),
        (662, 662, 0.0045, "lost (100 %)"),
        (0, 0, None, "nothing is shown"),
    ],
)
def test_loss_is_told_with_its_statistics(lost: int, acknowledged: int, bound: float | None, words: str) -> None:
    found = drill_pages.passed()
    found["rules"][0]["count"] = lost
    found["measures"] |= {"acknowledged": acknowledged, "loss_bound": bound}
    assert words in loss(found)
    assert ("confidence" in loss(found)) is bool(acknowledged and not lost)


@pytest.mark.parametrize(
    ("measure", "seen", "limit", "cells"),
    [
        ("write_gap", 4.809, 10.0, '<td class="number status ok">4.81 s</td><td class="number">10 s</td>'),
        ("write_gap", 30.111, 25.0, '<td class="number status fail">30.1 s</td><td class="number">25 s</td>'),
        ("watch_gap", 79.298, None, '<td class="number">79.3 s</td><td class="number">any</td>'),
        ("watch_gap", 79.298, 60.0, '<td class="number status fail">79.3 s</td><td class="number">60 s</td>'),
        ("read_back", None, None, '<td class="number">never</td><td class="number"></td>'),
        ("write_p99", None, None, '<td class="number">none</td><td class="number"></td>'),
    ],
)
def test_times_stand_beside_their_limits(measure: str, seen: float | None, limit: float | None, cells: str) -> None:
    found = drill_pages.passed()
    found["measures"][measure] = seen
    if measure in found["limits"]:
        found["limits"][measure] = limit
    assert cells in page(found)


def test_each_rule_is_told_with_what_is_against_it() -> None:
    text = page(drill_pages.never_back())
    assert text.count("✓ ok") + text.count("✗ failed") == len(oracle.RULES)
    assert re.search(r'✗ failed</td><th scope="row">No acknowledged write is lost</th><td>\d+: create of w0-', text)


def test_bars_are_drawn_to_scale() -> None:
    found = drill_pages.passed()
    picture = timeline_picture(found)
    heights = [float(each["height"]) for each in drawn(picture, "rect", "f-ok")]
    counts = [second["acknowledged"] for second in found["timeline"] if second["acknowledged"]]
    assert len(heights) == len(counts)
    assert heights == [pytest.approx(100 * count / max(counts), abs=0.1) for count in counts]
    assert len(drawn(picture, "rect", "f-warn")) == sum(second["unknown"] > 0 for second in found["timeline"])
    assert drawn(picture, "rect", "f-fail") == []


def test_outcomes_of_one_second_stand_on_each_other() -> None:
    found = drill_pages.passed()
    found["timeline"] = [{**found["timeline"][0], "acknowledged": 5, "unknown": 3, "failed": 2}]
    picture = timeline_picture(found)
    boxes = [drawn(picture, "rect", style)[0] for style in ("f-ok", "f-warn", "f-fail")]
    tops = [float(box["y"]) for box in boxes]
    assert [float(box["height"]) for box in boxes] == pytest.approx([50, 30, 20])
    assert tops == pytest.approx([tops[0], tops[0] - 30, tops[0] - 50])


def test_the_slowest_write_and_the_events_are_drawn_by_their_logarithm() -> None:
    found = drill_pages.long(200)
    for second, took in ((0, 0.1), (1, 10.0), (2, 1.0), (5, 0.01)):
        found["timeline"][second] |= {"slowest": took, "events": 0 if second else 999}
    found["timeline"] = found["timeline"][:6] + [
        {**each, "events": 0, "acknowledged": 0} for each in found["timeline"][6:]
    ]
    found["timeline"][3] |= {"slowest": 0.1, "events": 0}
    found["timeline"][4] |= {"slowest": 0.01, "events": 9}
    picture = timeline_picture(found)
    heights = [float(box["height"]) for box in drawn(picture, "rect", "f-used")]
    assert heights == pytest.approx([80, 80 * 2 / 3, 1.5], abs=0.1), "two seconds a bar: 10 s, 1 s, 0.01 s"
    events = [float(box["height"]) for box in drawn(picture, "rect", "f-reserved")]
    assert events == pytest.approx([34, 34 / 3], abs=0.1), "999 and 9 events"
    assert "The slowest write took 10.0 s. Watchers were told 1008 events." in picture


def test_lag_is_drawn_where_it_is_known() -> None:
    found = drill_pages.passed()
    for second in found["timeline"]:
        second["lag"] = {3: 0, 4: 99, 5: 9999, 6: 0}.get(second["second"])
    picture = timeline_picture(found)
    assert [float(box["height"]) for box in drawn(picture, "rect", "f-needed")] == pytest.approx(
        [1.5, 17, 34, 1.5], abs=0.1
    )
    assert ">10K</text>" in picture
    assert "A standby lacked 9999 bytes at most." in picture
    found["timeline"] = [{**second, "lag": None} for second in found["timeline"]]
    picture = timeline_picture(found)
    assert drawn(picture, "rect", "f-needed") == []
    assert ">?</text>" in picture
    assert "How far standbys were behind is unknown." in picture


def test_the_gap_and_its_end_are_marked() -> None:
    found = drill_pages.passed()
    assert list(gap(found)) == pytest.approx([10.1, 14.5])
    picture = timeline_picture(found)
    [shade], [back] = drawn(picture, "rect", "f-gap"), drawn(picture, "line", "back")
    assert float(shade["x"]) + float(shade["width"]) == pytest.approx(float(back["x1"]), abs=0.2)
    assert "No write was acknowledged from 10.1 s to 14.5 s." in picture


def test_a_gap_without_an_end_lasts_until_the_end() -> None:
    found = drill_pages.never_back()
    picture = timeline_picture(found)
    [shade] = drawn(picture, "rect", "f-gap")
    assert drawn(picture, "line", "back") == []
    place = {second: 84 + (808 - 84) * second / len(found["timeline"]) for second in (10.1, found["seconds"])}
    assert float(shade["x"]) == pytest.approx(place[10.1], abs=0.2), "the last acknowledgement"
    assert float(shade["x"]) + float(shade["width"]) == pytest.approx(place[found["seconds"]], abs=0.2)
    assert ", and none until the end" in picture


@pytest.mark.parametrize(
    ("seconds", "each"), [(130, "each second"), (131, "every 2 s"), (601, "every 5 s"), (9000, "every 120 s")]
)
def test_long_drills_are_drawn_in_steps_without_losing_a_write(seconds: int, each: str) -> None:
    found = drill_pages.long(seconds)
    picture = timeline_picture(found)
    assert f"writes begun {each}" in picture
    assert len(drawn(picture, "rect", "f-ok")) <= MOST_BARS
    most = max(float(rect["height"]) for rect in drawn(picture, "rect", "f-ok"))
    assert most == pytest.approx(100)
    assert len(re.findall(r">(\d+)</text>", picture)) < 60, "numbers of moments and seconds that have room"


@pytest.mark.parametrize("name", EVERYTHING)
def test_all_stays_inside(name: str) -> None:
    picture = timeline_picture(EVERYTHING[name])
    for rect in drawn(picture, "rect"):
        assert 0 <= float(rect["x"]) <= float(rect["x"]) + float(rect["width"]) <= WIDTH
        assert 0 <= float(rect["y"]) <= float(rect["y"]) + float(rect["height"]) <= HEIGHT
    for line in drawn(picture, "line"):
        assert 0 <= float(line["x1"]) <= float(line["x2"]) <= WIDTH


def test_what_came_after_the_writers_is_only_in_the_list() -> None:
    found = drill_pages.passed()
    marks = len(drawn(timeline_picture(found), "line", "mark"))
    found["moments"].append({"at": 99.0, "what": "standby db-0"})
    assert len(drawn(timeline_picture(found), "line", "mark")) == marks
    assert "standby db-0" in page(found)
