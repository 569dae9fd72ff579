# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing a MariaDB: its first instance leads at the end, and what is of others is left alone."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import datastore_removals
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals import REMOVALS
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import datastore, mariadb_judge, options_for
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, NotFound, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict
from tests.unit.module_utils.removals import Object, StandInKube, obj, removed

MARIADB = datastore("mariadb", options_for("mariadb", name="mdb", namespace="ns"))


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
    assert removed(kube, MARIADB)["left"] == MARIADB_KEPT
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
        removed(kube, MARIADB)
    assert kube.steps == []


def test_a_move_that_was_begun_is_waited_for_whatever_replicas_say(follow: t.Callable[[str], None]) -> None:
    follow("The primary mdb-1 is read only")
    kube = mariadb()
    [cluster] = [item for item in kube.objects if item["kind"] == "MariaDB"]
    cluster["spec"]["replication"]["primary"]["podIndex"] = 0
    with pytest.raises(WaitTimeout, match="instance 1 is the primary"):
        removed(kube, MARIADB)
    cluster["status"]["currentPrimaryPodIndex"] = 0
    assert removed(kube, MARIADB)["left"] == MARIADB_KEPT


def test_a_mariadb_whose_first_instance_leads_is_left_as_it_is() -> None:
    kube = mariadb(primary=0)
    assert removed(kube, MARIADB, wait=False)["left"] == MARIADB_KEPT
    assert kube.steps[0] == "delete Database ns/mdb.kine"


def test_without_waiting_the_primary_cannot_be_moved() -> None:
    kube = mariadb()
    with pytest.raises(Conflict, match="instance 1 is the primary"):
        removed(kube, MARIADB, wait=False)
    assert kube.steps == []


def test_check_mode_refuses_what_the_run_would_and_nothing_else() -> None:
    assert removed(mariadb(check_mode=True), MARIADB) == removed(mariadb(), MARIADB)
    with pytest.raises(Conflict, match="instance 1 is the primary"):
        removed(mariadb(check_mode=True), MARIADB, wait=False)


def test_a_mariadb_without_its_operator_stays() -> None:
    kube = mariadb(operators=0)
    with pytest.raises(NotFound, match="No mariadb-operator runs in this cluster"):
        removed(kube, MARIADB, data="delete")
    assert kube.steps == []


def test_what_goes_with_a_mariadb_is_not_another_charts() -> None:
    kube = mariadb()
    assert removed(kube, MARIADB, data="delete")["left"] == []
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
