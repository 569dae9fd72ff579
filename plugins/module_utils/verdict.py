# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A judged state: is it really up, and if not, why. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verdict:
    """What we think of something that runs.

    ``reason`` is one short sentence, for people; ``details`` holds what was seen, for programs. No secrets in either.
    """

    up: bool
    reason: str
    details: t.Mapping[str, t.Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.up
