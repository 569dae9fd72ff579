# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing a Zalando database cluster: the instance that starts first later has the newest data, or the cluster stays."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import DatastoreOptions, datastore
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, NotFound, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict
from tests.unit.module_utils.removals import Object, StandInKube, obj, removed

ZALANDO = datastore("zalando", DatastoreOptions(name="db", namespace="ns"))


class PatroniKube(StandInKube):
    """With an operator that stops instances, and a Patroni that hands over to the one that is left, a poll later."""

    custom_resource = "postgresql"
    selector = "application=spilo,cluster-name=db"

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> list[Object]:
        return [] if namespace == "operators" else super().list(api_version, kind, namespace, label_selector)

    def patch(self, wanted: Object) -> None:
        self.steps.append(f"{wanted['spec']['numberOfInstances']} instance")

    def wait(self, probe: t.Callable[[], Verdict], timeout: float, diagnose: t.Callable[[], str] = str) -> Verdict:
        verdict = probe()
        if not verdict.up and "out of service" in verdict.reason:
            return self._settle(probe, timeout)
        if not verdict.up and "synchronous standby" in verdict.reason:
            self.steps.append("waits for the standby")
            record = obj("Endpoints", "db-sync")
            record["metadata"]["annotations"] = {"leader": "db-1", "sync_standby": "db-0"}
            self.objects.append(record)
            return super().wait(probe, timeout, diagnose)
        if not verdict.up:
            self.steps.append("waits")
            self.objects = [item for item in self.objects if item["metadata"]["name"] != "db-1"]
            for item in self.objects:
                if item["metadata"]["name"] == "db-0" and "spilo-role" in item["metadata"]["labels"]:
                    item["metadata"]["labels"]["spilo-role"] = "master"
        return super().wait(probe, timeout, diagnose)

    def _settle(self, probe: t.Callable[[], Verdict], timeout: float) -> Verdict:
        """After a switchover the instance that led is back a moment later; one that is lost is not."""
        for item in self.objects:
            if timeout and item["metadata"]["name"] == "db-0" and "restarts" in item["metadata"]["labels"]:
                item["status"]["conditions"][0]["status"] = "True"
        if probe().up:
            return probe()
        raise WaitTimeout("Not up")


def instance(name: str, role: str | None, *, ready: bool = True) -> Object:
    labels = {"spilo-role": role} if role else {}
    status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
    return {**obj("Pod", name, labels=labels), "status": status}


def deployment(image: str, settings: str) -> Object:
    """One with a ready pod and a variable that names settings, as others may have, too."""
    container = {"image": image, "env": [{"name": "CONFIG_MAP_NAME", "value": settings}]}
    running = obj("Deployment", "operator", owned=False, api_version="apps/v1")
    running["metadata"]["namespace"] = "operators"
    running["spec"] = {"selector": {}, "template": {"spec": {"containers": [container]}}}
    return {**running, "status": {"readyReplicas": 1}}


OPERATOR = "mirror.example.com/zalando/postgres-operator:v1.15.1"


def zalando(*pods: Object, instances: int = 2, check_mode: bool = False, image: str = OPERATOR) -> PatroniKube:
    keeps = {"enable_persistent_volume_claim_deletion": "false", "enable_secrets_deletion": "false"}
    operator = deployment(image, "ns/settings")
    cluster = copy.deepcopy(ZALANDO.desired()[0])
    cluster["spec"]["numberOfInstances"] = instances
    settings = {**obj("ConfigMap", "settings", owned=False), "data": keeps}
    return PatroniKube(operator, settings, cluster, *pods, check_mode=check_mode)


@pytest.mark.parametrize(
    ("instances", "steps"),
    [(2, ["waits for the standby", "1 instance", "waits"]), (1, ["waits"])],
    ids=["first", "again"],
)
def test_the_first_instance_leads_alone_before_a_zalando_cluster_goes(instances: int, steps: list[str]) -> None:
    kube = zalando(instance("db-0", "replica"), instance("db-1", "master"), instances=instances)
    removed(kube, ZALANDO)
    assert kube.steps[: len(steps) + 1] == [*steps, "delete postgresql ns/db"]


