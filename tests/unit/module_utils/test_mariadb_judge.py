# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a MariaDB is up: what the operator calls Ready is not enough, the servers themselves have to say it."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    Datastore,
    datastore,
    mariadb_answers,
    mariadb_judge,
    options_for,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Object = dict[str, t.Any]
Change = t.Callable[[Object], object]

NAMESPACE = "databases"


def store(**changes: t.Any) -> Datastore:
    databases = (DatabaseSpec("kine", "k0smotron"),)
    return datastore("mariadb", options_for("mariadb", name="mdb", namespace=NAMESPACE, databases=databases, **changes))


def pod(index: int) -> Object:
    return {
        "metadata": {"name": f"mdb-{index}", "namespace": NAMESPACE},
        "spec": {"nodeName": f"n{index}"},
        "status": {"podIP": f"10.0.0.{index}", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def ready(spec: Object) -> Object:
    condition = {"type": "Ready", "status": "True", "message": "Created"}
    return {"spec": {"mariaDbRef": {"name": "mdb"}, **spec}, "status": {"conditions": [condition]}}


def vertical(values: t.Mapping[str, object]) -> str:
    """As `mariadb --vertical` prints a row."""
    width = max(map(len, values))
    lines = [f"{name:>{width}}: {value}" for name, value in values.items()]
    return "\n".join(["*************************** 1. row ***************************", *lines, ""])


PRIMARY = {
    "read_only": 0,
    "written": "0-10-4711",
    "applied": "",
    "semi_sync": "ON",
    "semi_sync_replicas": 2,
    "acknowledges": "OFF",
}
REPLICA_STATE = {
    "Slave_IO_State": "Waiting for master to send event",
    "Master_Host": "mdb-0.mdb-internal.databases.svc.cluster.local",
    "Slave_IO_Running": "Yes",
    "Slave_SQL_Running": "Yes",
    "Last_IO_Error": "",
    "Last_SQL_Error": "",
}
REPLICA = {
    "read_only": 1,
    "written": "",
    "applied": "0-10-4711",
    "semi_sync": "OFF",
    "semi_sync_replicas": 0,
    "acknowledges": "ON",
}


def healthy() -> Object:
    replica = vertical(REPLICA_STATE) + vertical(REPLICA)
    return {
        "cluster": [
            {
                "spec": {"replication": {"enabled": True, "primary": {"podIndex": 0}}},
                "status": {
                    "conditions": [{"type": "Ready", "status": "True", "message": "Running"}],
                    "currentPrimary": "mdb-0",
                    "currentPrimaryPodIndex": 0,
                },
            }
        ],
        "pods": [pod(0), pod(1), pod(2)],
        "leader_endpoints": [{"subsets": [{"addresses": [{"ip": "10.0.0.0"}]}]}],
        "databases": [ready({"name": "kine"})],
        "users": [ready({"name": "k0smotron"})],
        "grants": [ready({"database": "kine", "username": "k0smotron"})],
        "secret:k0smotron": [{"data": {"username": "eA==", "password": "eA=="}}],
        "server:mdb-0": [{"output": vertical(PRIMARY)}],
        "server:mdb-1": [{"output": replica}],
        "server:mdb-2": [{"output": replica}],
    }


def say(observed: Object, index: int, old: str, new: str) -> None:
    answer = observed[f"server:mdb-{index}"][0]
    assert old in answer["output"]
    answer["output"] = answer["output"].replace(old, new)


def acknowledging(observed: Object, word: str) -> None:
    for index in (1, 2):
        say(observed, index, "acknowledges: ON", f"acknowledges: {word}")


def judged(change: Change, **changes: t.Any) -> Verdict:
    observed = copy.deepcopy(healthy())
    change(observed)
    return store(**changes).judge(observed)


def test_a_healthy_one_is_up() -> None:
    verdict = store().judge(healthy())
    assert verdict.reason == "3 of 3 instances are ready, primary mdb-0, semi-synchronous replica mdb-1"
    assert verdict.up
    assert verdict.details == {
        "status": "Running",
        "instances": {"wanted": 3, "ready": 3},
        "leader": {"pod": "mdb-0", "node": "n0"},
        "sync_standby": {"pod": "mdb-1", "node": "n1"},
        "mode": "on",
        "secrets": {"k0smotron": True},
    }


@pytest.mark.parametrize(
    ("change", "against"),
    [
        (lambda observed: None, ""),
        (lambda observed: observed.update(users=[]), ""),
        (
            lambda observed: say(observed, 1, "Slave_SQL_Running: Yes", "Slave_SQL_Running: No"),
            "mdb-1 does not replicate",
        ),
        (lambda observed: observed["pods"].pop(), "2 of 3 instances are ready"),
        (lambda observed: observed["cluster"][0]["status"].pop("currentPrimary"), "No instance is the primary yet"),
    ],
)
def test_the_primary_may_move_when_every_replica_follows_whatever_else_is_missing(change: Change, against: str) -> None:
    observed = copy.deepcopy(healthy())
    observed["cluster"][0]["spec"]["replicas"] = 3
    change(observed)
    verdict = mariadb_judge.may_move(observed["cluster"][0]["spec"], observed)
    assert verdict.up is (not against)
    assert against in verdict.reason


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        ("error 1236: it has diverged due to executing extra erroneous transactions", ". Delete the pod mdb-1"),
        ("error 1236: the slave state is too old and required binlog files have been purged", ""),
    ],
)
def test_one_that_led_for_a_moment_starts_once_more(error: str, mend: str) -> None:
    observed = copy.deepcopy(healthy())
    say(observed, 1, "Slave_IO_Running: Yes", "Slave_IO_Running: No")
    say(observed, 1, "Last_IO_Error: ", f"Last_IO_Error: {error}")
    verdict = store().judge(observed)
    assert verdict.reason == f"mdb-1 does not replicate: Slave_IO_Running is No ({error}){mend}"


