# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report, looked at in a real browser: wide and narrow, light and dark, on paper, with hostile words in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.page import page
from tests.integration.pages.browser import Browser
from tests.integration.pages.looks import FAINT, MISPLACED, OVERFLOWING, PICTURES, histogram_of
from tests.unit.module_utils.kine.pages import everything, healthy

WHEN = "2026-11-23 22:40 UTC"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give the page of all kinds of databases, as a file."""
    path = tmp_path / "report.html"
    path.write_text(page(everything(), WHEN), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [1600, 1200, 800, 360])
def test_nothing_overflows_or_overlaps(window: Browser, file: Path, width: int) -> None:
    window.show(file, width=width)
    assert window.ask(MISPLACED) == []
    assert window.ask(OVERFLOWING) == []
    assert window.ask("document.querySelectorAll('svg').length") == 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_schemes(window: Browser, file: Path, scheme: str) -> None:
    window.show(file, scheme=scheme)
    assert window.ask(FAINT) == []
    dark = window.ask("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark is (scheme == "dark")


def test_nothing_is_loaded_and_nothing_runs(window: Browser, file: Path) -> None:
    window.show(file)
    assert window.requested() == [file.as_uri()]
    assert window.complaints() == []
    assert window.ask("document.title").startswith("kine_check")
    assert window.ask("document.querySelectorAll('script, img, link, iframe, object').length") == 0


def test_a_script_would_not_run(window: Browser, file: Path) -> None:
    """Should a word ever get through, the page's own policy stops it."""
    text = file.read_text(encoding="utf-8")
    script = "<script>document.title = 'owned'</script><img src='http://192.0.2.1/x'>"
    file.write_text(text.replace("<main>", f"<main>{script}"), encoding="utf-8")
    window.show(file)
    assert window.ask("document.title") != "owned"
    assert window.complaints(), "the browser must say what it refused"


def test_readers_without_eyes_get_the_same(window: Browser, file: Path) -> None:
    window.show(file)
    nodes = window.call("Accessibility.getFullAXTree")["nodes"]
    named = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if "role" in node]
    pictures = [name for role, name in named if role in ("image", "img")]
    assert len(pictures) == 8
    assert all(" took " in name or " slots: " in name for name in pictures)
    assert "took 1 to 1.5 ms" in pictures[0]
    assert [name for role, name in named if role == "main"] == [""]
    ids = window.ask("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_picture_shows_something(window: Browser, tmp_path: Path, scheme: str) -> None:
    path = tmp_path / "one.html"
    path.write_text(page([healthy()], WHEN), encoding="utf-8")
    window.show(path, width=1000, scheme=scheme)
    colors = histogram_of(window.picture(tmp_path / "one.png", height=600).read_bytes())
    paper = (255, 255, 255) if scheme == "light" else (20, 23, 27)
    assert max(colors, key=lambda color: colors[color]) == paper
    bars = colors.get((0x3C, 0x9D, 0x6B), 0)
    assert bars > 10_000, "the green of bars and planned connections"
    assert len(colors) > 50
    PICTURES.mkdir(parents=True, exist_ok=True)
    window.picture(PICTURES / f"kine_check-{scheme}.png")


def test_prints_on_white_with_its_bars(window: Browser, file: Path, tmp_path: Path) -> None:
    window.show(file, scheme="dark", media="print")
    assert window.ask("getComputedStyle(document.body).color") == "rgb(27, 31, 36)"
    assert window.ask("getComputedStyle(document.querySelector('.f-ok')).printColorAdjust") == "exact"
    printed = window.paper(tmp_path / "report.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") >= len(everything())