@pytest.mark.parametrize("options", [{}, {"instances": 1}, {"check_mode": True}], ids=str)
@pytest.mark.parametrize("wait", [True, False])
def test_a_zalando_cluster_whose_newest_data_would_not_be_found_stays(options: dict[str, t.Any], wait: bool) -> None:
    kube = zalando(instance("db-0", "replica", ready=False), instance("db-1", "master"), **options)
    with pytest.raises(Conflict, match="Bring db-0 back, or give data: delete"):
        removed(kube, ZALANDO, wait=wait)
    assert kube.steps == []


@pytest.mark.parametrize("wait", [True, False])
def test_an_instance_that_a_switchover_takes_out_of_service_is_waited_for(wait: bool) -> None:
    first = instance("db-0", "replica", ready=False)
    first["metadata"]["labels"]["restarts"] = "yes"
    kube = zalando(first, instance("db-1", "master"))
    if wait:
        assert removed(kube, ZALANDO)["changed"]
        return
    with pytest.raises(Conflict, match="Bring db-0 back"):
        removed(kube, ZALANDO, wait=False)


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("first", "second", "instances"),
    [("replica", "master", 2), ("master", "replica", 2), ("master", "replica", 1), ("master", None, 2)],
    ids=["led by the other", "led by the first", "being reduced", "the other one comes"],
)
def test_without_waiting_several_instances_are_a_refusal(
    first: str, second: str | None, instances: int, check_mode: bool
) -> None:
    others = [instance("db-1", second)] if second else []
    kube = zalando(instance("db-0", first), *others, instances=instances, check_mode=check_mode)
    with pytest.raises(Conflict, match=r"db-0 has to lead alone.*wait: true.*or give data: delete"):
        removed(kube, ZALANDO, wait=False)
    assert kube.steps == []


@pytest.mark.parametrize(
    ("pods", "instances", "data"),
    [
        ((instance("db-0", "master"),), 1, "keep"),
        ((), 2, "keep"),
        ((instance("db-0", None), instance("db-1", None)), 2, "keep"),
        ((instance("db-0", "replica"), instance("db-1", "master")), 2, "delete"),
    ],
    ids=["one", "no pods", "never up", "data goes"],
)
def test_without_waiting_goes_what_has_its_newest_data_in_one_place(
    pods: tuple[Object, ...], instances: int, data: str
) -> None:
    kube = zalando(*pods, instances=instances)
    removed(kube, ZALANDO, wait=False, data=data)
    assert kube.steps[0] == "delete postgresql ns/db"


def test_which_data_is_the_newest_does_not_matter_to_data_that_goes() -> None:
    kube = zalando(instance("db-0", "replica", ready=False), instance("db-1", "master"))
    assert removed(kube, ZALANDO, data="delete")["changed"]


