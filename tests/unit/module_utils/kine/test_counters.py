# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The counter of the ids, while a control plane writes."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import mysql_table, postgres_table


class BusyTable:
    """A row is inserted between any two queries; `answers` tells what each statement is, for the newest id."""

    def __init__(self, answers: t.Mapping[str, t.Callable[[int], list[tuple[t.Any, ...]]]]) -> None:
        self.answers, self.newest = answers, itertools.count(100)

    def __call__(self, statement: str, *_values: t.Any) -> list[tuple[t.Any, ...]]:
        newest = next(self.newest)
        return next(answer(newest) for start, answer in self.answers.items() if start in statement)


def test_a_sequence_is_not_behind_what_is_written_meanwhile() -> None:
    found = postgres_table.counter(
        BusyTable(
            {
                postgres_table._OID: lambda _newest: [(1,)],
                postgres_table._COUNTER: lambda newest: [(True, newest, 2**63)],
                postgres_table._NEWEST: lambda newest: [(newest,)],
            }
        )
    )
    assert found
    assert found.last > found.newest


def test_auto_increment_is_not_behind_what_is_written_meanwhile() -> None:
    found = mysql_table.counter(
        BusyTable(
            {
                mysql_table._COLUMNS: lambda _newest: [("id", "bigint unsigned")],
                mysql_table._STATUS: lambda newest: [(newest + 1, 0, 0)],
                mysql_table._NEWEST: lambda newest: [(newest,)],
            }
        )
    )
    assert found
    assert found.last > found.newest
