# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PostgreSQL 10 and newer stores of a password, and takes in its place: statements end up in logs. PURE but for the salt."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import stringprep
import unicodedata

ITERATIONS = 4096
PROHIBITED = (
    stringprep.in_table_a1,
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def scram(password: str, salt: bytes | None = None) -> str:
    """The SCRAM-SHA-256 verifier of a password (RFC 5802), as psql's \\password makes it."""
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", _prepared(password).encode(), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    keys = [base64.b64encode(part).decode() for part in (salt, stored, hmac.digest(salted, b"Server Key", "sha256"))]
    return f"SCRAM-SHA-256${ITERATIONS}:{keys[0]}${keys[1]}:{keys[2]}"


def _prepared(password: str) -> str:
    """As PostgreSQL prepares it (pg_saslprep, RFC 4013): it looks before it normalizes, and leaves what is forbidden as it is."""
    spaced = "".join(" " if stringprep.in_table_c12(each) else each for each in password)
    text = "".join(each for each in spaced if not stringprep.in_table_b1(each))
    forbidden = any(table(each) for table in PROHIBITED for each in text)
    return password if not text or forbidden or _mixes_directions(text) else unicodedata.normalize("NFKC", text)


def _mixes_directions(text: str) -> bool:
    """Whether a text with letters that are written to the left has others, or does not begin and end with one (RFC 3454, 6)."""
    if not any(map(stringprep.in_table_d1, text)):
        return False
    enclosed = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return not enclosed or any(map(stringprep.in_table_d2, text))
