# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmarks print what they measured as a table, with the bound that each number is held to."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Row:
    """A measured number; bound is what it may be at most, None for a number that is only told."""

    what: str
    value: float
    unit: str
    bound: float | None = None

    def text(self) -> str:
        """Return the row as words."""
        verdict = "" if self.bound is None else f"  <= {self.bound:g} {self.unit}  {'ok' if self.holds else 'TOO MUCH'}"
        return f"{self.what:<62} {self.value:10.3f} {self.unit:<2}{verdict}"

    @property
    def holds(self) -> bool:
        """Whether the number is within its bound."""
        return self.bound is None or self.value <= self.bound


ROWS: list[Row] = []


@pytest.fixture(scope="session")
def measured() -> t.Callable[..., None]:
    """Give the way to note a number; it fails the test that notes one above its bound."""

    def note(what: str, value: float, unit: str, bound: float | None = None) -> None:
        row = Row(what, value, unit, bound)
        ROWS.append(row)
        assert row.holds, row.text()

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    terminalreporter.section("measured")
    for row in ROWS:
        terminalreporter.write_line(row.text())
