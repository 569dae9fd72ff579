# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What durability_check says of what it found, and when it fails."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import risk
from ansible_collections.k0smotron.ha.plugins.module_utils.durability_report import FailOn, Report

REFUSE, UNKNOWN, WARN = (
    risk("one_instance", "1 instance"),
    risk("not_seen", "nothing shows"),
    risk("not_strict", "2 instances"),
)


def report(*risks: t.Any, note: str = "") -> Report:
    return Report("zalando datastore ns/db", "zalando", risks, note)


@pytest.mark.parametrize(
    ("found", "verdict", "fails_on"),
    [
        (report(), "safe", []),
        (report(WARN), "warn", ["warn"]),
        (report(WARN, UNKNOWN), "unknown", ["warn"]),
        (report(WARN, UNKNOWN, REFUSE), "refuse", ["refuse", "warn"]),
        (report(note="It does not exist yet"), "unknown", []),
    ],
)
def test_the_worst_decides(found: Report, verdict: str, fails_on: list[FailOn]) -> None:
    assert found.verdict == verdict
    levels: tuple[FailOn, ...] = ("refuse", "warn", "never")
    assert [level for level in levels if found.failed(level)] == fails_on


def test_the_table_has_the_worst_first_and_what_to_do_about_each() -> None:
    lines = report(WARN, REFUSE).text().splitlines()
    assert lines[0] == "zalando datastore ns/db: one failure can lose acknowledged writes, or the database"
    assert lines[1] == "REFUSE  One instance   1 instance"
    assert lines[3].strip().startswith("-> Ask for 2 instances or more")
    assert lines[4] == "WARN    Goes on alone  2 instances"
    assert len(lines) == 7


def test_plain_values() -> None:
    found = report(WARN, REFUSE).as_dict()
    assert [each["id"] for each in found["risks"]] == ["one_instance", "not_strict"]
    assert set(found["risks"][0]) == {"id", "severity", "title", "observed", "why", "remedy"}
    assert found["datastore"] == {"name": "zalando datastore ns/db", "provider": "zalando"}
    assert report(note="It does not exist yet").as_dict()["msg"] == "It does not exist yet"


def test_a_warning_for_each_the_worst_first() -> None:
    [first, second] = report(WARN, REFUSE).warnings()
    assert first.startswith("zalando datastore ns/db: One instance: 1 instance. Ask for 2 instances")
    assert "Goes on alone" in second
