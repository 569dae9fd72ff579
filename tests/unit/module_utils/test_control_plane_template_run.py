# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a class's run takes, leaves and refuses; and what a Cluster API without ClusterClasses is told about."""

from __future__ import annotations

import base64
import json
import types
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import control_plane_template_run, database_ca
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import cluster_api
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, Forbidden, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Change, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import compare
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_errors import ApiError, Request, explain
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import merged
from tests.unit.module_utils.test_cluster_class import options

# Inside StandInKube the name `list` is a method.
Object: t.TypeAlias = dict[str, t.Any]
Objects: t.TypeAlias = list[Object]
Changes: t.TypeAlias = list[Change]
Names: t.TypeAlias = list[str]

# As Cluster API 1.11.4 and Kubernetes 1.34 say it.
GATE_OFF = (
    'admission webhook "validation.clusterclass.cluster.x-k8s.io" denied the request: spec: Forbidden: can be set only if'
    " the ClusterTopology feature flag is enabled"
)
OTHER = 'admission webhook "policy.example.org" denied the request: not on Fridays'


class Refuses:
    """A cluster that answers an apply with a webhook's refusal."""

    check_mode = False

    def __init__(self, message: str) -> None:
        self.message = message

    def rehearse(self, obj: dict[str, t.Any]) -> None:
        body = json.dumps({"kind": "Status", "message": self.message, "code": 403})
        raise explain(ApiError(403, body), Request("patch", "clusterclasses", "cluster.x-k8s.io", "ns", "ha"))


@pytest.mark.parametrize(("message", "said"), [(GATE_OFF, "CLUSTER_TOPOLOGY: true"), (OTHER, "not on Fridays")])
def test_the_feature_gate_is_told_from_other_refusals(message: str, said: str) -> None:
    cluster: t.Any = Refuses(message)
    with pytest.raises(Forbidden) as refused:
        control_plane_template_run._rehearse(cluster, {})
    assert said in str(refused.value)