def not_ready(item: Object) -> None:
    item["status"]["conditions"][0]["status"] = "False"


def outdated(item: Object) -> None:
    item["status"]["conditions"].append({"type": "Updated", "status": "False"})


@pytest.mark.parametrize("strategy", ["OnDelete", "Never"])
def test_who_restarts_instances_by_hand_is_not_waited_for(strategy: str) -> None:
    def by_hand(observed: Object) -> None:
        outdated(observed["cluster"][0])
        observed["cluster"][0]["spec"]["updateStrategy"] = {"type": strategy}

    assert judged(by_hand).up


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda o: o.update(cluster=[]), "The MariaDB does not exist yet"),
        (lambda o: not_ready(o["pods"][2]), "2 of 3 instances are ready: mdb-2 is not ready (Pending) (the operator"),
        (lambda o: o["pods"].append(pod(3)), "4 instances exist, 3 were asked for"),
        (
            lambda o: o["cluster"][0]["status"]["conditions"].append({"type": "PrimarySwitched", "status": "False"}),
            "The operator is moving the primary",
        ),
        (
            lambda o: o["cluster"][0]["spec"]["replication"]["primary"].update(podIndex=2),
            "The primary is to move from instance 0 to instance 2",
        ),
        (lambda o: outdated(o["cluster"][0]), "The operator is restarting the instances with their new settings"),
        (lambda o: not_ready(o["cluster"][0]), "The operator reports Running"),
        (lambda o: o["cluster"][0]["status"].update(currentPrimary="mdb-9"), "No instance is the primary yet"),
        (lambda o: o.update(leader_endpoints=[]), "The Service of the primary does not point to mdb-0 alone yet"),
        (
            lambda o: o["leader_endpoints"][0]["subsets"][0]["addresses"].append({"ip": "10.0.0.1"}),
            "The Service of the primary does not point to mdb-0 alone yet",
        ),
        (lambda o: o.update({"server:mdb-2": [{"problem": "exit status 1"}]}), "mdb-2 does not answer: exit status 1"),
        (lambda o: o.update({"server:mdb-2": [{"output": "?"}]}), "mdb-2 does not answer: its answer cannot be read"),
        (lambda o: say(o, 0, "read_only: 0", "read_only: 1"), "The primary mdb-0 is read only"),
        (
            lambda o: o.update({"server:mdb-1": [{"output": vertical(REPLICA)}]}),
            "mdb-1 does not replicate from anywhere",
        ),
        (lambda o: say(o, 1, "read_only: 1", "read_only: 0"), "mdb-1 takes writes beside the primary mdb-0"),
        (
            lambda o: say(o, 1, "mdb-0.mdb-internal", "mdb-2.mdb-internal"),
            "mdb-1 replicates from mdb-2.mdb-internal.databases.svc.cluster.local, not from the primary mdb-0",
        ),
        (lambda o: say(o, 1, "0-10-4711", "0-10-3000"), "mdb-1 is 1711 transactions behind the primary mdb-0"),
        (
            lambda o: say(o, 1, "0-10-4711", "0-10-4713"),
            "mdb-1 has 2 transactions that the primary mdb-0 does not have",
        ),
        (lambda o: say(o, 1, "0-10-4711", "0-10-4711,7-1-1"), "mdb-1 has 1 transactions that the primary mdb-0 does"),
        (lambda o: say(o, 0, "semi_sync: ON", "semi_sync: OFF"), "The primary mdb-0 does not wait for any replica"),
        (lambda o: say(o, 0, "semi_sync_replicas: 2", "semi_sync_replicas: 0"), "mdb-0 does not wait for any replica"),
        (lambda o: o.update(databases=[]), "The database kine is not declared yet"),
        (lambda o: not_ready(o["grants"][0]), "The grant of the database kine is not made yet: Created"),
        (lambda o: not_ready(o["users"][0]), "The account k0smotron is not made yet: Created"),
        (
            lambda o: o["users"][0]["spec"].update(mariaDbRef={"name": "other"}),
            "The account k0smotron is not declared yet",
        ),
        (lambda o: o.update({"secret:k0smotron": []}), "The credential Secret of k0smotron does not exist yet"),
        (
            lambda o: acknowledging(o, "OFF"),
            "No replica is semi-synchronous yet",
        ),
    ],
)
def test_it_is_not_up(change: Change, reason: str) -> None:
    verdict = judged(change)
    assert not verdict.up
    assert reason in verdict.reason