@pytest.mark.parametrize(
    "pods",
    [(), (instance("db-0", None),), (instance("db-0", None, ready=False), instance("db-1", None, ready=False))],
    ids=["none", "no role", "not ready"],
)
def test_a_zalando_cluster_that_was_never_up_goes(pods: tuple[Object, ...]) -> None:
    kube = zalando(*pods)
    assert removed(kube, ZALANDO)["changed"]
    assert kube.steps[0] == "delete postgresql ns/db"


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("ready", [True, False])
def test_a_zalando_cluster_that_is_going_already_is_not_held_up(ready: bool, wait: bool) -> None:
    kube = zalando(instance("db-0", "replica", ready=ready), instance("db-1", "master"))
    [cluster] = [item for item in kube.objects if item["kind"] == "postgresql"]
    cluster["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    removed(kube, ZALANDO, wait=wait)
    assert kube.steps[0] == "delete postgresql ns/db"


def note(name: str, **annotations: str | None) -> Object:
    """One of Patroni's records."""
    return obj("ConfigMap" if name.endswith("-leader") else "Endpoints", name, annotations=annotations)


CLAIMS = [obj("PersistentVolumeClaim", f"pgdata-db-{number}", owned=False) for number in (0, 1)]
INITIALIZED = note("db-config", initialize="7")
NO_ROLES = (instance("db-0", None, ready=False), instance("db-1", None, ready=False))


@pytest.mark.parametrize("pods", [(), NO_ROLES, (instance("db-1", "replica"),)], ids=["gone", "new", "no leader"])
@pytest.mark.parametrize(
    ("notes", "leader"),
    [
        ([note("db", leader="db-1"), note("db-sync", leader="db-0")], "db-1"),
        ([note("db-leader", leader="db-1")], "db-1"),
        ([note("db"), note("db-sync", leader="db-1")], "db-1"),
        ([note("db", leader=None)], "some instance, Patroni does not say which,"),
        ([], "some instance, Patroni does not say which,"),
    ],
    ids=["endpoints", "config map", "stopped in order", "nobody", "no record"],
)
def test_who_led_last_is_known_when_no_pod_says_so(pods: tuple[Object, ...], notes: list[Object], leader: str) -> None:
    kube = zalando(*pods, *CLAIMS, INITIALIZED, *notes)
    with pytest.raises(Conflict, match=f"{leader} has the newest data and db-0 is out of service"):
        removed(kube, ZALANDO, wait=False)
    assert kube.steps == []


@pytest.mark.parametrize(
    "others",
    [
        [*CLAIMS, INITIALIZED, note("db", leader="db-0")],
        [*CLAIMS, INITIALIZED, note("db"), note("db-sync", leader="db-0", sync_standby="db-1")],
        [*CLAIMS, note("db-config", initialize=""), note("db")],
        [CLAIMS[0], INITIALIZED, note("db")],
    ],
    ids=["the first", "the first, stopped in order", "never initialized", "one volume"],
)
def test_where_the_first_one_led_last_there_is_nothing_newer(others: list[Object]) -> None:
    kube = zalando(*NO_ROLES, *others)
    removed(kube, ZALANDO)
    assert kube.steps[0] == "delete postgresql ns/db"


LOST = instance("db-0", "master", ready=False)


@pytest.mark.parametrize(
    "promoted",
    [
        (instance("db-1", None), note("db", leader="db-1")),
        (instance("db-1", None, ready=False), note("db-leader", leader="db-1")),
        (note("db"), note("db-sync", leader="db-1", sync_standby="")),
    ],
    ids=["endpoints", "config map", "stopped in order"],
)
def test_the_label_of_a_lost_node_does_not_hide_who_was_promoted(promoted: tuple[Object, ...]) -> None:
    kube = zalando(LOST, *CLAIMS, INITIALIZED, *promoted)
    with pytest.raises(Conflict, match="db-1 has the newest data and db-0 is out of service"):
        removed(kube, ZALANDO, wait=False)
    assert kube.steps == []


@pytest.mark.parametrize(
    "notes", [(), (note("db"),), (note("db", leader="db-0"),)], ids=["none", "nobody", "the first"]
)
def test_the_label_of_the_first_one_counts_where_no_record_names_another(notes: tuple[Object, ...]) -> None:
    kube = zalando(LOST, *CLAIMS, INITIALIZED, *notes)
    assert removed(kube, ZALANDO)["changed"]


def test_without_waiting_an_instance_that_nobody_promoted_is_a_refusal() -> None:
    kube = zalando(instance("db-0", "replica"), instances=1)
    with pytest.raises(Conflict, match=r"db-0 has to lead alone; its instances are: db-0 \(replica\)"):
        removed(kube, ZALANDO, wait=False)


def test_another_program_with_the_operators_variable_is_not_the_operator() -> None:
    other = deployment("example.com/team/program:1", "settings-that-are-not-there")
    assert removed(zalando(other), ZALANDO)["changed"]
    with pytest.raises(NotFound, match="No Zalando operator runs"):
        removed(zalando(image="example.com/team/program:1"), ZALANDO)
