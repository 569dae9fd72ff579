# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Really up, or only healthy: the judgement of a CloudNativePG cluster, one missing thing at a time."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    DatastoreOptions,
    datastore,
    provider_of,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Object = dict[str, t.Any]
Observed = dict[str, list[Object]]
HEALTHY = "Cluster in healthy state"


def pod(name: str, role: str | None, ip: str, *, ready: bool = True) -> Object:
    return {
        "metadata": {"name": name, "labels": {"cnpg.io/instanceRole": role} if role else {}},
        "spec": {"nodeName": f"node-of-{name}"},
        "status": {"podIP": ip, "phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def cluster(**changes: t.Any) -> Object:
    """As CloudNativePG v1.28.0 writes it."""
    status = {
        "phase": HEALTHY,
        "readyInstances": 2,
        "currentPrimary": "db-1",
        "targetPrimary": "db-1",
        "instancesStatus": {"healthy": ["db-1", "db-2"]},
        "managedRolesStatus": {"byStatus": {"not-managed": ["app"], "reconciled": ["k0smotron"]}},
    }
    return {"metadata": {"name": "db"}, "status": status | changes}


def database(generation: int = 1, **status: t.Any) -> Object:
    return {
        "metadata": {"name": "db.kine", "generation": generation},
        "spec": {"name": "kine"},
        "status": {"applied": True, "observedGeneration": 1} | status,
    }


def endpoints(*addresses: str) -> list[Object]:
    return [{"subsets": [{"addresses": [{"ip": ip} for ip in addresses]}]}]


def healthy() -> Observed:
    return {
        "cluster": [cluster()],
        "pods": [pod("db-1", "primary", "10.0.0.1"), pod("db-2", "replica", "10.0.0.2")],
        "leader_endpoints": endpoints("10.0.0.1"),
        "databases": [database()],
        "secret:k0smotron": [{"data": {"username": "azBz", "password": "cw=="}}],
    }


KINE = DatabaseSpec("kine", "k0smotron")


def judged(observed: Observed, **changes: t.Any) -> Verdict:
    options = DatastoreOptions(name="db", namespace="ns", databases=[KINE], **changes)
    return datastore("cloudnativepg", options).judge(observed)


def test_up() -> None:
    assert judged(healthy()) == Verdict(
        True,
        "2 of 2 instances are ready, leader db-1, synchronous standby db-2",
        {
            "status": HEALTHY,
            "instances": {"wanted": 2, "ready": 2},
            "leader": {"pod": "db-1", "node": "node-of-db-1"},
            "sync_standby": {"pod": "db-2", "node": "node-of-db-2"},
            "mode": "on",
            "secrets": {"k0smotron": True},
        },
    )


def roles(**status: t.Any) -> Object:
    return cluster(managedRolesStatus=status)


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("cluster", [], "does not exist yet"),
        ("cluster", [{"metadata": {}}], "No instance is the leader yet"),
        ("cluster", [cluster(phase="Setting up primary")], "The operator reports Setting up primary"),
        (
            "cluster",
            [cluster(phase="Cluster is unrecoverable", phaseReason="no PVC")],
            "The operator reports Cluster is unrecoverable: no PVC",
        ),
        ("cluster", [cluster(targetPrimary="db-2")], "The primary moves from db-1 to db-2"),
        ("cluster", [cluster(targetPrimary="pending")], "The primary moves from db-1 to pending"),
        ("cluster", [cluster(readyInstances=1)], "The operator sees 1 of 2 instances ready"),
        ("cluster", [cluster(instancesStatus={"healthy": ["db-1"]})], "No standby is synchronous"),
        ("cluster", [roles()], "The role k0smotron is not as it was asked for yet"),
        ("cluster", [roles(byStatus={"pending-reconciliation": ["k0smotron"]})], "The role k0smotron is not as it"),
        (
            "cluster",
            [roles(byStatus={"reconciled": ["k0smotron"]}, cannotReconcile={"k0smotron": ["no such role"]})],
            "The operator cannot make the role k0smotron: no such role",
        ),
        ("pods", [], "0 of 2 instances are ready"),
        (
            "pods",
            [pod("db-1", "primary", "10.0.0.1"), pod("db-2", "replica", "10.0.0.2", ready=False)],
            "1 of 2 instances are ready: db-2 is not ready (Running)",
        ),
        (
            "pods",
            [pod("db-1", "replica", "10.0.0.1"), pod("db-2", "replica", "10.0.0.2")],
            "No instance is the leader yet",
        ),
        ("pods", [*healthy()["pods"], pod("db-3", "replica", "10.0.0.3")], "3 instances exist, 2 were asked for"),
        ("leader_endpoints", [], "The Service of the leader has no address"),
        ("leader_endpoints", endpoints(), "The Service of the leader has no address"),
        ("leader_endpoints", endpoints("10.0.0.2"), "does not point to db-1 yet"),
        ("leader_endpoints", endpoints("10.0.0.1", "10.0.0.2"), "does not point to db-1 yet"),
        ("databases", [], "The Database of kine does not exist yet"),
        ("databases", [database(applied=False, message="no role")], "kine is not as it was asked for yet: no role"),
        ("databases", [database(generation=2)], "The database kine is not as it was asked for yet"),
        ("secret:k0smotron", [], "The credential Secret of k0smotron does not exist"),
        ("secret:k0smotron", [{"data": {"username": "azBz"}}], "The credential Secret of k0smotron does not exist"),
    ],
)
def test_not_up(part: str, value: list[Object], reason: str) -> None:
    verdict = judged(healthy() | {part: value})
    assert not verdict.up
    assert reason in verdict.reason


