# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills in the variables of a manifest that is written for clusterctl. PURE."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

# `$${` stands for a literal `${`, as in clusterctl. Every other $, such as the end of a pattern, is text.
EXPRESSION = re.compile(r"\$\$\{|\$\{(?P<inside>[^}]*)\}")
VARIABLE = re.compile(r"\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::?[=-](?P<default>(?:(?!\$\{).)*))?\s*", re.DOTALL)


def fill_in(text: str, variables: t.Mapping[str, t.Any], source: str) -> str:
    """The text with `${NAME}`, `${NAME:=default}` and `${NAME:-default}` replaced; an empty value takes the default.

    Raises InvalidInput that names every variable that has neither a value nor a default.
    """
    values = {name: _as_text(value) for name, value in variables.items() if value is not None}
    missing: set[str] = set()

    def replaced(match: re.Match[str]) -> str:
        inside = match["inside"]
        if inside is None:
            return "${"
        variable = VARIABLE.fullmatch(inside)
        if variable is None:
            raise InvalidInput(f"{source} holds ${{{inside}}}, which cannot be filled in", "Give a rendered manifest")
        name, default = variable["name"], variable["default"]
        if name not in values and default is None:
            missing.add(name)
        return values.get(name) or default or ""

    filled = EXPRESSION.sub(replaced, text)
    if missing:
        raise InvalidInput(
            f"{source} needs values for these variables: {', '.join(sorted(missing))}", "Give them in variables"
        )
    return filled


def _as_text(value: t.Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
