# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts in a Kubernetes Secret. PURE."""

from __future__ import annotations

import base64
import binascii
import typing as t


def texts(secret: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Each key of a Secret with its value as text; bytes that are no UTF-8 become replacement characters.

    stringData is write-only in Kubernetes, so a Secret that was read has all of it in data.
    """
    return {key: _decoded(value) for key, value in (secret.get("data") or {}).items()}


def _decoded(value: str | None) -> str:
    try:
        return base64.b64decode(value or "", validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return ""
