# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scratch schema behind a proxy whose reads go to a standby: a stand-in for the connection to one."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import postgres_scratch


@dataclass
class LateReads:
    """Says of the new table, so many times, that it does not exist."""

    refusals: int
    statements: list[str] = field(default_factory=list)

    def rows(self, connection: t.Any, statement: str, values: t.Sequence[t.Any] = ()) -> list[tuple[t.Any, ...]]:
        del connection, values
        self.statements.append(statement)
        if statement.startswith("SELECT FROM"):
            self.refusals -= 1
            if self.refusals >= 0:
                raise HaError("relation does not exist", "")
        return [(1, 2)] if "pg_backend_pid()" in statement else []


def made(connector: LateReads) -> list[str]:
    """Run statements up to the moment where checks begin."""
    with postgres_scratch.scratch(t.cast("t.Any", connector), t.cast("t.Any", None)):
        return [*connector.statements]


def test_checks_begin_when_reads_know_the_table() -> None:
    connector = LateReads(refusals=2)
    assert made(connector)[-1].startswith("SELECT FROM kine_check_1_2_")
    assert connector.refusals == -1
    assert "DROP SCHEMA" in connector.statements[-1]


def test_checks_begin_though_reads_never_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_scratch, "SETTLE_SECONDS", 0.05)
    connector = LateReads(refusals=10**6)
    made(connector)
    assert connector.refusals < 10**6 - 1
