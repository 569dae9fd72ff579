# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill refuses before it asks the cluster for anything."""

from __future__ import annotations

import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.failover_drill_run import BOUNDS, drill
from ansible_collections.k0smotron.ha.plugins.modules.failover_drill import ARGUMENTS

DEFAULTS: dict[str, t.Any] = {name: option.get("default") for name, option in ARGUMENTS.items()}


def refused(**options: t.Any) -> str:
    params = {**DEFAULTS, "name": "a", "namespace": "a", "fault": "none", "allow_disruption": True, **options}
    nobody = types.SimpleNamespace()
    with pytest.raises(HaError) as error:
        drill(t.cast("t.Any", types.SimpleNamespace(params=params)), t.cast("t.Any", nobody))
    return str(error.value)


def test_a_drill_wants_an_explicit_yes() -> None:
    assert "allow_disruption: true" in refused(allow_disruption=False)


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    assert "is a folder" in refused(report=str(tmp_path))


def test_a_command_for_another_fault() -> None:
    assert "fault_command is for fault: command, and the fault is none" in refused(fault_command=["true"])


def test_others_are_bounded_and_each_is_another_one() -> None:
    many = [{"name": f"b{number}", "namespace": "b"} for number in range(10)]
    assert "others has 10 control planes, and 9 are the most" in refused(others=many)
    assert "named twice: a/a, a/a" in refused(others=[{"name": "a", "namespace": "a"}])


def test_the_page_of_each_of_the_others_has_to_be_possible_too(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    (tmp_path / "report-ns-b.html").mkdir()
    assert "report-ns-b.html is a folder" in refused(report=str(report), others=[{"name": "b", "namespace": "ns"}])


@pytest.mark.parametrize("name", BOUNDS)
def test_load_and_time_are_bounded(name: str) -> None:
    least, most = BOUNDS[name]
    assert least <= DEFAULTS[name] <= most
    for value in (least - 1, most + 1):
        assert refused(**{name: value}) == f"{name} is {value}, and has to be between {least} and {most}."
