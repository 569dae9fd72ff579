# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a live database cluster that no operator can make, or only by losing data. Pure."""

from __future__ import annotations

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import quantity


def refuse_shrink(before: str | None, after: str | None) -> None:
    """Raise InvalidInput for a volume that would become smaller."""
    if before and after and quantity(after) < quantity(before):
        raise InvalidInput(
            f"The volume cannot shrink from {before} to {after}; no operator does that",
            f"Keep volume_size at {before} or more, or make a new cluster.",
        )


def refuse_downgrade(product: str, before: str | None, after: str | None) -> None:
    """Raise InvalidInput for an older major version, given as numbers with dots between them."""
    if before and after and _numbers(after) < _numbers(before):
        raise InvalidInput(
            f"{product} cannot go back from major version {before} to {after}", f"Set version to {before} or newer."
        )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
