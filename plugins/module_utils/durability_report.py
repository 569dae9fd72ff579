# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What durability_check says of a database: its risks, the worst of them, and a table for people. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import Risk
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import sentence

Verdict = t.Literal["refuse", "unknown", "warn", "safe"]
FailOn = t.Literal["refuse", "warn", "never"]

_WORST_FIRST: tuple[Verdict, ...] = ("refuse", "unknown", "warn")
_WORDS: t.Mapping[Verdict, str] = {
    "refuse": "one failure can lose acknowledged writes, or the database",
    "unknown": "whether one failure can lose acknowledged writes cannot be seen",
    "warn": "one failure loses acknowledged writes only together with what follows",
    "safe": "one failure loses no acknowledged write",
}


@dataclass(frozen=True)
class Report:
    """A database and its risks. ``note`` is why nothing could be looked at, "" where it was."""

    name: str
    provider: str
    risks: t.Sequence[Risk] = ()
    note: str = ""

    @property
    def verdict(self) -> Verdict:
        found = {risk.severity for risk in self.risks} | ({"unknown"} if self.note else set())
        return next((severity for severity in _WORST_FIRST if severity in found), "safe")

    def failed(self, fail_on: FailOn) -> bool:
        """Whether this is a failure for someone who asked to fail on that; what is yet to be made never is."""
        if fail_on == "never" or self.note:
            return False
        return self.verdict == "refuse" or (fail_on == "warn" and self.verdict != "safe")

    def warnings(self) -> list[str]:
        """A line for each risk."""
        return [
            f"{self.name}: {risk.title}: {sentence(risk.observed)} {sentence(risk.remedy)}" for risk in self._sorted()
        ]

    def text(self) -> str:
        """A compact table: what it comes to, and under it a line a risk, why that is one, and what to do."""
        if self.note:
            return self.note
        width = max((len(risk.title) for risk in self._sorted()), default=0)
        lines = [f"{self.name}: {_WORDS[self.verdict]}"]
        for risk in self._sorted():
            lines.append(f"{risk.severity.upper():<7} {risk.title:<{width}}  {risk.observed}")
            lines.append(f"{'':<7} {'':<{width}}  {sentence(risk.why)}")
            lines.append(f"{'':<7} {'':<{width}}  -> {sentence(risk.remedy)}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, t.Any]:
        """The plain values that the module hands to Ansible."""
        return {
            "msg": self.text(),
            "verdict": self.verdict,
            "risks": [asdict(risk) for risk in self._sorted()],
            "datastore": {"name": self.name, "provider": self.provider},
        }

    def _sorted(self) -> list[Risk]:
        return sorted(self.risks, key=lambda risk: _WORST_FIRST.index(risk.severity))