def test_nobody_manages_the_owner_of_a_database_that_was_taken_out_of_the_list() -> None:
    [live, kept] = datastore("cloudnativepg", DatastoreOptions(name="db", namespace="ns", databases=[KINE])).desired()
    taken_out = {
        "metadata": {"generation": 1},
        "spec": {"name": "old", "owner": "before"},
        "status": database()["status"],
    }
    seen = healthy() | {"databases": [{**kept, **database(), "spec": kept["spec"]}, taken_out]}
    seen |= {"cluster": [live | cluster()], "secret:before": seen["secret:k0smotron"]}
    known = datastore("cloudnativepg", provider_of(live).options_from(live, seen))
    assert known.judge(seen).up
    assert known.owners() == ["k0smotron", "before"]
    live["spec"]["managed"]["roles"].append({"name": "before"})
    known = datastore("cloudnativepg", provider_of(live).options_from(live, seen))
    assert known.judge(seen).reason == "The role before is not as it was asked for yet"


def test_what_the_operator_does_explains_what_is_missing() -> None:
    observed = healthy() | {"pods": [], "cluster": [cluster(phase="Failing over", phaseReason="db-1 hangs")]}
    assert judged(observed).reason == "0 of 2 instances are ready (the operator reports Failing over: db-1 hangs)"


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({"synchronous": "off"}, "off"),
        ({"spec": {"postgresql": {"synchronous": None}}}, "off"),
        ({"instances": 2, "spec": {"postgresql": {"synchronous": {"dataDurability": None}}}}, "strict"),
    ],
)
def test_the_mode_is_the_specs(changes: Object, mode: str) -> None:
    assert judged(healthy(), **changes).details["mode"] == mode


def test_no_standby_has_to_be_synchronous_when_none_was_asked_for() -> None:
    verdict = judged(healthy() | {"cluster": [cluster(instancesStatus={})]}, synchronous="off")
    assert verdict.up
    assert verdict.reason == "2 of 2 instances are ready, leader db-1"


def test_one_instance_needs_no_standby() -> None:
    observed = healthy() | {"pods": healthy()["pods"][:1], "cluster": [cluster(readyInstances=1)]}
    assert judged(observed, instances=1).up


def test_no_secret_value_is_in_the_verdict() -> None:
    observed = healthy()
    observed["secret:k0smotron"][0]["data"]["password"] = "UzNjUmV0"
    assert "UzNjUmV0" not in repr(judged(observed))
