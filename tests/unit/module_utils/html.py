# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of HTML as tests read them."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "line", "rect"}


class Balanced(HTMLParser):
    """Fails on an element that is not closed, or closed twice; keeps every element's name and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self.open.pop() == tag


def read(text: str) -> Balanced:
    """Read a page."""
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    return parser
