# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: counts, when it is a failure, and the table for people."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import CheckResult, Report, Status, shorten

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import FailOn


def report(*statuses: Status) -> Report:
    return Report([CheckResult(f"c{n}", f"Check {n}", s, f"saw {n}", "", "do it", "") for n, s in enumerate(statuses)])


@pytest.mark.parametrize(
    ("statuses", "fail_on", "failed"),
    [
        (["ok", "skipped"], "warn", False),
        (["warn"], "fail", False),
        (["warn"], "warn", True),
        (["fail"], "fail", True),
        (["fail"], "warn", True),
        (["fail"], "never", False),
        ([], "warn", False),
    ],
)
def test_failed(statuses: list[Status], fail_on: FailOn, failed: bool) -> None:
    assert report(*statuses).failed(fail_on) is failed


def test_counts_are_one_level_down() -> None:
    statuses: list[Status] = ["ok", "ok", "ok", "ok", "warn", "warn", "warn", "fail", "fail", "skipped"]
    values = report(*statuses).as_dict()
    assert values["counts"] == {"passed": 4, "warnings": 3, "failed": 2, "skipped": 1}
    # At the top these two belong to Ansible.
    assert not {"failed", "warnings"} & set(values)


def test_text() -> None:
    assert report("ok", "warn", "skipped", "fail").text().splitlines() == [
        "1 passed, 1 warning, 1 failed, 1 skipped",
        "OK      Check 0  saw 0",
        "WARN    Check 1  saw 1",
        "                 -> do it",
        "FAIL    Check 3  saw 3",
        "                 -> do it",
        "SKIPPED saw 2: Check 2",
    ]


@pytest.mark.parametrize(
    ("statuses", "headline"),
    [
        (["warn", "fail", "fail"], "0 passed, 1 warning, 2 failed"),
        (["warn", "warn", "fail"], "0 passed, 2 warnings, 1 failed"),
    ],
)
def test_headline(statuses: list[Status], headline: str) -> None:
    assert report(*statuses).headline() == headline


def test_text_of_nothing() -> None:
    assert Report().text() == "0 passed, 0 warnings, 0 failed"


def test_shorten() -> None:
    assert shorten("a\n  b\tc") == "a b c"
    assert shorten("x" * 50, 10) == "xxxxxxx..."
