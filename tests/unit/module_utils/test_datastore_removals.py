# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing a database cluster: the order of the steps that keep data, and what is refused before the first."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals import REMOVALS, remove
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import PROVIDERS, DatastoreOptions, datastore
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Object = dict[str, t.Any]
STORE = datastore("cloudnativepg", DatastoreOptions(name="pg", namespace="ns"))
OWNER = [{"kind": "Cluster", "name": "pg"}]


class StandInKube:
    """Objects in a list instead of a cluster. Deleting the Cluster deletes what it owns, as Kubernetes would."""

    def __init__(self, *objects: Object, check_mode: bool = False) -> None:
        self.objects = list(objects)
        self.check_mode = check_mode
        self.steps: list[str] = []

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        found = [item for item in self.objects if Ref.of(item) == Ref(api_version, kind, name, namespace)]
        return copy.deepcopy(found[0]) if found else None

    def list(self, api_version: str, kind: str, namespace: str, label_selector: str) -> list[Object]:
        assert (namespace, label_selector) == ("ns", "cnpg.io/cluster=pg")
        return [
            copy.deepcopy(item) for item in self.objects if (item["apiVersion"], item["kind"]) == (api_version, kind)
        ]

    def merge(self, ref: Ref, part: Object) -> None:
        self.steps.append(f"merge {ref}")
        [item] = [item for item in self.objects if Ref.of(item) == ref]
        for field, value in part["metadata"].items():
            item["metadata"][field] = {**item["metadata"].get(field, {}), **value} if isinstance(value, dict) else value

    def delete(self, refs: t.Iterable[Ref], wait_timeout: float = 0) -> None:
        for ref in refs:
            self.steps.append(f"delete {ref}")
            gone = [item for item in self.objects if Ref.of(item) == ref]
            if gone and ref.kind == "Cluster":
                gone += [item for item in self.objects if item["metadata"].get("ownerReferences")]
            if not self.check_mode:
                self.objects = [item for item in self.objects if item not in gone]

    def wait(self, probe: t.Callable[[], Verdict], timeout: float, diagnose: t.Callable[[], str] = str) -> Verdict:
        for _attempt in range(2):
            verdict = probe()
            if verdict.up:
                return verdict
        raise WaitTimeout(verdict.reason)


def obj(kind: str, name: str, *, owned: bool = True, api_version: str = "v1", **metadata: t.Any) -> Object:
    owner = {"ownerReferences": OWNER} if owned else {}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "ns", **owner, **metadata}}


def claim(number: int, status: str = "ready") -> Object:
    labels = {"cnpg.io/instanceName": f"pg-{number}", "cnpg.io/instanceRole": "stale", "role": "stale"}
    return obj("PersistentVolumeClaim", f"pg-{number}", labels=labels, annotations={"cnpg.io/pvcStatus": status})


def site(target: str = "pg-2", **options: t.Any) -> StandInKube:
    """Two instances, the second one the primary, and a third that is still being set up."""
    cluster = obj("Cluster", "pg", owned=False, api_version="postgresql.cnpg.io/v1")
    cluster["status"] = {"currentPrimary": "pg-2", "targetPrimary": target}
    return StandInKube(
        cluster,
        *(claim(1), claim(2), claim(3, "initializing")),
        *(obj("Secret", "pg-app"), obj("Secret", "k0smotron.pg.credentials", owned=False)),
        *(obj("Pod", f"pg-{number}") for number in (1, 2)),
        obj("Database", "pg.kine", owned=False, api_version="postgresql.cnpg.io/v1"),
        **options,
    )


def removed(kube: StandInKube, *, data: str = "keep", wait: bool = True) -> Object:
    return remove(t.cast(Kube, kube), STORE, {"wait": wait, "wait_timeout": 1, "data": data})


KEPT = [
    "PersistentVolumeClaim ns/pg-1",
    "PersistentVolumeClaim ns/pg-2",
    "Secret ns/k0smotron.pg.credentials",
]


def test_every_provider_can_be_removed() -> None:
    assert REMOVALS.keys() == PROVIDERS.keys()


@pytest.mark.parametrize("wait", [True, False])
def test_what_has_data_stays_and_the_primary_is_known(wait: bool) -> None:
    kube = site()
    result = removed(kube, wait=wait)
    assert result["changed"]
    assert result["left"] == KEPT
    assert sorted(str(Ref.of(item)) for item in kube.objects) == KEPT
    roles = {item["metadata"]["name"]: item["metadata"].get("labels", {}).get("role") for item in kube.objects}
    assert roles == {"pg-1": "replica", "pg-2": "primary", "k0smotron.pg.credentials": None}


def test_the_operator_is_told_before_the_claims_are_taken_and_the_cluster_goes_last() -> None:
    kube = site()
    removed(kube)
    assert kube.steps == [
        "merge Cluster ns/pg",
        "merge PersistentVolumeClaim ns/pg-1",
        "merge PersistentVolumeClaim ns/pg-2",
        "delete Database ns/pg.kine",
        "delete Cluster ns/pg",
    ]


def test_check_mode_says_the_same_and_does_nothing() -> None:
    kube, before = site(check_mode=True), site().objects
    predicted = removed(kube)
    assert predicted == removed(site())
    assert kube.objects == before


def test_a_failover_is_waited_for_and_nothing_is_touched_before() -> None:
    kube = site(target="pg-1")
    with pytest.raises(WaitTimeout, match="from pg-2 to pg-1"):
        removed(kube)
    assert kube.steps == []


def test_without_waiting_a_failover_is_a_refusal() -> None:
    kube = site(target="pg-1")
    with pytest.raises(Conflict, match="from pg-2 to pg-1"):
        removed(kube, wait=False)
    assert kube.steps == []


def test_a_failover_does_not_matter_to_data_that_goes() -> None:
    kube = site(target="pg-1")
    result = removed(kube, data="delete")
    assert result["left"] == []
    assert kube.objects == []


def test_a_cluster_that_never_had_a_primary_goes() -> None:
    kube = StandInKube(obj("Cluster", "pg", owned=False, api_version="postgresql.cnpg.io/v1"))
    assert removed(kube)["changed"]
    assert kube.objects == []


def test_an_interrupted_removal_is_finished() -> None:
    kube = site()
    removed(kube)
    kube.objects += [obj("Pod", "pg-1", owned=False), obj("Database", "pg.kine", api_version="postgresql.cnpg.io/v1")]
    assert removed(kube)["left"] == KEPT
    assert not removed(kube)["changed"]