class StandInKube:
    """A namespace's objects; what is named in one API version is found in any."""

    def __init__(self) -> None:
        self.check_mode = False
        self.objects: dict[tuple[str, str, str | None], Object] = {}

    def serves(self, api_version: str, _kind: str) -> bool:
        return api_version == cluster_api.CLUSTER or api_version.endswith("/v1beta1")

    def get(self, _api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        return self.objects.get((kind, name, namespace))

    def list(
        self, _api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> Objects:
        found = [
            each for (its, _name, place), each in self.objects.items() if its == kind and namespace in (None, place)
        ]
        label, _sign, value = (label_selector or "").partition("=")
        return [each for each in found if not label or (each["metadata"].get("labels") or {}).get(label) == value]

    def rehearse(self, obj: Object) -> None:
        pass

    def apply(self, objects: t.Iterable[Object]) -> Changes:
        changes = []
        for each in objects:
            ref = Ref.of(each)
            before = self.get(*ref)
            changes.append(compare(before, merged(before or {}, each)))
            if not self.check_mode:
                self.objects[ref[1:]] = merged(before or {}, each)
        return changes

    def delete(self, refs: t.Iterable[Ref], _wait_timeout: float = 0) -> Changes:
        refs = [*refs]
        changes = [compare(self.get(*ref), None) for ref in refs]
        for ref in refs if not self.check_mode else []:
            self.objects.pop(ref[1:], None)
        return changes

    def names(self, kind: str) -> Names:
        return [name for its, name, _namespace in self.objects if its == kind]


def run(kube: StandInKube, act: t.Callable[..., Object] = control_plane_template_run.present, **given: t.Any) -> Object:
    warnings: list[str] = []
    result = act(t.cast("t.Any", kube), options(**given), {"wait": False, "wait_timeout": 1}, warnings.append)
    return {**result, "warnings": warnings}


def gone(result: Object) -> list[str]:
    return [entry["before_header"] for entry in result["diff"] if not entry["after"]]


OWN_REMOTE = {
    "api_version": "infrastructure.cluster.x-k8s.io/v1beta2",
    "kind": "RemoteClusterTemplate",
    "name": "ha",
}


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_outdated_template_goes_and_one_that_the_class_names_by_itself_stays(check_mode: bool) -> None:
    kube = StandInKube()
    outdated = run(kube)["template"]
    kube.check_mode = check_mode
    result = run(kube, replicas=5, infrastructure=OWN_REMOTE)
    assert gone(result) == [f"K0smotronControlPlaneTemplate classes/{outdated}"]
    assert kube.names("RemoteClusterTemplate") == ["ha"]
    kube.check_mode = False
    metal = {"api_version": "a.b/v1", "kind": "MetalTemplate", "name": "ha"}
    kube.apply([{"apiVersion": "a.b/v1", "kind": "MetalTemplate", "metadata": {"name": "ha", "namespace": "classes"}}])
    assert "RemoteClusterTemplate classes/ha" in gone(run(kube, infrastructure=metal))


@pytest.mark.parametrize("act", [control_plane_template_run.present, control_plane_template_run.remove])
def test_a_template_that_another_class_names_stays(act: t.Callable[..., Object]) -> None:
    kube = StandInKube()
    template = run(kube)["template"]
    reference = {
        "apiVersion": "controlplane.cluster.x-k8s.io/v1beta2",
        "kind": "K0smotronControlPlaneTemplate",
        "name": template,
    }
    other = {
        "metadata": {"name": "other", "namespace": "classes"},
        "spec": {"controlPlane": {"templateRef": reference}},
    }
    kube.apply([{"apiVersion": cluster_api.CLUSTER, "kind": "ClusterClass", **other}])
    run(kube, act, replicas=5)
    assert template in kube.names("K0smotronControlPlaneTemplate")


def test_a_template_that_the_workers_of_the_class_use_stays() -> None:
    kube = StandInKube()
    template = run(kube)["template"]
    reference = {
        "apiVersion": "controlplane.cluster.x-k8s.io/v1beta1",
        "kind": "K0smotronControlPlaneTemplate",
        "name": template,
    }
    workers = {"machineDeployments": [{"class": "a", "bootstrap": {"templateRef": reference}}]}
    (made,) = kube.list(cluster_api.CLUSTER, "ClusterClass")
    kube.apply([merged(made, {"spec": {"workers": workers}})])
    run(kube, replicas=5)
    assert template in kube.names("K0smotronControlPlaneTemplate")


def test_a_class_goes_with_its_templates() -> None:
    kube = StandInKube()
    run(kube)
    run(kube, control_plane_template_run.remove)
    assert not kube.objects


def object_named_ha(kind: str, **metadata: t.Any) -> Object:
    return {
        "apiVersion": cluster_api.CLUSTER if kind == "ClusterClass" else "infrastructure.cluster.x-k8s.io/v1beta1",
        "kind": kind,
        "metadata": {"name": "ha", "namespace": "classes", **metadata},
        "spec": {},
    }


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"labels": {"k0smotron.ha/cluster-class": "copied-from"}},
        {"managedFields": [{"manager": "kubectl", "operation": "Apply"}]},
    ],
)
@pytest.mark.parametrize(
    ("kind", "act"),
    [
        ("ClusterClass", control_plane_template_run.present),
        ("ClusterClass", control_plane_template_run.remove),
        ("RemoteClusterTemplate", control_plane_template_run.present),
    ],
)
def test_what_somebody_else_made_is_left_alone(kind: str, act: t.Callable[..., Object], metadata: Object) -> None:
    kube = StandInKube()
    theirs = object_named_ha(kind, **metadata)
    kube.apply([theirs])
    with pytest.raises(Conflict, match=rf"{kind} ha .* did not make.*label it k0smotron.ha/cluster-class=ha"):
        run(kube, act)
    assert [*kube.objects.values()] == [theirs]


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"k0smotron.ha/cluster-class": "ha"}},
        {"managedFields": [{"manager": "k0smotron.ha", "operation": "Apply"}]},
    ],
)
@pytest.mark.parametrize("kind", ["ClusterClass", "RemoteClusterTemplate"])
def test_what_was_labeled_or_made_before_there_was_a_label_is_taken(kind: str, metadata: Object) -> None:
    kube = StandInKube()
    kube.apply([object_named_ha(kind, **metadata)])
    run(kube)
    (made,) = kube.list(cluster_api.CLUSTER, kind)
    assert made["metadata"]["labels"] == {"k0smotron.ha/cluster-class": "ha"}
    run(kube, control_plane_template_run.remove)
    assert not kube.names("ClusterClass")


def of_the_class(name: str, **metadata: t.Any) -> Object:
    topology = {"classRef": {"name": "ha", "namespace": "classes"}}
    return {
        "apiVersion": cluster_api.CLUSTER,
        "kind": "Cluster",
        "metadata": {"name": name, "namespace": "teams", **metadata},
        "spec": {"topology": topology},
    }


