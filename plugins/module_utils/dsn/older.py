# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the PostgreSQL driver of an older kine does not know yet. Pure.

Which k0s has which kine is in k0s's own embedded-bins/Makefile.variables, which kine has which pgx in kine's go.mod.
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.model import ERROR, Dsn, Finding
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.tls import SYSTEM
from ansible_collections.k0smotron.ha.plugins.module_utils.k0s import K0sVersion

_SINCE: t.Final[t.Mapping[str, K0sVersion]] = {
    # kine 0.13.17 with pgx 5.7.5; 1.32.1 to 1.32.6, 1.33.1 and 1.33.2 have an older one, too.
    "sslnegotiation": K0sVersion(1, 31, 11, 0),
    # kine 0.16.2 with pgx 5.9.2, in 1.36.1.
    "channel_binding": K0sVersion(1, 36, 0, 0),
    "min_protocol_version": K0sVersion(1, 36, 0, 0),
    "max_protocol_version": K0sVersion(1, 36, 0, 0),
    # kine 0.16.3 with pgx 5.10.0.
    "require_auth": K0sVersion(1, 36, 2, 0),
}
"""Parameters that pgx sends to the server before that, which refuses the connection."""
_SYSTEM = K0sVersion(1, 31, 1, 1)
"""The first whose kine (0.13.2 with pgx 5.7.1) does not take ``system`` for the name of a file."""


def unknown(dsn: Dsn, version: K0sVersion) -> t.Iterator[Finding]:
    """What this k0s would not make of a PostgreSQL DSN what a newer one does."""
    late = {name: since for name, since in _SINCE.items() if name in dsn.params and version < since}
    if late:
        yield unknown_to_the_driver(f"k0s {version}", list(late), f"k0s {max(late.values())}")
    if dsn.params.get("sslrootcert") == SYSTEM and version < _SYSTEM:
        yield Finding(
            ERROR,
            f"The kine of k0s {version} takes sslrootcert=system for the name of a file",
            f"Name a file with the authorities, or use k0s {_SYSTEM} or newer.",
        )


def unknown_to_the_driver(reader: str, names: t.Sequence[str], enough: str) -> Finding:
    """Parameters that the driver of a k0s or kine does not keep for itself, as newer ones do."""
    return Finding(
        ERROR,
        f"The driver of {reader} does not know {', '.join(names)} and sends it to the server, which refuses the connection",
        f"Remove it from the DSN, or use {enough} or newer.",
    )
