# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts in a Kubernetes Secret. PURE."""

from __future__ import annotations

import base64
import binascii
import copy
import secrets
import typing as t


def texts(secret: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Each key of a Secret with its value as text; bytes that are no UTF-8 become replacement characters.

    stringData is write-only in Kubernetes, so a Secret that was read has all of it in data.
    """
    return {key: _decoded(value) for key, value in (secret.get("data") or {}).items()}


def encoded(plain: t.Mapping[str, str]) -> dict[str, str]:
    """Texts as a Secret's data has them."""
    return {key: base64.b64encode(text.encode()).decode() for key, text in plain.items()}


def with_password(secret: t.Mapping[str, t.Any], live: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """A Secret's texts and a password as data: the one that the live Secret has, or else a new one of 256 bits.

    Not stringData: it is written, never read back, so a dropped key would stay in data.
    """
    complete = copy.deepcopy(dict(secret))
    given = complete.pop("stringData", {})
    given[password_key(secret)] = password_of(secret, live) or secrets.token_hex(32)
    complete["data"] = encoded(given)
    return complete


def password_of(secret: t.Mapping[str, t.Any], live: t.Mapping[str, t.Any] | None) -> str:
    """What the live Secret has where ``secret`` wants the password; "" without one."""
    return texts(live or {}).get(password_key(secret), "")


def password_key(secret: t.Mapping[str, t.Any]) -> str:
    """The key of ``secret`` that has no text, or else ``password``."""
    return next((name for name, text in (secret.get("stringData") or {}).items() if text is None), "password")


def _decoded(value: str | None) -> str:
    try:
        return base64.b64decode(value or "", validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return ""
