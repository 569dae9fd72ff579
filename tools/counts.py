# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count test results in JUnit XML files. Pure but for reading the files."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

# ansible-test's word for a test that has no file to look at (PowerShell's in a collection without any): no test at all.
NOT_APPLICABLE = "No tests applicable."


@dataclass(frozen=True)
class Counts:
    """How many tests passed, failed (errors included) and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def count(reports: t.Iterable[Path]) -> Counts:
    """The sum over JUnit XML files; a folder stands for every ``*.xml`` in it, a missing file for no test."""
    return sum((_count_case(case) for case in _cases(reports)), Counts())


def failures(reports: t.Iterable[Path]) -> list[str]:
    """What failed, a line each: the test's name and the first line of its reason."""
    return [
        f"{case.get('classname', '')}::{case.get('name')}: {(found.get('message') or 'no reason').splitlines()[0][:200]}"
        for case in _cases(reports)
        if (found := _fault(case)) is not None
    ]


def _cases(reports: t.Iterable[Path]) -> t.Iterator[ElementTree.Element]:
    files = [file for report in reports for file in (sorted(report.glob("*.xml")) if report.is_dir() else [report])]
    for file in files:
        if file.exists():
            yield from ElementTree.parse(file).getroot().iter("testcase")  # noqa: S314 - see the import


def _fault(case: ElementTree.Element) -> ElementTree.Element | None:
    failure = case.find("failure")
    return case.find("error") if failure is None else failure


def _count_case(case: ElementTree.Element) -> Counts:
    if _fault(case) is not None:
        return Counts(failed=1)
    skipped = case.find("skipped")
    if skipped is None:
        return Counts(passed=1)
    return Counts() if skipped.text == NOT_APPLICABLE else Counts(skipped=1)
