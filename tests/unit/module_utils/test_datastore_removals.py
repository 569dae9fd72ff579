# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing a database cluster: the order of the steps that keep data, and what is refused before the first."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import datastore_removals
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals import REMOVALS, remove
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    PROVIDERS,
    Datastore,
    DatastoreOptions,
    datastore,
    mariadb_judge,
    options_for,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, InvalidInput, NotFound, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import merged
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Object = dict[str, t.Any]
STORE = datastore("cloudnativepg", DatastoreOptions(name="pg", namespace="ns"))
MARIADB = datastore("mariadb", options_for("mariadb", name="mdb", namespace="ns"))
OWNER = [{"kind": "Cluster", "name": "pg"}]


class StandInKube:
    """Objects in a list instead of a cluster. Deleting the custom resource deletes what it owns, as Kubernetes would."""

    custom_resource = "Cluster"
    selector = "cnpg.io/cluster=pg"

    def __init__(self, *objects: Object, check_mode: bool = False) -> None:
        self.objects = list(objects)
        self.check_mode = check_mode
        self.steps: list[str] = []

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        found = [item for item in self.objects if Ref.of(item) == Ref(api_version, kind, name, namespace)]
        return copy.deepcopy(found[0]) if found else None

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> list[Object]:
        assert kind == "Deployment" or (namespace == "ns" and label_selector in (None, self.selector))
        return [
            copy.deepcopy(item) for item in self.objects if (item["apiVersion"], item["kind"]) == (api_version, kind)
        ]

    def merge(self, ref: Ref, part: Object) -> None:
        self.steps.append(f"merge {ref}")
        [item] = [item for item in self.objects if Ref.of(item) == ref]
        item.update(merged(item, part))

    def delete(self, refs: t.Iterable[Ref], wait_timeout: float = 0) -> None:
        for ref in refs:
            self.steps.append(f"delete {ref}")
            gone = [item for item in self.objects if Ref.of(item) == ref]
            if gone and ref.kind == self.custom_resource:
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


def removed(kube: StandInKube, *, data: str = "keep", wait: bool = True, store: Datastore = STORE) -> Object:
    return remove(t.cast(Kube, kube), store, {"wait": wait, "wait_timeout": 1, "data": data})


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


@pytest.mark.parametrize("status", [{}, {"targetPrimary": "pg-2"}, {"currentPrimary": "", "targetPrimary": "pg-1"}])
def test_who_led_stays_known_when_a_cluster_goes_before_its_primary_is_back(status: Object) -> None:
    kube = site()
    removed(kube)
    cluster = obj("Cluster", "pg", owned=False, api_version="postgresql.cnpg.io/v1")
    adopted = [{**item, "metadata": {**item["metadata"], "ownerReferences": OWNER}} for item in kube.objects[:2]]
    again = StandInKube({**cluster, "status": status}, *adopted)
    removed(again)
    claims = {item["metadata"]["name"]: item["metadata"] for item in again.objects}
    assert {name: metadata["labels"]["role"] for name, metadata in claims.items()} == {
        "pg-1": "replica",
        "pg-2": "primary",
    }


def test_an_interrupted_removal_is_finished() -> None:
    kube = site()
    removed(kube)
    kube.objects += [obj("Pod", "pg-1", owned=False), obj("Database", "pg.kine", api_version="postgresql.cnpg.io/v1")]
    assert removed(kube)["left"] == KEPT
    assert not removed(kube)["changed"]


def test_a_pooler_is_not_waited_for() -> None:
    kube = site()
    labels = {"cnpg.io/cluster": "pg", "cnpg.io/podRole": "pooler"}
    kube.objects += [obj(kind, "pg-pooler", owned=False, labels=labels) for kind in ("Pod", "Service")]
    assert removed(kube)["changed"]
    assert not any("pooler" in step for step in kube.steps)
    kube.objects.append(obj("Pod", "pg-1", labels={"cnpg.io/podRole": "instance"}))
    assert len(REMOVALS["cloudnativepg"](t.cast(Kube, kube), STORE, None).remnants()) == 1


class StandInMariaDBKube(StandInKube):
    """With an operator that moves the primary at once."""

    custom_resource = "MariaDB"
    selector = "app.kubernetes.io/instance=mdb,app.kubernetes.io/name=mariadb"

    def merge(self, ref: Ref, part: Object) -> None:
        super().merge(ref, part)
        [item] = [item for item in self.objects if Ref.of(item) == ref]
        item["status"]["currentPrimaryPodIndex"] = item["spec"]["replication"]["primary"]["podIndex"]


def declared(kind: str, name: str) -> Object:
    item = obj(kind, name, owned=False, api_version="k8s.mariadb.com/v1alpha1")
    return {**item, "spec": {"mariaDbRef": {"name": "mdb"}}}


