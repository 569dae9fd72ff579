# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of a self-contained page, and the way for the words of others into it. Pure.

Nothing in a page is loaded from anywhere and nothing in it runs: its own policy forbids both.
"""

from __future__ import annotations

import unicodedata
from html import escape

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import shorten
from ansible_collections.k0smotron.ha.plugins.module_utils.report_page.style import STYLE

# A page quotes what a server said; none is readable with more of it.
LONGEST = 1200
LONGEST_NAME = 120
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def document(title: str, header: str, main: str) -> str:
    """Return the whole page, valid UTF-8 whatever comes; all three are HTML."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
{header}
</header>
<main>
{main}</main>
</body>
</html>
"""


def safe(text: str, longest: int = LONGEST) -> str:
    """Return text that a server or a user wrote, on one line, as HTML; what no font shows becomes a replacement sign."""
    line = shorten(text, longest)
    shown = ("\ufffd" if unicodedata.category(letter) in ("Cc", "Cf", "Cs") else letter for letter in line)
    return escape("".join(shown))


def facts(pairs: tuple[tuple[str, str], ...]) -> str:
    """Return a list of names with their values, which are HTML; those without a value are left out."""
    return f'<dl class="facts">{"".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in pairs if value)}</dl>'
