# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing a database cluster: the order of the steps that keep data, and what is refused before the first."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals import REMOVALS
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    PROVIDERS,
    DatastoreOptions,
    datastore,
    options_for,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, InvalidInput, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from tests.unit.module_utils.removals import OWNER, Object, StandInKube, obj, removed

STORE = datastore("cloudnativepg", DatastoreOptions(name="pg", namespace="ns"))


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
    result = removed(kube, STORE, wait=wait)
    assert result["changed"]
    assert result["left"] == KEPT
    assert sorted(str(Ref.of(item)) for item in kube.objects) == KEPT
    roles = {item["metadata"]["name"]: item["metadata"].get("labels", {}).get("role") for item in kube.objects}
    assert roles == {"pg-1": "replica", "pg-2": "primary", "k0smotron.pg.credentials": None}


def test_the_operator_is_told_before_the_claims_are_taken_and_the_cluster_goes_last() -> None:
    kube = site()
    removed(kube, STORE)
    assert kube.steps == [
        "merge Cluster ns/pg",
        "merge PersistentVolumeClaim ns/pg-1",
        "merge PersistentVolumeClaim ns/pg-2",
        "delete Database ns/pg.kine",
        "delete Cluster ns/pg",
    ]


def test_check_mode_says_the_same_and_does_nothing() -> None:
    kube, before = site(check_mode=True), site().objects
    predicted = removed(kube, STORE)
    assert predicted == removed(site(), STORE)
    assert kube.objects == before


def test_a_failover_is_waited_for_and_nothing_is_touched_before() -> None:
    kube = site(target="pg-1")
    with pytest.raises(WaitTimeout, match="from pg-2 to pg-1"):
        removed(kube, STORE)
    assert kube.steps == []


def test_without_waiting_a_failover_is_a_refusal() -> None:
    kube = site(target="pg-1")
    with pytest.raises(Conflict, match="from pg-2 to pg-1"):
        removed(kube, STORE, wait=False)
    assert kube.steps == []


def test_a_failover_does_not_matter_to_data_that_goes() -> None:
    kube = site(target="pg-1")
    result = removed(kube, STORE, data="delete")
    assert result["left"] == []
    assert kube.objects == []


def test_a_cluster_that_never_had_a_primary_goes() -> None:
    kube = StandInKube(obj("Cluster", "pg", owned=False, api_version="postgresql.cnpg.io/v1"))
    assert removed(kube, STORE)["changed"]
    assert kube.objects == []


@pytest.mark.parametrize("status", [{}, {"targetPrimary": "pg-2"}, {"currentPrimary": "", "targetPrimary": "pg-1"}])
def test_who_led_stays_known_when_a_cluster_goes_before_its_primary_is_back(status: Object) -> None:
    kube = site()
    removed(kube, STORE)
    cluster = obj("Cluster", "pg", owned=False, api_version="postgresql.cnpg.io/v1")
    adopted = [{**item, "metadata": {**item["metadata"], "ownerReferences": OWNER}} for item in kube.objects[:2]]
    again = StandInKube({**cluster, "status": status}, *adopted)
    removed(again, STORE)
    claims = {item["metadata"]["name"]: item["metadata"] for item in again.objects}
    assert {name: metadata["labels"]["role"] for name, metadata in claims.items()} == {
        "pg-1": "replica",
        "pg-2": "primary",
    }


def test_an_interrupted_removal_is_finished() -> None:
    kube = site()
    removed(kube, STORE)
    kube.objects += [obj("Pod", "pg-1", owned=False), obj("Database", "pg.kine", api_version="postgresql.cnpg.io/v1")]
    assert removed(kube, STORE)["left"] == KEPT
    assert not removed(kube, STORE)["changed"]


def test_a_pooler_is_not_waited_for() -> None:
    kube = site()
    labels = {"cnpg.io/cluster": "pg", "cnpg.io/podRole": "pooler"}
    kube.objects += [obj(kind, "pg-pooler", owned=False, labels=labels) for kind in ("Pod", "Service")]
    assert removed(kube, STORE)["changed"]
    assert not any("pooler" in step for step in kube.steps)
    kube.objects.append(obj("Pod", "pg-1", labels={"cnpg.io/podRole": "instance"}))
    assert len(REMOVALS["cloudnativepg"](t.cast(Kube, kube), STORE, None).remnants()) == 1


def test_check_mode_refuses_what_the_run_would_and_nothing_else() -> None:
    assert removed(site(target="pg-1", check_mode=True), STORE)["left"] == KEPT
    with pytest.raises(Conflict, match="from pg-2 to pg-1"):
        removed(site(target="pg-1", check_mode=True), STORE, wait=False)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("name", "namespace"), [("", "ns"), ("db", ""), ("db,other", "ns"), ("db", "a/b")])
def test_nothing_goes_by_a_name_that_none_has(provider: str, name: str, namespace: str) -> None:
    kube = site()
    with pytest.raises(InvalidInput, match="is not a valid name"):
        removed(kube, datastore(provider, options_for(provider, name=name, namespace=namespace)))
    assert kube.steps == []
