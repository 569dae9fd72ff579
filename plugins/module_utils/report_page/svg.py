# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts that pictures are made of, as SVG. Pure."""

from __future__ import annotations

import typing as t
from html import escape


def svg(name: str, size: tuple[int, int], title: str, description: str, parts: t.Iterable[str], style: str = "") -> str:
    """Return a picture that says the same in words (title and desc), for those who do not see it."""
    attribute = f' class="{style}"' if style else ""
    return (
        f'<svg role="img" viewBox="0 0 {size[0]} {size[1]}" aria-labelledby="{name}-t {name}-d"{attribute}>'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(description)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def text(x: float, y: float, words: str, style: str = "", *, anchor: str = "middle") -> str:
    """Return words that stand on a line at y."""
    attribute = f' class="{style}"' if style else ""
    return f'<text x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}"{attribute}>{escape(words)}</text>'
