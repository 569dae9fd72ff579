# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which replicas are restarted, and that one follows the other."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_report, replica_repair_run
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.replica_memory import deaf, inconsistent
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict
from tests.unit.module_utils.test_replica_memory import PODS, counted, lease, replica

DEAF = deaf(replica([lease("05")], lease("48")), "kmc-a-0") or ""
OTHER = inconsistent(counted(PODS.format("failure", 1)), "kmc-a-0") or ""
CLUSTER = {"metadata": {"name": "a", "namespace": "team"}}


class StandInKube:
    """Three pods, of which one that is deleted is another one at once and hears again, and is called ready a look later."""

    def __init__(
        self, readyz: dict[str, t.Any], *, check_mode: bool = False, helps: bool = True, meanwhile: t.Any = None
    ) -> None:
        self.check_mode, self.helps, self.meanwhile = check_mode, helps, meanwhile or {}
        self.readyz = readyz
        self.uids = dict.fromkeys(readyz, 0)
        self.not_ready = 0
        self.done: list[str] = []

    def get(self, _api_version: str, _kind: str, name: str, _namespace: str) -> dict[str, t.Any]:
        return {"metadata": {"uid": f"{name}/{self.uids[name]}"}}

    def delete(self, refs: list[t.Any]) -> None:
        for ref in refs:
            assert (ref.kind, ref.namespace) == ("Pod", "team")
            self.done.append(f"delete {ref.name}")
            self.uids[ref.name] += 1
            self.not_ready = 1
            self.readyz[ref.name] = True if self.helps else "connection refused"
            self.readyz |= self.meanwhile

    def wait(self, probe: t.Callable[[], Verdict], _timeout: float, _diagnose: t.Callable[[], str]) -> None:
        first = probe()
        assert not first.up
        self.not_ready = 0
        second = probe()
        self.done.append("wait")
        if not second.up:
            raise WaitTimeout(f"{first.reason}; {second.reason}")


def repaired(kube: StandInKube, monkeypatch: pytest.MonkeyPatch, wanted: int = 3) -> tuple[dict[str, t.Any], list[str]]:
    """The module's result and its warnings."""

    def health(_kube: t.Any, _cluster: t.Any) -> dict[str, t.Any]:
        sick = [said for said in kube.readyz.values() if said is not True]
        judged = {"up": not sick, "reason": str(sick[0]) if sick else "all well"}
        counted = {"wanted": wanted, "ready": wanted - kube.not_ready}
        return {"name": "a", "namespace": "team", **judged, "replicas": counted, "readyz": dict(kube.readyz)}

    monkeypatch.setattr(cluster_report, "health", health)
    monkeypatch.setattr(cluster_report, "chosen", lambda *_chosen: [CLUSTER])
    said: list[str] = []
    params = {"name": None, "namespace": None, "wait_timeout": 1}
    module: t.Any = types.SimpleNamespace(params=params, warn=said.append)
    return replica_repair_run.repair(module, t.cast(t.Any, kube)), said


@pytest.mark.parametrize("said", [DEAF, OTHER])
def test_replicas_are_restarted_one_after_the_other(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kube = StandInKube({"kmc-a-1": said, "kmc-a-0": said, "kmc-a-2": True})
    result, warned = repaired(kube, monkeypatch)
    assert kube.done == ["delete kmc-a-0", "wait", "delete kmc-a-1", "wait"]
    assert result["changed"]
    assert result["control_planes"] == [
        {
            "name": "a",
            "namespace": "team",
            "up": True,
            "reason": "all well",
            "restarted": ["kmc-a-0", "kmc-a-1"],
            "left": [],
        }
    ]
    assert warned == []


def test_check_mode_names_them_only(monkeypatch: pytest.MonkeyPatch) -> None:
    kube = StandInKube({"kmc-a-0": DEAF, "kmc-a-1": True, "kmc-a-2": True}, check_mode=True)
    result, _said = repaired(kube, monkeypatch)
    assert (kube.done, result["changed"], result["control_planes"][0]["restarted"]) == ([], True, ["kmc-a-0"])


@pytest.mark.parametrize("readyz", [{"kmc-a-0": True, "kmc-a-1": True, "kmc-a-2": True}, {"kmc-a-0": "refused"}, {}])
def test_nothing_else_is_repaired(readyz: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch) -> None:
    kube = StandInKube(readyz)
    result, said = repaired(kube, monkeypatch)
    assert (kube.done, result["changed"], said) == ([], False, [])


@pytest.mark.parametrize("other", [{"kmc-a-1": "connection refused"}, {}])
def test_it_stays_while_another_one_does_not_answer(other: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch) -> None:
    kube = StandInKube({"kmc-a-0": DEAF, "kmc-a-2": True, **other})
    result, [said] = repaired(kube, monkeypatch)
    assert (kube.done, result["changed"], result["control_planes"][0]["left"]) == ([], False, ["kmc-a-0"])
    assert said.startswith("team/a: kmc-a-0 left alone: ")


def test_a_single_replica_is_restarted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    kube = StandInKube({"kmc-a-0": DEAF})
    assert repaired(kube, monkeypatch, wanted=1)[0]["changed"]


@pytest.mark.parametrize(
    ("meanwhile", "left"), [({"kmc-a-2": "connection refused"}, ["kmc-a-1"]), ({"kmc-a-1": True}, [])]
)
def test_after_a_restart_it_looks_again(
    meanwhile: dict[str, t.Any], left: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kube = StandInKube({"kmc-a-0": DEAF, "kmc-a-1": DEAF, "kmc-a-2": True}, meanwhile=meanwhile)
    [found] = repaired(kube, monkeypatch)[0]["control_planes"]
    assert (kube.done, found["restarted"], found["left"]) == (["delete kmc-a-0", "wait"], ["kmc-a-0"], left)


def test_a_restart_that_did_not_help_is_an_error_and_no_other_one_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    kube = StandInKube({"kmc-a-0": DEAF, "kmc-a-1": DEAF, "kmc-a-2": True}, helps=False)
    with pytest.raises(WaitTimeout, match="kmc-a-0 was restarted, and is not well: connection refused"):
        repaired(kube, monkeypatch)
    assert kube.done == ["delete kmc-a-0", "wait"]
