# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database cluster stays while a control plane uses it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import datastore_users
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import datastore, options_for
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    AccessDenied,
    Conflict,
    HaError,
    Unreachable,
    WebhookSilent,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from tests.unit.module_utils.left_databases import control_plane, database_cluster, secret

Object: t.TypeAlias = dict[str, t.Any]
LIVE = database_cluster()[0]
STORE = datastore("zalando", options_for("zalando", name="db", namespace="data"))


FORBIDDEN = AccessDenied("Not allowed to get it", "Grant the verb get")
SILENT = Unreachable("no answer", "Run it again")


class StandInKube:
    """Objects in a list instead of a cluster; broken: what is raised instead of the objects of a kind or a name."""

    def __init__(self, *objects: Object, check_mode: bool = False, broken: dict[str, HaError] | None = None) -> None:
        self.objects, self.check_mode, self.broken = objects, check_mode, broken or {}

    def serves(self, api_version: str, _kind: str) -> bool:
        return any(item["apiVersion"] == api_version for item in self.objects)

    def get(self, *ref: str) -> Object | None:
        if ref[2] in self.broken:
            raise self.broken[ref[2]]
        return next((item for item in self.objects if Ref.of(item) == Ref(*ref)), None)

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, selector: str | None = None
    ) -> list[Object]:
        if kind in self.broken:
            raise self.broken[kind]
        wanted = dict(pair.split("=") for pair in selector.split(",")) if selector else {}
        return [
            item
            for item in self.objects
            if (item["apiVersion"], item["kind"]) == (api_version, kind)
            and namespace in (None, item["metadata"].get("namespace"))
            and wanted.items() <= item["metadata"].get("labels", {}).items()
        ]


def warned(*objects: Object, **more: t.Any) -> str:
    said: list[str] = []
    datastore_users.refuse(t.cast(Kube, StandInKube(LIVE, *objects, **more)), STORE, said.append)
    return "\n".join(said)


@pytest.mark.parametrize(
    ("provider", "host", "says"),
    [
        (
            "zalando",
            "db.data",
            "delete postgresql data/db by kubectl, which deletes its volumes, unless the operator's",
        ),
        ("cloudnativepg", "db-rw.data", r"delete Cluster data/db by kubectl, which deletes its volumes\. Nothing"),
    ],
)
def test_what_kubectl_would_delete_is_told(provider: str, host: str, says: str) -> None:
    store = datastore(provider, options_for(provider, name="db", namespace="data"))
    kube = t.cast(Kube, StandInKube(*store.desired(), control_plane(), secret(host)))
    with pytest.raises(Conflict, match=says):
        datastore_users.refuse(kube, store, pytest.fail)


def test_each_control_plane_on_it_is_named() -> None:
    two = (control_plane("two"), secret(name="two", database="other"))
    with pytest.raises(Conflict, match=r"plane team/one on db\.data:5432, the control plane team/two on db") as refused:
        warned(control_plane(), secret(), *two)
    assert "Nothing was removed" in str(refused.value)


def service(name: str, namespace: str = "data", **spec: t.Any) -> Object:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def pod(name: str, address: str, labels: Object, *, claims: bool = True, image: str = "spilo") -> Object:
    volumes = [
        {"name": "config", "configMap": {}},
        *([{"name": "data", "persistentVolumeClaim": {"claimName": name}}] if claims else []),
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "data", "labels": labels},
        "spec": {"containers": [{"image": image}], "volumes": volumes},
        "status": {"podIP": address, "podIPs": [{"ip": address}, {"ip": f"fd00::{address[-1]}"}]},
    }