def secret(name: str, url: str = "postgres://u:hunter2@db/one?sslmode=require", flag: str = "") -> Object:
    data = {"K0SMOTRON_KINE_DATASOURCE_URL": url, database_ca.KINE_FLAG: flag}
    texts = {key: base64.b64encode(value.encode()).decode() for key, value in data.items() if value}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "teams"}, "data": texts}


def with_users() -> StandInKube:
    kube = StandInKube()
    run(kube)
    kube.apply(
        [
            of_the_class("one"),
            of_the_class("two"),
            of_the_class("three"),
            of_the_class("leaving", deletionTimestamp="2026-01-02T12:00:00Z"),
        ]
    )
    return kube


def test_clusters_do_not_turn_to_data_sources_that_are_not_there() -> None:
    kube = with_users()
    kube.apply([secret("teams-one-db"), secret("teams-two-db", "mysql://nonsense")])
    before = dict(kube.objects)
    with pytest.raises(InvalidInput, match="2 of them have none that works") as refused:
        run(kube, data_source_secret="{namespace}-{cluster}-db")
    said = str(refused.value)
    assert "teams/one:" not in said
    assert "teams/leaving:" not in said
    assert "teams/two: " in said
    assert 'teams/three: There is no Secret "teams-three-db" in namespace "teams"' in said
    assert "hunter2" not in said
    assert kube.objects == before


def test_what_a_task_before_may_write_is_a_warning_in_check_mode() -> None:
    kube = with_users()
    kube.check_mode = True
    warnings = run(kube, data_source_secret="{cluster}-db")["warnings"]
    assert [warning.partition(": ")[0] for warning in warnings] == ["teams/one", "teams/two", "teams/three"]


def test_clusters_turn_to_data_sources_that_are_there() -> None:
    kube = with_users()
    kube.apply([secret(f"{name}-db", flag=f"/etc/{name}/ca.crt") for name in ("one", "two", "three")])
    mounts = [{"path": "/etc/{cluster}", "configMap": {"name": "{cluster}-ca"}}]
    result = run(kube, data_source_secret="{cluster}-db", mounts=mounts)
    assert result["changed"]
    assert not [warning for warning in result["warnings"] if "nothing is mounted" in warning]


class KubeOfBoth(StandInKube):
    """With k0smotron's own Clusters, which have the kind and the name of Cluster API's."""

    own: t.Mapping[str, Object] = types.MappingProxyType({})

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        if api_version.startswith("k0smotron.io/"):
            return self.own.get(name)
        return super().get(api_version, kind, name, namespace)


def running(name: str) -> Object:
    spec = {"kineDataSourceSecretName": f"{name}-data-source"}
    return {"metadata": {"name": name, "namespace": "teams"}, "spec": spec}


def test_clusters_that_have_run_do_not_go_over_to_other_databases() -> None:
    kube = KubeOfBoth()
    run(kube)
    kube.own = {"one": running("one"), "two": running("two")}
    moved = "postgres://u:hunter2@db/other?sslmode=require"
    kube.apply([of_the_class("one"), of_the_class("two"), secret("one-data-source"), secret("two-data-source")])
    kube.apply([secret("one-db"), secret("two-db", moved)])
    assert run(kube, data_source_secret="{cluster}-db", replicas=5)["changed"], "who has not run loses nothing"
    run(kube)
    kube.apply([secret("one-kubeconfig"), secret("two-kubeconfig")])
    before = dict(kube.objects)
    with pytest.raises(
        Conflict, match=r"control plane teams/two keeps its state.*allow_other_database: true"
    ) as refused:
        run(kube, data_source_secret="{cluster}-db")
    assert "hunter2" not in str(refused.value)
    assert kube.objects == before
    assert run(kube, data_source_secret="{cluster}-db", allow_other_database=True)["changed"]


def test_clusters_are_not_looked_at_while_the_name_of_their_data_source_stays() -> None:
    assert run(with_users(), replicas=5)["changed"]


def test_a_template_that_is_gone_tells_nothing_of_the_data_source() -> None:
    kube = with_users()
    kube.objects = {key: each for key, each in kube.objects.items() if key[0] != "K0smotronControlPlaneTemplate"}
    with pytest.raises(InvalidInput, match="3 of them have none that works"):
        run(kube)
