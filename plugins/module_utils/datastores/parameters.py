# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database server's parameters may be: text, a number, a boolean, or null for the server's own default. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

Settings: t.TypeAlias = t.Mapping[str, t.Any]


def check_values(parameters: Settings) -> None:
    """Raise InvalidInput for a value that cannot be written as one; it is not shown."""
    for name, value in parameters.items():
        if isinstance(value, list | tuple | dict):
            what = "a map" if isinstance(value, dict) else "a list"
            raise InvalidInput(f"The parameter {name} is {what}", "Write it as the text that the server wants.")
        if len(str(value).splitlines()) > 1 or str(value).endswith(("\n", "\r")):
            raise InvalidInput(f"The parameter {name} has a line break", "Write it on one line.")


def given(parameters: Settings) -> dict[str, t.Any]:
    """The parameters without those that are null."""
    return {name: value for name, value in parameters.items() if value is not None}
