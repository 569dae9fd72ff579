# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill refuses before it asks the cluster for anything, and the order in which it works."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import drill_actions, failover_drill_run
from ansible_collections.k0smotron.ha.plugins.module_utils.drill import faults
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.faults import Pod, Scene
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.failover_drill_run import BOUNDS, Plan, _work, drill
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict
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


def test_two_certificates_are_not_written_to_one_file(tmp_path: Path) -> None:
    others = [{"name": "b-c", "namespace": "a"}, {"name": "c", "namespace": "a-b"}]
    assert "written to one file" in refused(report=str(tmp_path / "report.html"), others=others)


@pytest.mark.parametrize("name", BOUNDS)
def test_load_and_time_are_bounded(name: str) -> None:
    least, most = BOUNDS[name]
    assert least <= DEFAULTS[name] <= most
    for value in (least - 1, most + 1):
        assert refused(**{name: value}) == f"{name} is {value}, and has to be between {least} and {most}."


SCENE = Scene("zalando", "db", Pod("dbs", "db-0"), Pod("dbs", "db-1"), [])
PARAMS = {**DEFAULTS, "warm_up": 0, "fault_seconds": 1, "recovery": 0, "after": 0}


class WorkingSite:
    """Writes down what is asked of it. `scenes` are the roles that it sees."""

    def __init__(self, scene: Scene = SCENE, *, recovers: bool = True) -> None:
        self.steps: list[str] = []
        self.subject = types.SimpleNamespace(scene=lambda: scene, look=lambda: "primary db-1")
        self._recovers = recovers

    def __getattr__(self, name: str) -> t.Callable[[], None]:
        return lambda: self.steps.append(name)

    def up(self) -> Verdict:
        self.steps.append("up")
        return Verdict(self._recovers, "the standby is not there")


DISK_FULL = Plan(faults.fault("disk_full"), SCENE, [faults.Delete(Pod("dbs", "db-0"), 0)])


def work(
    site: WorkingSite, monkeypatch: pytest.MonkeyPatch, turns: t.Sequence[t.Any] = (), plan: Plan = DISK_FULL
) -> list[str]:
    monkeypatch.setattr(drill_actions, "act", lambda *_: site.steps.append("act"))
    monkeypatch.setattr(drill_actions, "undo", lambda *_: site.steps.append("undo"))
    monkeypatch.setattr(time, "sleep", lambda seconds: site.steps.append("sleep") if seconds else None)
    _work(Kube(t.cast("t.Any", None)), t.cast("t.Any", [site]), plan, turns, PARAMS)
    return site.steps


BEFORE = ["start", "require_writes"]


def test_only_what_is_written_after_a_fault_shows_that_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = work(WorkingSite(), monkeypatch)
    assert steps == [*BEFORE, "fault_begins", "act", "sleep", "undo", "fault_is_over", "up", "stop_writing"]


def test_what_does_not_recover_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert work(WorkingSite(recovers=False), monkeypatch)[-3:] == ["up", "recovery_is_over", "stop_writing"]


def test_roles_that_moved_in_the_warm_up_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standby of before is the only instance now that leads."""
    site = WorkingSite(Scene("zalando", "db", Pod("dbs", "db-1"), None, []))
    with pytest.raises(Conflict, match="Nothing was disturbed, because the primary, its standby or a replica has"):
        work(site, monkeypatch)
    assert site.steps == BEFORE


def test_the_replica_that_was_to_stay_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Pod("team", "kmc-a-0"), Pod("team", "kmc-a-1")
    before, gone = (dataclasses.replace(SCENE, replicas=replicas) for replicas in ([one, other], [other]))
    with pytest.raises(Conflict, match="or a replica has changed in the warm-up"):
        work(
            WorkingSite(gone),
            monkeypatch,
            plan=Plan(faults.fault("replicas_killed"), before, [faults.Delete(other, 0)]),
        )
    elsewhere = Plan(faults.fault("primary_deleted"), before, [faults.Delete(Pod("dbs", "db-0"), 30)])
    assert "act" in work(WorkingSite(gone), monkeypatch, plan=elsewhere)


def test_what_another_drill_may_have_removed_is_not_called_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = [types.SimpleNamespace(require=lambda: steps.append("require"))]
    steps: list[str] = []
    there = types.SimpleNamespace(afterwards=lambda: steps.append("afterwards"))
    monkeypatch.setattr(failover_drill_run, "site", lambda *_: contextlib.nullcontext(there))
    monkeypatch.setattr(failover_drill_run, "Site", types.SimpleNamespace(afterwards=lambda each: each.afterwards()))
    monkeypatch.setattr(failover_drill_run, "_work", lambda *_: steps.append("work"))
    nothing: t.Any = None
    failover_drill_run._seen(nothing, t.cast("t.Any", ["subject"]), nothing, t.cast("t.Any", turns), PARAMS)
    assert steps == ["work", "afterwards", "require"]


def test_a_drill_that_was_taken_for_dead_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost() -> None:
        raise Conflict("Another drill has begun")

    site = WorkingSite()
    with pytest.raises(Conflict, match="Another drill has begun"):
        work(site, monkeypatch, [types.SimpleNamespace(require=lost)])
    assert site.steps == BEFORE
