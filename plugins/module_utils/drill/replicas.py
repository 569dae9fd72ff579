# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether replicas of a control plane hold the same objects in their memories. Pure.

A cluster in use changes while it is looked at, so what changed between two rounds on any replica is left to the next one.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

Snapshot: t.TypeAlias = t.Mapping[str, str]
"""The resourceVersion of each object, by its kind, namespace, name and uid in one word."""
Round: t.TypeAlias = t.Mapping[str, "Snapshot | str"]
"""What each replica holds, or in words why it does not say."""


def against(earlier: Round, later: Round, wanted: int) -> Iterator[str]:
    """What speaks against `wanted` replicas holding the same, by two rounds."""
    if len(later) != wanted:
        yield f"{len(later)} of {wanted} replicas are ready"
    yield from (f"{replica} does not say: {found}" for replica, found in later.items() if isinstance(found, str))
    said = {replica: found for replica, found in later.items() if not isinstance(found, str)}
    for name in sorted({name for found in said.values() for name in found}):
        versions = {replica: found.get(name, "nothing") for replica, found in said.items()}
        if len(set(versions.values())) > 1 and not _moving(name, earlier, said):
            yield f"{name}: {', '.join(f'{version} in {replica}' for replica, version in versions.items())}"


def _moving(name: str, earlier: Round, later: t.Mapping[str, Snapshot]) -> bool:
    for replica, found in later.items():
        before = earlier.get(replica)
        if before is None or isinstance(before, str) or before.get(name) != found.get(name):
            return True
    return False
