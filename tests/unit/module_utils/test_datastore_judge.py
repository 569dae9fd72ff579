# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Really up, or only Running: the judgement of a Zalando cluster, one missing thing at a time."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    DatastoreOptions,
    datastore,
    zalando_judge,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Observed = dict[str, list[dict[str, t.Any]]]


def pod(name: str, role: str | None, ip: str, *, ready: bool = True) -> dict[str, t.Any]:
    labels = {"application": "spilo"} | ({"spilo-role": role} if role else {})
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"nodeName": f"node-of-{name}"},
        "status": {"podIP": ip, "phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def record(leader: str | None = "db-0", standby: str | None = "db-1") -> dict[str, t.Any]:
    annotations = {"leader": leader, "sync_standby": standby}
    return {"metadata": {"name": "db-sync", "annotations": {key: value for key, value in annotations.items() if value}}}


def healthy() -> Observed:
    return {
        "cluster": [{"metadata": {"name": "db"}, "status": {"PostgresClusterStatus": "Running"}}],
        "pods": [pod("db-0", "master", "10.0.0.1"), pod("db-1", "replica", "10.0.0.2")],
        "leader_endpoints": [{"metadata": {"name": "db"}, "subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]}],
        "sync_endpoints": [record()],
        "sync_config_map": [],
        "secret:k0smotron": [{"data": {"username": "azBz", "password": "cw=="}}],
    }


def judged(observed: Observed, **changes: t.Any) -> Verdict:
    options = DatastoreOptions(name="db", namespace="ns", databases=[DatabaseSpec("kine", "k0smotron")], **changes)
    return datastore("zalando", options).judge(observed)


def test_up() -> None:
    verdict = judged(healthy())
    assert verdict == Verdict(
        True,
        "2 of 2 instances are ready, leader db-0, synchronous standby db-1",
        {
            "status": "Running",
            "instances": {"wanted": 2, "ready": 2},
            "leader": {"pod": "db-0", "node": "node-of-db-0"},
            "sync_standby": {"pod": "db-1", "node": "node-of-db-1"},
            "mode": "on",
            "secrets": {"k0smotron": True},
        },
    )


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("cluster", [], "does not exist yet"),
        ("cluster", [{"metadata": {}}], "no status yet"),
        ("cluster", [{"status": {"PostgresClusterStatus": "Creating"}}], "The operator reports Creating"),
        ("cluster", [{"status": "Updating"}], "The operator reports Updating"),
        ("cluster", [{"status": {"PostgresClusterStatus": "CreateFailed"}}], "tries again"),
        ("cluster", [{"status": {"PostgresClusterStatus": "Invalid"}}], "cannot read the resource"),
        ("pods", [], "0 of 2 instances are ready"),
        ("pods", [pod("db-0", "master", "10.0.0.1")], "1 of 2 instances are ready"),
        (
            "pods",
            [pod("db-0", "master", "10.0.0.1"), pod("db-1", "replica", "10.0.0.2", ready=False)],
            "1 of 2 instances are ready: db-1 is not ready (Running)",
        ),
        (
            "pods",
            [pod("db-0", "master", "10.0.0.1"), pod("db-1", None, "10.0.0.2")],
            "1 of 2 instances are ready: db-1 has no role yet",
        ),
        ("pods", [pod("db-0", "replica", "10.0.0.1"), pod("db-1", "replica", "10.0.0.2")], "No instance is the leader"),
        (
            "pods",
            [*healthy()["pods"], pod("db-2", "replica", "10.0.0.3")],
            "3 instances exist, 2 were asked for",
        ),
        ("leader_endpoints", [], "The Service of the leader has no address"),
        ("leader_endpoints", [{"metadata": {"name": "db"}}], "The Service of the leader has no address"),
        (
            "leader_endpoints",
            [{"subsets": [{"addresses": [{"ip": "10.0.0.2"}]}]}],
            "does not point to db-0 yet",
        ),
        ("secret:k0smotron", [], "The credential Secret of k0smotron does not exist"),
        ("secret:k0smotron", [{"data": {"username": "azBz"}}], "The credential Secret of k0smotron does not exist"),
        ("sync_endpoints", [], "No standby is synchronous"),
        ("sync_endpoints", [record(standby=None)], "No standby is synchronous"),
        ("sync_endpoints", [record(leader=None)], "No standby is synchronous"),
        ("sync_endpoints", [record(leader="db-1", standby="db-0")], "No standby is synchronous"),
        ("sync_endpoints", [record(standby="db-7")], "No standby is synchronous"),
    ],
)
def test_not_up(part: str, value: list[dict[str, t.Any]], reason: str) -> None:
    verdict = judged(healthy() | {part: value})
    assert not verdict.up
    assert reason in verdict.reason


def test_patronis_other_place_for_the_standby() -> None:
    verdict = judged(healthy() | {"sync_endpoints": [], "sync_config_map": [record()]})
    assert verdict.details["sync_standby"] == {"pod": "db-1", "node": "node-of-db-1"}


def test_patroni_4_calls_the_leader_primary() -> None:
    observed = healthy()
    observed["pods"][0]["metadata"]["labels"]["spilo-role"] = "primary"
    assert judged(observed).up


def test_any_instance_may_be_the_leader() -> None:
    observed = healthy() | {
        "pods": [pod("db-0", "replica", "10.0.0.2"), pod("db-1", "master", "10.0.0.1")],
        "sync_endpoints": [record(leader="db-1", standby="db-0")],
    }
    assert judged(observed).reason == "2 of 2 instances are ready, leader db-1, synchronous standby db-0"


def test_a_list_of_standbys() -> None:
    assert judged(healthy() | {"sync_endpoints": [record(standby="db-9,db-1")]}).up


@pytest.mark.parametrize("changes", [{"synchronous": "off"}, {"spec": {"patroni": None}}])
def test_no_standby_has_to_be_synchronous_when_none_was_asked_for(changes: dict[str, t.Any]) -> None:
    verdict = judged(healthy() | {"sync_endpoints": []}, **changes)
    assert verdict.up
    assert verdict.reason == "2 of 2 instances are ready, leader db-0"
    assert (verdict.details["mode"], verdict.details["sync_standby"]) == ("off", None)


def test_one_instance_needs_no_standby() -> None:
    observed = healthy() | {"pods": healthy()["pods"][:1], "sync_endpoints": []}
    assert judged(observed, instances=1).up


def test_the_overlay_counts() -> None:
    verdict = judged(healthy(), spec={"numberOfInstances": 3})
    assert "2 of 3 instances" in verdict.reason


def test_every_owner_needs_a_secret() -> None:
    databases = [DatabaseSpec("kine", "k0smotron"), DatabaseSpec("other", "other")]
    options = DatastoreOptions(name="db", namespace="ns", databases=databases)
    verdict = datastore("zalando", options).judge(healthy())
    assert verdict.reason == "The credential Secret of other does not exist yet"
    assert verdict.details["secrets"] == {"k0smotron": True, "other": False}


def test_no_secret_value_is_in_the_verdict() -> None:
    observed = copy.deepcopy(healthy())
    observed["secret:k0smotron"][0]["data"]["password"] = "UzNjUmV0"
    assert "UzNjUmV0" not in repr(judged(observed))


@pytest.mark.parametrize(
    ("pods", "alone"),
    [
        ([], False),
        ([pod("db-0", "master", "10.0.0.1")], True),
        ([pod("db-0", "primary", "10.0.0.1")], True),
        ([pod("db-0", "master", "10.0.0.1", ready=False)], False),
        ([pod("db-0", "replica", "10.0.0.1")], False),
        ([pod("db-1", "master", "10.0.0.1")], False),
        ([pod("db-0", "master", "10.0.0.1"), pod("db-1", "replica", "10.0.0.2")], False),
    ],
)
def test_the_first_instance_leads_alone(pods: list[dict[str, t.Any]], alone: bool) -> None:
    verdict = zalando_judge.first_leads_alone("db", pods)
    assert verdict.up == alone
    assert all(each["metadata"]["name"] in verdict.reason for each in pods)


@pytest.mark.parametrize("record", ["sync_endpoints", "sync_config_map"])
@pytest.mark.parametrize(
    ("roles", "recorded", "synchronous", "able"),
    [
        (("master", "replica"), ("db-0", "db-1"), True, True),
        (("master", "replica"), ("db-0", ""), True, True),
        (("replica", "master"), ("db-1", "db-0"), True, True),
        (("replica", "master"), ("db-1", "db-2,db-0"), True, True),
        (("replica", "master"), ("db-1", ""), True, False),
        (("replica", "master"), ("db-0", "db-1"), True, False),  # as recorded before the switchover
        (("replica", "master"), ("db-1", ""), False, True),
        (("replica", "replica"), ("db-1", "db-0"), True, False),
        (("replica", "replica"), ("db-1", ""), False, False),
        (("master", "master"), ("db-1", ""), True, False),  # the node of one is lost, and still counts as ready
        (("master", "master"), ("db-1", ""), False, False),
    ],
)
def test_the_first_instance_can_lead(
    record: str, roles: tuple[str, str], recorded: tuple[str, str], synchronous: bool, able: bool
) -> None:
    """Patroni promotes the synchronous standby only; found where a reduction left an instance that nobody promoted."""
    pods = [pod(f"db-{number}", role, f"10.0.0.{number}") for number, role in enumerate(roles)]
    sync = {"metadata": {"annotations": dict(zip(("leader", "sync_standby"), recorded, strict=True))}}
    spec = {"patroni": {"synchronous_mode": synchronous}}
    verdict = zalando_judge.first_can_lead("db", spec, {"pods": pods, record: [sync]})
    assert verdict.up == able
    assert f"db-0 ({roles[0]})" in verdict.reason


@pytest.mark.parametrize(
    ("first", "second", "leader"),
    [
        (pod("db-0", "replica", "10.0.0.1"), pod("db-1", "master", "10.0.0.2"), ""),
        (pod("db-0", "master", "10.0.0.1", ready=False), pod("db-1", "replica", "10.0.0.2"), ""),
        (pod("db-0", None, "10.0.0.1"), pod("db-1", None, "10.0.0.2"), ""),  # it was never up
        (pod("db-0", None, "10.0.0.1"), pod("db-1", "master", "10.0.0.2"), "db-1"),
        (pod("db-0", "replica", "10.0.0.1", ready=False), pod("db-1", "primary", "10.0.0.2"), "db-1"),
        (pod("db-0", "replica", "10.0.0.1", ready=False), pod("db-1", "master", "10.0.0.2", ready=False), "db-1"),
    ],
)
def test_who_leads_while_the_first_is_out_of_service(
    first: dict[str, t.Any], second: dict[str, t.Any], leader: str
) -> None:
    assert zalando_judge.leads_without_first("db", [first, second], []) == leader


def test_an_instance_that_is_gone_does_not_lead() -> None:
    assert zalando_judge.leads_without_first("db", [], []) == ""
    assert zalando_judge.leads_without_first("db", [pod("db-1", "master", "10.0.0.2")], []) == "db-1"


@pytest.mark.parametrize(("instances", "needed"), [(2, True), (3, True), (1, False)])
def test_only_the_count_changes_before_a_removal(instances: int, needed: bool) -> None:
    live = {
        "apiVersion": "acid.zalan.do/v1",
        "kind": "postgresql",
        "metadata": {"name": "db", "namespace": "x", "labels": {"a": "b"}, "resourceVersion": "7"},
        "spec": {"teamId": "t", "numberOfInstances": instances},
        "status": {"PostgresClusterStatus": "Running"},
    }
    reduced = zalando_judge.reduced_to_first(live)
    assert (reduced is not None) == needed
    if reduced is not None:
        assert reduced["metadata"] == {"name": "db", "namespace": "x", "labels": {"a": "b"}}
        assert reduced["spec"] == {"teamId": "t", "numberOfInstances": 1}
