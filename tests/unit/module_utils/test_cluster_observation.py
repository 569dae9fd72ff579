# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When replicas are asked for their memories, which takes megabytes."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import control_planes, replica_health
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_observation import observe
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import ControlPlaneOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

OPTIONS = ControlPlaneOptions(name="a", namespace="team", replicas=1)
SICK = {"kmc-a-0": "sick"}
WELL = {"kmc-a-0": True}


class StandInKube:
    """One pod that runs, and no Cluster: what is there does not matter here."""

    def get(self, *_what: t.Any) -> None:
        return None

    def list(self, *_what: t.Any) -> list[dict[str, t.Any]]:
        return [{"metadata": {"name": "kmc-a-0"}, "status": {"phase": "Running"}}]


@pytest.mark.parametrize(
    ("thorough", "well", "faithful", "up", "asked"),
    [
        (False, WELL, SICK, True, ["well"]),
        (True, WELL, WELL, True, ["well", "faithful"]),
        (True, WELL, SICK, False, ["well", "faithful"]),
        (True, SICK, WELL, False, ["well"]),
    ],
)
def test_memories_are_asked_for_when_all_else_is_well(
    thorough: bool,
    well: replica_health.Readyz,
    faithful: replica_health.Readyz,
    up: bool,
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    questions = []

    def ask_each(*given: t.Any) -> replica_health.Readyz:
        assert given[2] == ["kmc-a-0"]
        questions.append(given[-1])
        return well if given[-1] is replica_health.well else faithful

    def judge(*given: t.Any) -> Verdict:
        return Verdict(all(said is True for said in given[-1].values()), "")

    monkeypatch.setattr(replica_health, "ask_each", ask_each)
    monkeypatch.setattr(control_planes, "judge", judge)
    kube: t.Any = StandInKube()
    assert observe(kube, OPTIONS, "k0smotron.io/v1beta2", thorough=thorough).verdict.up is up
    assert [question.__name__ for question in questions] == asked
