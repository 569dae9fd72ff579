# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report, looked at in a real browser: wide and narrow, light and dark, on paper, with hostile words in it."""

from __future__ import annotations

import struct
import typing as t
import zlib
from pathlib import Path

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.page import page
from tests.integration.kine_check.browser import Browser, browser
from tests.unit.module_utils.kine.pages import everything, healthy

PICTURES = Path(__file__).parents[3] / ".build" / "pictures"
"""For people to look at."""
WHEN = "2026-11-23 22:40 UTC"
# Every text of a picture that is not wholly inside its picture, or that lies over another one.
MISPLACED = """
[...document.querySelectorAll('svg')].flatMap(svg => {
  const frame = svg.getBoundingClientRect(), texts = [...svg.querySelectorAll('text')]
  const box = text => text.getBoundingClientRect()
  const outside = texts.filter(text => box(text).left < frame.left - 1 || box(text).right > frame.right + 1 ||
    box(text).top < frame.top - 1 || box(text).bottom > frame.bottom + 1).map(text => 'outside: ' + text.textContent)
  const over = texts.flatMap((text, place) => texts.slice(place + 1).filter(other => {
    const a = box(text), b = box(other)
    return a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3
  }).map(other => text.textContent + ' over ' + other.textContent))
  return [...outside, ...over]
})
"""
# Every element whose content is wider than it is: on a screen that needs scrolling sideways.
OVERFLOWING = """
[document.documentElement, ...document.querySelectorAll('body, table, td, th, dd, h1, h2, figure, figcaption, p')]
  .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline' && e.clientWidth > 1)
  .map(e => e.tagName + ': ' + e.textContent.slice(0, 40))
"""
# The contrast (WCAG 2) of each text with what is behind it.
FAINT = """
(() => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
  const light = c => { const [r, g, b] = c.match(/[0-9.]+/g).map(Number)
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b) }
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor
    if (!/, 0\\)$|transparent/.test(c)) return c } return 'rgb(255, 255, 255)' }
  return [...document.querySelectorAll('p, td, th, dt, dd, h1, h2, h3, a, span, figcaption, caption, text, .dim')]
    .filter(e => e.textContent.trim()).map(e => {
      const style = getComputedStyle(e), front = e.tagName === 'text' ? style.fill : style.color
      const [a, b] = [light(front), light(behind(e))].sort((x, y) => y - x)
      return [(a + 0.05) / (b + 0.05), e.tagName + ' ' + e.textContent.slice(0, 30)] })
    .filter(([ratio]) => ratio < 4.5).map(([ratio, name]) => name + ' ' + ratio.toFixed(1))
})()
"""


@pytest.fixture(scope="module")
def window() -> t.Iterator[Browser]:
    """Give a browser for all tests of this file."""
    with browser() as running:
        yield running


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


def histogram_of(png: bytes) -> dict[tuple[int, int, int], int]:
    """Count the colors of a PNG with 8 bits a channel and no palette, as browsers write them."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert depth == 8
    channels = {2: 3, 6: 4}[kind]
    place, data = 8, b""
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += length + 12
    raw, stride = zlib.decompress(data), width * channels
    above, counts = bytearray(stride), dict[tuple[int, int, int], int]()
    for row in range(height):
        start = row * (stride + 1)
        above = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), above, channels)
        for x in range(0, stride, channels):
            color = (above[x], above[x + 1], above[x + 2])
            counts[color] = counts.get(color, 0) + 1
    return counts


def _unfiltered(method: int, line: bytearray, above: bytearray, channels: int) -> bytearray:
    """Undo a PNG line's filter."""
    for x in range(len(line)):
        left = line[x - channels] if x >= channels else 0
        corner = above[x - channels] if x >= channels else 0
        guess = (0, left, above[x], (left + above[x]) // 2, _paeth(left, above[x], corner))[method]
        line[x] = (line[x] + guess) & 255
    return line


def _paeth(left: int, above: int, corner: int) -> int:
    estimate = left + above - corner
    return min((left, above, corner), key=lambda value: abs(estimate - value))
