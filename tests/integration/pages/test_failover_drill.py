# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate, looked at in a real browser: wide and narrow, light and dark, on paper, with hostile words in it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.drill.page import page
from tests.integration.pages.browser import Browser
from tests.integration.pages.looks import FAINT, MISPLACED, OVERFLOWING, PICTURES, histogram_of
from tests.unit.module_utils.drill_pages import everything

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.drill.certificate import Certificate

CERTIFICATES = everything()
SIDEWAYS = "document.documentElement.scrollWidth > window.innerWidth"


def written(folder: Path, certificate: Certificate) -> Path:
    """Return the page of a certificate, as a file."""
    path = folder / "drill.html"
    path.write_text(page(certificate), encoding="utf-8")
    return path


@pytest.fixture(params=CERTIFICATES)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Give the page of each kind of certificate."""
    return written(tmp_path, CERTIFICATES[request.param])


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """Give the page of a drill that passed."""
    return written(tmp_path, CERTIFICATES["passed"])


def test_nothing_overflows_or_overlaps(window: Browser, file: Path) -> None:
    for width in (1600, 1200, 800, 400, 360):
        window.show(file, width=width)
        assert window.ask(MISPLACED) == [], width
        assert window.ask(OVERFLOWING) == [], width
        assert window.ask(SIDEWAYS) is False, width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_schemes(window: Browser, file: Path, scheme: str) -> None:
    window.show(file, scheme=scheme)
    assert window.ask(FAINT) == []


def test_nothing_is_loaded_and_nothing_runs(window: Browser, file: Path) -> None:
    window.show(file)
    assert window.requested() == [file.as_uri()]
    assert window.complaints() == []
    assert window.ask("document.title").startswith("failover_drill: ")
    assert window.ask("document.querySelectorAll('script, img, link, iframe, object').length") == 0


def test_readers_without_eyes_get_the_same(window: Browser, one: Path) -> None:
    window.show(one)
    nodes = window.call("Accessibility.getFullAXTree")["nodes"]
    [picture] = [node for node in nodes if node.get("role", {}).get("value") in ("image", "img")]
    assert picture["name"]["value"].startswith("What clients saw 41.0 seconds, the fault at 10.1 s. ")
    assert "No write was acknowledged from 10.1 s to 14.5 s." in picture["name"]["value"]
    assert "A standby lacked 35100 bytes at most." in picture["name"]["value"]
    ids = window.ask("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_picture_shows_every_outcome_and_the_fault(window: Browser, tmp_path: Path, one: Path) -> None:
    window.show(one, width=760)
    colors = histogram_of(window.picture(tmp_path / "one.png", height=680).read_bytes())
    drawn = {
        "f-ok": "fill",
        "f-warn": "fill",
        "f-used": "fill",
        "f-reserved": "fill",
        "f-needed": "fill",
        "fault": "stroke",
        "back": "stroke",
    }
    pixels = {
        name: colors.get(_triple(window.ask(f"getComputedStyle(document.querySelector('svg .{name}')).{kind}")), 0)
        for name, kind in drawn.items()
    }
    assert {name: count for name, count in pixels.items() if count < 50} == {}
    assert pixels["f-ok"] > 5 * pixels["f-warn"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_for_people_to_look_at(window: Browser, one: Path, scheme: str) -> None:
    window.show(one, width=1000, scheme=scheme)
    dark = window.ask("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark is (scheme == "dark")
    PICTURES.mkdir(parents=True, exist_ok=True)
    window.picture(PICTURES / f"failover_drill-{scheme}.png")


def _triple(color: str) -> tuple[int, int, int]:
    red, green, blue = map(int, color.removeprefix("rgb(").removesuffix(")").split(","))
    return red, green, blue


def test_prints_with_its_bars(window: Browser, one: Path, tmp_path: Path) -> None:
    window.show(one, scheme="dark", media="print")
    assert window.ask("getComputedStyle(document.body).color") == "rgb(27, 31, 36)"
    assert window.ask("getComputedStyle(document.querySelector('.f-gap')).printColorAdjust") == "exact"
    assert window.paper(tmp_path / "drill.pdf").read_bytes().startswith(b"%PDF")
