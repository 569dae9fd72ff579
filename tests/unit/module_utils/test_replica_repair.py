# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which replicas are restarted, and that one follows the other."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_report, replica_repair_run
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, NotFound, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.replica_memory import deaf, inconsistent
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict
from tests.unit.module_utils.test_replica_memory import PODS, counted, lease, replica

DEAF = deaf(replica([lease("05")], lease("48")), "kmc-a-0") or ""
OTHER = inconsistent(counted(PODS.format("failure", 1)), "kmc-a-0") or ""
CLUSTER = {"metadata": {"name": "a", "namespace": "team"}}


class Failed(Exception):
    """What the module failed with, and its warnings."""

    def __init__(self, result: dict[str, t.Any], said: list[str]) -> None:
        super().__init__(result)
        self.result, self.said = result, said


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


def record(kube: StandInKube, cluster: dict[str, t.Any], wanted: int) -> dict[str, t.Any]:
    """What cluster_report says of the health of these pods."""
    sick = [said for said in kube.readyz.values() if said is not True]
    judged = {"up": not sick, "reason": str(sick[0]) if sick else "all well"}
    counted = {"wanted": wanted, "ready": wanted - kube.not_ready}
    return {**cluster["metadata"], **judged, "replicas": counted, "readyz": dict(kube.readyz)}


def run(
    kube: t.Any, clusters: list[dict[str, t.Any]], monkeypatch: pytest.MonkeyPatch, **given: t.Any
) -> tuple[dict[str, t.Any], list[str]]:
    """The module's result and its warnings."""
    monkeypatch.setattr(cluster_report, "chosen", lambda *_chosen: clusters)
    said: list[str] = []
    params = {"name": None, "namespace": None, "wait_timeout": 1, **given}

    def fail_json(**result: t.Any) -> t.NoReturn:
        raise Failed(result, said)

    module: t.Any = types.SimpleNamespace(params=params, warn=said.append, fail_json=fail_json)
    return replica_repair_run.repair(module, kube), said


def repaired(kube: StandInKube, monkeypatch: pytest.MonkeyPatch, wanted: int = 3) -> tuple[dict[str, t.Any], list[str]]:
    """The module's result and its warnings for one control plane."""
    monkeypatch.setattr(cluster_report, "health", lambda _kube, cluster: record(kube, cluster, wanted))
    return run(kube, [CLUSTER], monkeypatch)


@pytest.mark.parametrize(("namespace", "where"), [(None, "any namespace"), ("team", "namespace team")])
def test_the_name_of_no_control_plane_fails(namespace: str | None, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match=f"There is no control plane typo in {where}"):
        run(StandInKube({}), [], monkeypatch, name="typo", namespace=namespace)
    for all_of_them in (None, ""):
        assert run(StandInKube({}), [], monkeypatch, name=all_of_them)[0]["control_planes"] == []


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
            "error": None,
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


def test_one_that_is_sick_again_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    class AgainKube(StandInKube):
        def delete(self, refs: list[t.Any]) -> None:
            super().delete(refs)
            if self.uids["kmc-a-1"]:
                self.readyz["kmc-a-0"] = OTHER

    kube = AgainKube(dict.fromkeys(["kmc-a-0", "kmc-a-1", "kmc-a-2"], OTHER))
    result, [said] = repaired(kube, monkeypatch)
    [found] = result["control_planes"]
    assert found["restarted"] == ["kmc-a-0", "kmc-a-1", "kmc-a-2"]
    assert found["left"] == ["kmc-a-0"]
    assert said.startswith("team/a: kmc-a-0 left alone: ")


def test_a_restart_that_did_not_help_is_an_error_and_no_other_one_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    kube = StandInKube({"kmc-a-0": DEAF, "kmc-a-1": DEAF, "kmc-a-2": True}, helps=False)
    with pytest.raises(Failed) as caught:
        repaired(kube, monkeypatch)
    assert kube.done == ["delete kmc-a-0", "wait"]
    message = caught.value.result["msg"]
    assert message.endswith("; kmc-a-0 was restarted, and is not well: connection refused.")
    assert message.startswith("kmc-a-0 was restarted, and is not well"), "only one was looked at: as it is"
    [found] = caught.value.result["control_planes"]
    assert (caught.value.result["changed"], found["restarted"], found["left"]) == (True, ["kmc-a-0"], ["kmc-a-1"])
    assert (found["up"], found["error"]) == (False, message)


class Fleet:
    """Control planes by name, each a stand-in of its own; in `strict` ones nobody may delete a pod."""

    check_mode = False

    def __init__(self, strict: str, **kubes: StandInKube) -> None:
        self.strict, self.kubes = strict, kubes

    def _of(self, pod: str) -> StandInKube:
        return self.kubes[pod.split("-")[1]]

    def get(self, _api_version: str, _kind: str, name: str, _namespace: str) -> dict[str, t.Any]:
        return self._of(name).get("v1", "Pod", name, "team")

    def delete(self, refs: list[t.Any]) -> None:
        if refs[0].name.split("-")[1] in self.strict:
            raise Forbidden("Not allowed to delete pods")
        self.last = self._of(refs[0].name)
        self.last.delete(refs)

    def wait(self, *how: t.Any) -> None:
        self.last.wait(*how)


def failing(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """What the module fails with. The message says it all, so nothing is warned of."""

    def health(_kube: t.Any, cluster: dict[str, t.Any]) -> dict[str, t.Any]:
        kube = fleet.kubes[cluster["metadata"]["name"]]
        return record(kube, cluster, len(kube.readyz))

    monkeypatch.setattr(cluster_report, "health", health)
    with pytest.raises(Failed) as caught:
        run(fleet, [{"metadata": {"name": name, "namespace": "team"}} for name in fleet.kubes], monkeypatch)
    assert caught.value.said == []
    return caught.value.result


def test_one_control_plane_that_fails_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(
        "b",
        a=StandInKube({"kmc-a-0": DEAF, "kmc-a-1": True}, helps=False),
        b=StandInKube({"kmc-b-0": DEAF, "kmc-b-1": DEAF}),
        c=StandInKube({"kmc-c-0": DEAF}),
    )
    result = failing(fleet, monkeypatch)
    assert [
        (each["name"], each["restarted"], each["left"], bool(each["error"])) for each in result["control_planes"]
    ] == [
        ("a", ["kmc-a-0"], [], True),
        ("b", [], ["kmc-b-0", "kmc-b-1"], True),
        ("c", ["kmc-c-0"], [], False),
    ]
    heading, *told = result["msg"].splitlines()
    assert heading == "2 of 3 control planes could not be repaired."
    assert told[0].startswith("team/a: kmc-a-0 was restarted, and is not well")
    assert told[1] == "team/b: Not allowed to delete pods."
    assert result["changed"]


def test_nothing_was_changed_where_nothing_could_be_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet("ab", a=StandInKube({"kmc-a-0": DEAF}), b=StandInKube({"kmc-b-0": True}))
    result = failing(fleet, monkeypatch)
    assert (result["changed"], result["msg"]) == (
        False,
        "1 of 2 control planes could not be repaired.\nteam/a: Not allowed to delete pods.",
    )