def backup() -> Object:
    return ready({"database": "kine", "username": "backup"})


def test_another_accounts_grant_on_the_database_has_no_say() -> None:
    def pending(observed: Object) -> None:
        observed["grants"].append(backup())
        not_ready(observed["grants"][1])

    assert judged(pending).up
    reason = judged(lambda observed: observed.update(grants=[backup()])).reason
    assert reason == "The grant of the database kine is not declared yet"


@pytest.mark.parametrize("thread", ["Slave_IO_Running", "Slave_SQL_Running"])
def test_a_replica_that_only_acknowledges(thread: str) -> None:
    """Ready to the operator, counted by the primary, and lost at the next failover (seen with v0.38.1)."""
    verdict = judged(lambda observed: say(observed, 1, f"{thread}: Yes", f"{thread}: No"))
    assert not verdict.up
    assert verdict.reason == f"mdb-1 does not replicate: {thread} is No (no error is given)"
    assert verdict.details["sync_standby"] == {"pod": "mdb-2", "node": "n2"}


def test_the_error_of_a_stopped_thread_is_told() -> None:
    def stop(observed: Object) -> None:
        say(observed, 2, "Slave_SQL_Running: Yes", "Slave_SQL_Running: No")
        say(observed, 2, "Last_SQL_Error: ", "Last_SQL_Error: Duplicate entry '7' for key: PRIMARY")

    assert judged(stop).reason == (
        "mdb-2 does not replicate: Slave_SQL_Running is No (Duplicate entry '7' for key: PRIMARY)"
    )


def test_a_little_behind_is_normal() -> None:
    assert judged(lambda observed: say(observed, 1, "0-10-4711", "0-10-4000")).up


def test_a_primary_that_was_just_promoted_has_written_nothing() -> None:
    def promoted(observed: Object) -> None:
        say(observed, 0, "written: 0-10-4711", "written: ")
        for index in (1, 2):
            say(observed, index, "applied: 0-10-4711", "applied: ")

    assert judged(promoted).up


def test_a_single_instance() -> None:
    def single(observed: Object) -> None:
        observed["cluster"][0]["spec"] = {}
        observed["pods"] = observed["pods"][:1]
        observed["server:mdb-0"] = [{"output": vertical({**PRIMARY, "semi_sync": "OFF", "semi_sync_replicas": 0})}]

    verdict = judged(single, instances=1)
    assert verdict.reason == "1 of 1 instances are ready, primary mdb-0"
    assert verdict.up
    assert (verdict.details["mode"], verdict.details["sync_standby"]) == ("off", None)


def test_the_primary_is_asked_last_and_who_is_not_ready_never() -> None:
    observed = healthy()
    not_ready(observed["pods"][2])
    questions = store().questions(observed)
    assert [(question.key, question.pod) for question in questions] == [
        ("server:mdb-1", "mdb-1"),
        ("server:mdb-0", "mdb-0"),
    ]
    assert {question.command for question in questions} == {mariadb_answers.COMMAND}


def test_no_password_is_in_the_question() -> None:
    assert "$MARIADB_ROOT_PASSWORD" in mariadb_answers.COMMAND[2]
    assert "--password" not in " ".join(mariadb_answers.COMMAND)
