# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DSNs the way kine reads them: parse, build, mask, lint, and the Secret that carries them. Pure."""

from __future__ import annotations

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.lint import accept, lint
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.model import (
    DATA_SOURCE_KEY,
    MASK,
    Dsn,
    Finding,
    Host,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.secret import checksum, secret_data
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.tls import completed
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.url import build, mask, mask_text, parse

__all__ = [
    "DATA_SOURCE_KEY",
    "MASK",
    "Dsn",
    "Finding",
    "Host",
    "accept",
    "build",
    "checksum",
    "completed",
    "lint",
    "mask",
    "mask_text",
    "parse",
    "secret_data",
]
