# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in a MySQL DSN as Go's driver reads them. Pure."""

from __future__ import annotations

import re

_TRUE = ("1", "true", "TRUE", "True")
_FALSE = ("0", "false", "FALSE", "False")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)"


def boolean(text: str) -> bool | None:
    """Return the truth value of a text, None for one that go-sql-driver refuses."""
    return True if text in _TRUE else False if text in _FALSE else None


def seconds(text: str) -> float | None:
    """Return a Go duration such as ``1m30s`` in seconds, None for a text that is none: a plain ``5`` has no unit."""
    sign = -1.0 if text.startswith("-") else 1.0
    text = text.removeprefix("-") if sign < 0 else text.removeprefix("+")
    if text == "0":
        return 0.0
    if not re.fullmatch(f"({_PART})+", text, re.ASCII):
        return None
    return sign * sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text))


def tls_mode(text: str) -> str:
    """Return ``true``, ``false``, ``skip-verify`` or ``preferred``; "" for what go-sql-driver refuses."""
    truth = boolean(text)
    if truth is not None:
        return "true" if truth else "false"
    return text.lower() if text.lower() in ("skip-verify", "preferred") else ""
