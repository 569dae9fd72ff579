# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An examined database with its name, and what is said of several of them together. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Report, shorten


@dataclass(frozen=True)
class Examined:
    """One database: name is for people, target its DSN without secrets, note says why there was nothing to examine."""

    name: str
    target: str
    report: Report
    note: str = ""

    def text(self) -> str:
        """Return the table for people."""
        return self.note or self.report.text()

    def warnings(self) -> list[str]:
        """What to say aloud of a database that passed: nobody is shown the text of a task that went well."""
        return [
            f"{self.name}: {check.title}: " + " -> ".join(filter(None, (shorten(check.observed), check.remedy)))
            for check in self.report.checks
            if check.status in ("warn", "fail")
        ]

    def as_dict(self) -> dict[str, t.Any]:
        """Return the plain values that the module hands to Ansible for one of many databases."""
        return {"name": self.name, "database": self.target, "msg": self.text(), **self.report.as_dict()}


def text_of(examined: t.Sequence[Examined]) -> str:
    """Return a line on all of them together and the table of each, in their order."""
    failed = sum(bool(each.report.count("fail")) for each in examined)
    warned = sum(bool(each.report.count("warn")) for each in examined) - sum(
        bool(each.report.count("warn") and each.report.count("fail")) for each in examined
    )
    noun = "database" if len(examined) == 1 else "databases"
    headline = f"{len(examined)} {noun}: {failed} with failures, {warned} with warnings only"
    return "\n\n".join([headline, *(f"{each.name}: {each.text()}" for each in examined)])


def counts_of(examined: t.Iterable[Examined]) -> dict[str, int]:
    """Return how many checks ended how, over all databases."""
    total = Report().counts()
    for each in examined:
        for name, count in each.report.counts().items():
            total[name] += count
    return total