def mariadb(primary: int = 1, operators: int = 1, **options: t.Any) -> StandInMariaDBKube:
    """Three instances, and something of another chart under the same labels."""
    version = "k8s.mariadb.com/v1alpha1"
    cluster = obj("MariaDB", "mdb", owned=False, api_version=version)
    cluster["spec"] = {"replication": {"primary": {"podIndex": primary}}}
    cluster["status"] = {"currentPrimaryPodIndex": primary}
    operator = obj("Deployment", "mariadb-operator", owned=False, api_version="apps/v1")
    environment = {"env": [{"name": "MARIADB_OPERATOR_NAME"}]}
    operator["spec"] = {"template": {"spec": {"containers": [environment]}}}
    operator["status"] = {"readyReplicas": operators}
    label = {"pvc.k8s.mariadb.com/role": "storage"}
    secrets = ("mdb-root", "k0smotron.mdb.credentials.mariadb", "repl-password-mdb", "mdb-mariadb")
    return StandInMariaDBKube(
        *(operator, cluster),
        *(obj("PersistentVolumeClaim", f"storage-mdb-{index}", owned=False, labels=label) for index in range(3)),
        obj("PersistentVolumeClaim", "data-mdb-mariadb-0", owned=False),
        *(obj("Secret", name, owned=False) for name in secrets),
        *(obj("Pod", f"mdb-{index}") for index in range(3)),
        *(declared(kind, "mdb.kine") for kind in ("Database", "Grant")),
        declared("User", "mdb.k0smotron"),
        **options,
    )


@pytest.fixture(autouse=True)
def follow(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[str], None]:
    """What is against the replicas of the MariaDB; nothing at first."""

    def say(problem: str) -> None:
        verdict = Verdict(not problem, problem)
        monkeypatch.setattr(datastore_removals.mariadb, "observe", lambda kube, store: {"kube": kube, "store": store})
        monkeypatch.setattr(mariadb_judge, "may_move", lambda spec, observed: verdict)

    say("")
    return say


MARIADB_KEPT = [
    *(f"PersistentVolumeClaim ns/storage-mdb-{index}" for index in range(3)),
    "Secret ns/k0smotron.mdb.credentials.mariadb",
    "Secret ns/mdb-root",
    "Secret ns/repl-password-mdb",
]


def test_a_mariadb_ends_with_its_first_instance_as_the_primary() -> None:
    kube = mariadb()
    assert removed(kube, store=MARIADB)["left"] == MARIADB_KEPT
    assert kube.steps == [
        "merge MariaDB ns/mdb",
        "delete Database ns/mdb.kine",
        "delete User ns/mdb.k0smotron",
        "delete Grant ns/mdb.kine",
        "delete MariaDB ns/mdb",
    ]


def test_a_primary_whose_replicas_do_not_follow_is_not_moved(follow: t.Callable[[str], None]) -> None:
    follow("mdb-0 does not replicate: Slave_IO_Running is No (error 1236)")
    kube = mariadb()
    with pytest.raises(WaitTimeout, match="mdb-0 does not replicate"):
        removed(kube, store=MARIADB)
    assert kube.steps == []


def test_a_move_that_was_begun_is_waited_for_whatever_replicas_say(follow: t.Callable[[str], None]) -> None:
    follow("The primary mdb-1 is read only")
    kube = mariadb()
    [cluster] = [item for item in kube.objects if item["kind"] == "MariaDB"]
    cluster["spec"]["replication"]["primary"]["podIndex"] = 0
    with pytest.raises(WaitTimeout, match="instance 1 is the primary"):
        removed(kube, store=MARIADB)
    cluster["status"]["currentPrimaryPodIndex"] = 0
    assert removed(kube, store=MARIADB)["left"] == MARIADB_KEPT


def test_a_mariadb_whose_first_instance_leads_is_left_as_it_is() -> None:
    kube = mariadb(primary=0)
    assert removed(kube, store=MARIADB, wait=False)["left"] == MARIADB_KEPT
    assert kube.steps[0] == "delete Database ns/mdb.kine"


def test_without_waiting_the_primary_cannot_be_moved() -> None:
    kube = mariadb()
    with pytest.raises(Conflict, match="instance 1 is the primary"):
        removed(kube, store=MARIADB, wait=False)
    assert kube.steps == []


def test_check_mode_refuses_what_the_run_would_and_nothing_else() -> None:
    assert removed(mariadb(check_mode=True), store=MARIADB) == removed(mariadb(), store=MARIADB)
    assert removed(site(target="pg-1", check_mode=True))["left"] == KEPT
    with pytest.raises(Conflict, match="instance 1 is the primary"):
        removed(mariadb(check_mode=True), store=MARIADB, wait=False)
    with pytest.raises(Conflict, match="from pg-2 to pg-1"):
        removed(site(target="pg-1", check_mode=True), wait=False)


