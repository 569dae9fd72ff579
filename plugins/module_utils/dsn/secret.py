# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data source Secret of a control plane, and a checksum that may be shown. Pure."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.model import DATA_SOURCE_KEY
from ansible_collections.k0smotron.ha.plugins.module_utils.plan import PoolLimits

_ITERATIONS = 100_000


def secret_data(url: str, pool: PoolLimits) -> dict[str, str]:
    """The Secret's data in plain text: the DSN and kine's pool limits.

    k0smotron turns every key into an environment variable, k0s strips one KINE_ prefix for kine, and kine reads its
    flags from KINE_* (0.14.1 and later, so k0s 1.34; an older one has no limits). Unlike k0s's own configuration this lasts.
    """
    return {
        DATA_SOURCE_KEY: url,
        "KINE_KINE_DATASTORE_MAX_OPEN_CONNECTIONS": str(pool.max_open),
        "KINE_KINE_DATASTORE_MAX_IDLE_CONNECTIONS": str(pool.max_idle),
        "KINE_KINE_DATASTORE_CONNECTION_MAX_LIFETIME": f"{pool.max_lifetime}s",
    }


def checksum(data: t.Mapping[str, str], salt: str) -> str:
    """32 hexadecimal digits that change with the Secret's data.

    They stand in a public annotation, so guessing a password against them is made slow and, by the salt
    ("namespace/secret name"), useless for other Secrets.
    """
    text = json.dumps(dict(data), sort_keys=True, ensure_ascii=False)
    return hashlib.pbkdf2_hmac("sha256", text.encode(), f"k0smotron.ha:{salt}".encode(), _ITERATIONS, dklen=16).hex()
