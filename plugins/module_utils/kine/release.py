# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kine is going to use a database, and what that version does: it decides what the checks ask for. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import k0s
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

_PATTERN = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


class Kine(t.NamedTuple):
    """A release of kine such as 0.16.3: comparable."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def driver(self) -> str:
        """The PostgreSQL driver: lib/pq knows one host and no target_session_attrs, pgx knows both."""
        return "pgx" if self >= _PGX else "pq"

    @property
    def finds_by_range(self) -> bool:
        """Keys are found by range, which needs byte order; before, by LIKE, which works in any order."""
        return self >= _RANGES

    @property
    def makes_text_names(self) -> bool:
        """The table it makes has names of type text in byte order, and an index for lists."""
        return self >= _TEXT_NAMES

    @property
    def reads_environment(self) -> bool:
        """Its options may come from environment variables (kine 992a97f): before, those of a Secret have no effect."""
        return self >= _ENVIRONMENT


_PGX = Kine(0, 10, 0)
_TEXT_NAMES = Kine(0, 13, 0)
_ENVIRONMENT = Kine(0, 14, 1)
_RANGES = Kine(0, 16, 3)

PARAMETERS_SINCE: t.Final[t.Mapping[str, Kine]] = {
    "sslnegotiation": Kine(0, 13, 16),
    "channel_binding": Kine(0, 15, 0),
    "min_protocol_version": Kine(0, 15, 0),
    "max_protocol_version": Kine(0, 15, 0),
    "require_auth": Kine(0, 16, 3),
}
"""Parameters of a PostgreSQL DSN and the first kine whose pgx (5.7.5, 5.9, 5.10) keeps them for itself, by its go.mod."""

# The oldest kine of each line of k0s: what it cannot do, no later one of the line is relied on for.
_OF_K0S: t.Final = (
    (k0s.K0sVersion(1, 36, 2, 0), Kine(0, 16, 3)),
    (k0s.K0sVersion(1, 36, 0, 0), Kine(0, 16, 2)),
    (k0s.K0sVersion(1, 35, 0, 0), Kine(0, 14, 11)),
    (k0s.K0sVersion(1, 34, 2, 0), Kine(0, 14, 6)),
    (k0s.K0sVersion(1, 34, 0, 0), Kine(0, 14, 4)),
    (k0s.K0sVersion(1, 31, 0, 0), Kine(0, 13, 0)),
    (k0s.K0sVersion(1, 30, 0, 0), Kine(0, 11, 8)),
    (k0s.K0sVersion(1, 29, 0, 0), Kine(0, 11, 3)),
    (k0s.K0sVersion(1, 28, 0, 0), Kine(0, 10, 3)),
)
_OLDEST = Kine(0, 9, 9)


def kine_of(version: k0s.K0sVersion) -> Kine:
    """Return the kine in a release of k0s, or an older one of the same line."""
    return next((kine for first, kine in _OF_K0S if version >= first), _OLDEST)


PINNED: t.Final = kine_of(k0s.DEFAULT_K0S)


def choose(kine_version: str | None, k0s_version: str | None) -> Kine:
    """Return the kine that the user names, or the one in the k0s that the user names, or the pinned one's.

    Raises InvalidInput for a text that is not a version.
    """
    if kine_version is None:
        return kine_of(k0s.k0s_version(k0s_version)) if k0s_version else PINNED
    match = _PATTERN.fullmatch(kine_version)
    if not match:
        raise InvalidInput(f"{kine_version!r} is not a version of kine", f"Give it such as {PINNED}.")
    return Kine(*(int(part) for part in match.groups()))