def test_a_mariadb_without_its_operator_stays() -> None:
    kube = mariadb(operators=0)
    with pytest.raises(NotFound, match="No mariadb-operator runs in this cluster"):
        removed(kube, store=MARIADB, data="delete")
    assert kube.steps == []


def test_what_goes_with_a_mariadb_is_not_another_charts() -> None:
    kube = mariadb()
    assert removed(kube, store=MARIADB, data="delete")["left"] == []
    left = sorted(item["metadata"]["name"] for item in kube.objects)
    assert left == ["data-mdb-mariadb-0", "mariadb-operator", "mdb-mariadb"]


THEIRS = declared("Database", "theirs")
ELSEWHERE = declared("User", "elsewhere") | {"spec": {"mariaDbRef": {"name": "mdb", "namespace": "other"}}}


def held(**metadata: t.Any) -> Object:
    return {**THEIRS, "metadata": {**THEIRS["metadata"], **metadata}}


def test_a_mariadb_goes_whatever_other_people_declared_for_it() -> None:
    kube = mariadb()
    removal = REMOVALS["mariadb"](t.cast(Kube, kube), MARIADB, None)
    kube.objects = [THEIRS, ELSEWHERE | {"metadata": {**ELSEWHERE["metadata"], "deletionTimestamp": "x"}}]
    assert removal.remnants() == []


@pytest.mark.parametrize(
    "metadata",
    [
        {"ownerReferences": [{"kind": "MariaDB", "name": "mdb"}]},
        {"deletionTimestamp": "2026-01-01T00:00:00Z"},
        {"labels": {**MARIADB.labels(), "more": ""}},
    ],
    ids=["the operator's", "on its way out", "ours"],
)
def test_finalizers_of_what_goes_with_a_mariadb_are_waited_for(metadata: Object) -> None:
    kube = mariadb()
    kube.objects = [held(**metadata)]
    assert REMOVALS["mariadb"](t.cast(Kube, kube), MARIADB, None).remnants() == kube.objects


INNODBCLUSTER = datastore("innodbcluster", options_for("innodbcluster", name="idc", namespace="ns"))


class OracleKube(StandInKube):
    custom_resource = "InnoDBCluster"
    selector = "mysql.oracle.com/cluster=idc,tier=mysql"


def oracle_operator(*, ready: int = 1, words: tuple[str, ...] = ("--pym", "mysqloperator", "operator")) -> Object:
    template = {"spec": {"containers": [{"name": "any", "args": ["mysqlsh", *words]}]}}
    metadata = {"name": "renamed", "namespace": "other"}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}
    return {**deployment, "status": {"readyReplicas": ready}}


def innodbcluster(*finalizers: str) -> Object:
    cluster = copy.deepcopy(INNODBCLUSTER.desired()[0])
    cluster["metadata"]["finalizers"] = list(finalizers)
    return cluster


@pytest.mark.parametrize(
    "others", [(), (oracle_operator(ready=0),), (oracle_operator(words=("mysqloperator", "sidecar")),)]
)
def test_an_innodbcluster_with_finalizers_does_not_go_without_its_operator(others: tuple[Object, ...]) -> None:
    kube = OracleKube(innodbcluster("mysql.oracle.com/cluster"), *others)
    with pytest.raises(NotFound, match=r"takes off mysql\.oracle\.com"):
        remove(t.cast(Kube, kube), INNODBCLUSTER, {"wait": False, "wait_timeout": 1, "data": "keep"})
    assert kube.steps == []


@pytest.mark.parametrize(
    "objects",
    [(innodbcluster("mysql.oracle.com/cluster"), oracle_operator()), (innodbcluster(),)],
    ids=["run", "unseen"],
)
def test_an_innodbcluster_goes_and_its_claims_stay(objects: tuple[Object, ...]) -> None:
    metadata = {"name": "datadir-idc-0", "namespace": "ns"}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
    owned = {"name": "idc-privsecrets", "namespace": "ns", "ownerReferences": [{"name": "idc"}]}
    kube = OracleKube(*objects, claim, {"apiVersion": "v1", "kind": "Secret", "metadata": owned})
    result = remove(t.cast(Kube, kube), INNODBCLUSTER, {"wait": False, "wait_timeout": 1, "data": "keep"})
    assert result["left"] == ["PersistentVolumeClaim ns/datadir-idc-0"]
    assert not any("PersistentVolumeClaim" in step for step in kube.steps)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("name", "namespace"), [("", "ns"), ("db", ""), ("db,other", "ns"), ("db", "a/b")])
def test_nothing_goes_by_a_name_that_none_has(provider: str, name: str, namespace: str) -> None:
    kube = site()
    with pytest.raises(InvalidInput, match="is not a valid name"):
        removed(kube, store=datastore(provider, options_for(provider, name=name, namespace=namespace)))
    assert kube.steps == []