OURS = {"application": "spilo", "cluster-name": "db"}
NEIGHBORS = [
    service("db-repl", selector={"cluster-name": "db"}, clusterIP="10.96.0.12", clusterIPs=["10.96.0.12", "fd00::12"]),
    service("lb", ports=[{"port": 5432, "nodePort": 30432}])
    | {"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}, {"hostname": "lb.example.com"}]}}},
    pod("db-0", "10.1.0.9", OURS),
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db-1", "namespace": "data"}},
]


@pytest.mark.parametrize(
    "host",
    [
        "DB.data",
        "db.data.svc.cluster.local.",
        "db-repl.data",
        "db-pooler.data.svc",
        "db-0.db.data.svc.cluster.local",
        "alias",
        "10.96.0.12",
        "[FD00:0::12]",
        "203.0.113.7",
        "10.1.0.9",
        "[fd00::9]",
        "192.0.2.1:30432",
        "pg.example.com:5432,db-repl.data:5432",
    ],
)
def test_another_name_of_it_counts(host: str) -> None:
    alias = service("alias", "team", type="ExternalName", externalName="db.data.svc")
    with pytest.raises(
        Conflict, match=r"the control plane team/one on \S+, or may be.*the Service of the primary there"
    ):
        warned(control_plane(), secret(host), alias, *NEIGHBORS)


def test_the_host_that_leads_there_is_named() -> None:
    with pytest.raises(Conflict, match=r"team/one on db-repl\.data:5433, or may be"):
        warned(control_plane(), secret("pg.example.com:5432,db-repl.data:5433"), *NEIGHBORS)


@pytest.mark.parametrize("host", ["db.example.com", "192.0.2.1", "own.team", "own", "db-rw.elsewhere", "other-rw.data"])
def test_what_is_known_to_be_elsewhere_does_not_count(host: str) -> None:
    other = datastore("cloudnativepg", options_for("cloudnativepg", name="other", namespace="data")).desired()
    assert (
        warned(control_plane(), secret(host), service("own", "team", selector={"app": "own"}), *other, *NEIGHBORS) == ""
    )


def test_a_database_of_another_kind_of_server_is_another() -> None:
    mysql = control_plane()
    mysql["spec"] = {"kineDataSourceURL": "mysql://k0smotron:pw@tcp(db.data:3306)/kine"}
    assert warned(mysql) == ""


GOING = control_plane() | {"metadata": {"name": "one", "namespace": "team", "deletionTimestamp": "x"}}


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="none"),
        pytest.param([control_plane(), secret("db.elsewhere")], id="on another one"),
        pytest.param([control_plane() | {"spec": {"storage": {"type": "etcd"}}}], id="on etcd"),
        pytest.param([GOING, secret()], id="on its way out"),
        pytest.param([GOING], id="on its way out, its data source gone before"),
    ],
)
def test_nobody_on_it_is_no_reason(others: list[Object]) -> None:
    assert warned(*others) == ""


def test_check_mode_warns_because_the_control_plane_would_be_gone_by_then() -> None:
    said = warned(control_plane(), secret(), check_mode=True)
    assert said.startswith("Unless this run removes the control planes first, it will fail: ")
    assert "team/one" in said


def test_who_may_not_look_is_warned() -> None:
    assert "Not allowed" in warned(control_plane(), secret(), broken={"Cluster": FORBIDDEN})


def test_nobody_is_asked_about_a_database_that_is_gone() -> None:
    kube = t.cast(Kube, StandInKube(control_plane(), broken={"Cluster": SILENT}))
    datastore_users.refuse(kube, STORE, pytest.fail)


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("error", [SILENT, WebhookSilent("conversion webhook"), HaError("500")], ids=repr)
def test_no_list_of_control_planes_is_no_empty_list(error: HaError, check_mode: bool) -> None:
    with pytest.raises(type(error), match=f"{error.message}.*Run it again. Nothing was removed"):
        warned(control_plane(), secret(), broken={"Cluster": error}, check_mode=check_mode)


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("silent", ["one-data-source", "behind"])
def test_a_server_that_does_not_answer_does_not_let_the_database_go(silent: str, check_mode: bool) -> None:
    broken: dict[str, HaError] = {silent: SILENT}
    with pytest.raises(Unreachable, match=r"whether the control plane team/one uses .*Nothing was removed"):
        warned(control_plane(), secret("behind.data"), broken=broken, check_mode=check_mode)


def test_who_may_not_read_a_data_source_is_told_how_to_go_on() -> None:
    broken: dict[str, HaError] = {"one-data-source": FORBIDDEN}
    with pytest.raises(AccessDenied, match=r"whether the control plane team/one uses .*Not allowed") as refused:
        warned(control_plane(), secret(), broken=broken)
    assert refused.value.remedy == "Grant the verb get, or remove this control plane first. Nothing was removed"
    said = warned(control_plane(), secret(), broken=broken, check_mode=True)
    assert said.startswith("Unless this run removes the control planes first, it will fail: ")


@pytest.mark.parametrize(
    ("names", "error"), [(["zero", "one"], FORBIDDEN), (["one", "two"], FORBIDDEN), (["one", "two"], SILENT)]
)
def test_those_that_are_seen_count_whatever_is_not(names: list[str], error: HaError) -> None:
    broken = {f"{name}-data-source": error for name in names if name != "one"}
    with pytest.raises(Conflict, match="is the database of the control plane team/one"):
        warned(*map(control_plane, names), secret(), broken=broken)


def test_a_data_source_that_is_gone_is_told() -> None:
    assert "whether the control plane team/one uses" in (said := warned(control_plane()))
    assert "no Secret" in said
