# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at a page in a browser finds: words in the wrong place, too wide, too faint, and the colors of a picture."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

PICTURES = Path(__file__).parents[3] / ".build" / "pictures"
"""For people to look at."""
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
