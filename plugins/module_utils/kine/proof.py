# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that a database takes writes as kine makes them."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Scratch


def write(scratch: Scratch) -> None:
    """Write one row and read it back. Raises HaError when either fails."""
    revision = scratch.insert("/registry/proof", b"written")
    if [(row.id, row.value) for row in scratch.after(revision - 1)] != [(revision, b"written")]:
        raise Conflict("a row that was just written was not read back", "Connect to the primary itself, not a proxy.")
