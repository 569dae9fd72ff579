# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a MySQL's or MariaDB's settings. Pure."""

from __future__ import annotations

import re

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.parameters import Settings, given

__all__ = ["Settings", "canonical", "my_cnf"]

_QUOTED = re.compile(r"""[#'"\\]|^\s|\s$""")
"""Outside quotes # begins a comment, \\ an escape, and outer spaces are lost."""


def canonical(name: str) -> str:
    """One spelling of a setting: the servers take - for _ in a file, and any case."""
    return name.replace("-", "_").lower()


def my_cnf(section: str, ours: Settings, users: Settings) -> str:
    """The file, with the user's settings over ours; null takes one of ours away."""
    settings = {**ours, **{canonical(name): value for name, value in users.items()}}
    return "\n".join([f"[{section}]", *(f"{name} = {_text(value)}" for name, value in given(settings).items()), ""])


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    text = str(value)
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"' if _QUOTED.search(text) else text
