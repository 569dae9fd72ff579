# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a workload counts as rolled out."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.manifests_apply import Removal, remove, rolled_out

DONE = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


def ref(kind: str) -> Ref:
    return Ref("apps/v1", kind, "x", "n")


@pytest.mark.parametrize(
    ("status", "is_up", "says"),
    [
        (DONE, True, "2 of 2"),
        ({**DONE, "observedGeneration": 1}, False, "not looked at"),
        ({}, False, "not looked at"),
        ({**DONE, "updatedReplicas": 1}, False, "1 are new"),
        ({**DONE, "availableReplicas": 1}, False, "1 of 2 replicas are available"),
        ({**DONE, "replicas": 3}, False, "1 old ones are still there"),
        ({"observedGeneration": 2}, False, "0 of 2"),
    ],
)
def test_a_deployment(status: Object, is_up: bool, says: str) -> None:
    live = {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status}
    verdict = rolled_out(live, ref("Deployment"))
    assert verdict.up is is_up
    assert says in verdict.reason
    assert verdict.reason.startswith("Deployment n/x")


@pytest.mark.parametrize(("available", "is_up"), [(3, True), (2, False)])
def test_a_daemon_set(available: int, is_up: bool) -> None:
    status = {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": available}
    assert rolled_out({"metadata": {}, "spec": {}, "status": status}, ref("DaemonSet")).up is is_up


def test_a_stateful_set() -> None:
    live = {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": DONE}
    assert rolled_out(live, ref("StatefulSet")).up


def test_scaled_to_nothing() -> None:
    live = {"metadata": {"generation": 1}, "spec": {"replicas": 0}, "status": {"observedGeneration": 1}}
    assert rolled_out(live, ref("Deployment")).up


def test_what_is_not_there() -> None:
    assert rolled_out(None, ref("Deployment")).reason == "Deployment n/x does not exist"


PEERING = {"apiVersion": "peers.example/v1", "kind": "Peering", "metadata": {"name": "own"}}
PEERINGS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "peerings.peers.example"},
    "spec": {"group": "peers.example", "names": {"kind": "Peering"}, "versions": [{"name": "v1", "served": True}]},
}


class PeeringKube:
    """An API server that knows some Peerings."""

    check_mode = False

    def __init__(self, *names: str) -> None:
        self.found = [{**PEERING, "metadata": {"name": name}} for name in names]
        self.deleted: list[str] = []

    def serves(self, api_version: str, kind: str) -> bool:
        return (api_version, kind) == ("peers.example/v1", "Peering")

    def delete(self, refs: t.Iterable[Ref], wait_timeout: float = 0, *, propagation: str) -> list[t.Any]:
        self.deleted += [ref.kind for ref in refs]
        return []

    def list(self, api_version: str, kind: str) -> list[Object]:
        return self.found


def removed(kube: PeeringKube) -> list[str]:
    """The warnings of a removal."""
    warnings: list[str] = []
    remove(t.cast(Kube, kube), [PEERINGS, PEERING], Removal(crds=True), warnings.append, wait_timeout=0)
    return warnings


def test_a_definition_goes_with_the_objects_that_the_manifests_themselves_bring() -> None:
    kube = PeeringKube("own")
    assert removed(kube) == []
    assert kube.deleted == ["Peering", "CustomResourceDefinition"]


def test_and_stays_with_those_of_others() -> None:
    kube = PeeringKube("own", "another")
    with pytest.raises(Conflict, match=r"1 objects .* another"):
        removed(kube)
    assert kube.deleted == []


def test_check_mode_does_not_know_what_the_play_would_have_removed_before() -> None:
    kube = PeeringKube("own", "another")
    kube.check_mode = True
    [warning] = removed(kube)
    assert warning.startswith("Unless this run removes them first, it will fail: 1 objects of")
