# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Cluster in both API versions, and the options that are refused before anything is created."""

from __future__ import annotations

import hashlib
import json
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import control_planes
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import ControlPlaneOptions, v1beta1, v1beta2
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput, NotFound

V1BETA2, V1BETA1 = control_planes.API_VERSIONS
RESOURCES = {"requests": {"cpu": "500m", "memory": "1Gi"}}
SPREAD = {
    "maxSkew": 1,
    "topologyKey": "kubernetes.io/hostname",
    "whenUnsatisfiable": "DoNotSchedule",
    "nodeTaintsPolicy": "Honor",
    "labelSelector": {"matchLabels": {"app": "k0smotron", "cluster": "one", "component": "cluster"}},
}


def options(**changes: t.Any) -> ControlPlaneOptions:
    return ControlPlaneOptions(**{"name": "one", "namespace": "ns", "data_source_secret": "db"} | changes)


def cluster(api_version: str, **changes: t.Any) -> dict[str, t.Any]:
    return control_planes.desired(options(**changes), api_version)[0]


def spec(api_version: str, **changes: t.Any) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", cluster(api_version, **changes)["spec"])


COMMON = {
    "replicas": 3,
    "version": "v1.36.3-k0s.2",
    "service": {"type": "ClusterIP", "apiPort": 30443, "konnectivityPort": 30132},
    "persistence": {"type": "emptyDir"},
    "resources": RESOURCES,
    "topologySpreadConstraints": [SPREAD],
}


def test_the_defaults_in_v1beta1() -> None:
    assert cluster(V1BETA1) == {
        "apiVersion": "k0smotron.io/v1beta1",
        "kind": "Cluster",
        "metadata": {"name": "one", "namespace": "ns"},
        "spec": COMMON | {"kineDataSourceSecretName": "db"},
    }


def test_the_defaults_in_v1beta2() -> None:
    found = cluster(V1BETA2)
    patches = found["spec"].pop("patches")
    assert found["apiVersion"] == "k0smotron.io/v1beta2"
    assert found["spec"] == COMMON | {"storage": {"type": "kine", "kine": {"dataSourceSecretName": "db"}}}
    assert [patch["target"] for patch in patches] == [{"kind": "StatefulSet", "component": "control-plane"}]


def test_the_start_up_patch() -> None:
    (patch,) = spec(V1BETA2)["patches"]
    assert patch["patch"]["type"] == "strategic"
    content = json.loads(patch["patch"]["content"])["spec"]
    assert content["podManagementPolicy"] == "Parallel"
    (container,) = content["template"]["spec"]["containers"]
    assert container["name"] == "controller"
    assert container["startupProbe"]["exec"] == {"command": ["k0s", "status"]}
    assert container["readinessProbe"]["initialDelaySeconds"] == container["livenessProbe"]["initialDelaySeconds"] == 0
    assert "exec" not in container["readinessProbe"], "the patch is merged into k0smotron's own probe"


@pytest.mark.parametrize("api_version", control_planes.API_VERSIONS)
def test_an_inline_url_is_kine_too(api_version: str) -> None:
    found = spec(api_version, data_source_secret=None, data_source_url="postgres://u:p@h/k")
    if api_version == V1BETA1:
        assert found["kineDataSourceURL"] == "postgres://u:p@h/k"
        assert "kineDataSourceSecretName" not in found
    else:
        assert found["storage"] == {"type": "kine", "kine": {"dataSourceURL": "postgres://u:p@h/k"}}


def test_a_url_is_not_in_the_options_representation() -> None:
    assert "S3cRet" not in repr(options(data_source_secret=None, data_source_url="postgres://u:S3cRet@h/k"))


@pytest.mark.parametrize(
    ("api_version", "changes", "path", "value"),
    [
        (V1BETA1, {"control_plane_flags": ["--debug"]}, "controllerPlaneFlags", ["--debug"]),
        (V1BETA2, {"control_plane_flags": ["--debug"]}, "controlPlaneFlags", ["--debug"]),
        (V1BETA1, {"service_annotations": {"a": "b"}}, "service.annotations", {"a": "b"}),
        (V1BETA2, {"service_annotations": {"a": "b"}}, "service.annotations", None),
        (V1BETA1, {"fast_start": True}, "patches", None),
        (V1BETA2, {"fast_start": False}, "patches", None),
    ],
)
def test_a_field_of_one_version(api_version: str, changes: dict[str, t.Any], path: str, value: object) -> None:
    found: t.Any = spec(api_version, **changes)
    for step in path.split("."):
        found = found.get(step)
    assert found == value


@pytest.mark.parametrize("api_version", control_planes.API_VERSIONS)
@pytest.mark.parametrize(
    ("changes", "path", "value"),
    [
        ({"version": "v1.34.4+k0s.0"}, "version", "v1.34.4-k0s.0"),
        ({"image": "mirror/k0s"}, "image", "mirror/k0s"),
        ({"external_address": "api.example"}, "externalAddress", "api.example"),
        ({"external_address": ""}, "externalAddress", None),
        ({"service_type": "LoadBalancer", "api_port": 6443}, "service.type", "LoadBalancer"),
        ({"api_port": 6443}, "service.apiPort", 6443),
        ({"resources": {}}, "resources", None),
        (
            {"mounts": [{"path": "/ca", "secret": {"secretName": "ca"}}]},
            "mounts",
            [{"path": "/ca", "secret": {"secretName": "ca"}}],
        ),
        ({"spread": "off"}, "topologySpreadConstraints", None),
        ({"spread": "preferred"}, "topologySpreadConstraints", [SPREAD | {"whenUnsatisfiable": "ScheduleAnyway"}]),
        ({"spec": {"serviceAccount": "sa"}}, "serviceAccount", "sa"),
        ({"spec": {"resources": None}}, "resources", None),
        (
            {"spec": {"resources": {"limits": {"memory": "2Gi"}}}},
            "resources",
            RESOURCES | {"limits": {"memory": "2Gi"}},
        ),
    ],
)
def test_an_option_in_the_cluster(api_version: str, changes: dict[str, t.Any], path: str, value: object) -> None:
    found: t.Any = spec(api_version, **changes)
    for step in path.split("."):
        found = found.get(step)
    assert found == value


def test_annotations_and_labels() -> None:
    metadata = cluster(V1BETA2, annotations={"a": "b"}, labels={"c": "d"}, data_source_checksum="0123")["metadata"]
    assert metadata["annotations"] == {"a": "b", "k0smotron.ha/data-source-checksum": "0123"}
    assert metadata["labels"] == {"c": "d"}


def test_the_users_patches_come_after_ours() -> None:
    own = {"target": {"kind": "ConfigMap", "component": "telemetry"}, "patch": {"type": "merge", "content": "{}"}}
    patches = spec(V1BETA2, service_annotations={"a": "b"}, spec={"patches": [own]})["patches"]
    assert [patch["target"]["kind"] for patch in patches] == ["StatefulSet", "Service", "ConfigMap"]
    assert json.loads(patches[1]["patch"]["content"]) == {"metadata": {"annotations": {"a": "b"}}}


def test_patches_need_k0smotron_2() -> None:
    with pytest.raises(InvalidInput, match="needs k0smotron 2"):
        cluster(V1BETA1, spec={"patches": [{}]})


@pytest.mark.parametrize(
    ("changes", "appended"),
    [
        ({"service_type": "LoadBalancer"}, True),
        ({"service_type": "NodePort"}, True),
        ({"external_address": "api.example"}, True),
        ({}, False),
    ],
)
def test_the_users_manifests_end_with_the_one_k0smotron_appends(changes: dict[str, t.Any], appended: bool) -> None:
    own = {"name": "mine", "configMap": {"name": "mine"}}
    theirs = {"name": "kmc-one-endpoint", "configMap": {"name": "kmc-one-endpoint"}}
    wanted = [own, theirs] if appended else [own]
    for manifests in ([own], wanted):
        assert spec(V1BETA2, spec={"manifests": manifests}, **changes)["manifests"] == wanted


@pytest.mark.parametrize("changes", [{"replicas": 1}, {"pod_disruption_budget": False}])
def test_no_disruption_budget(changes: dict[str, t.Any]) -> None:
    assert len(control_planes.desired(options(**changes), V1BETA2)) == 1


def test_two_replicas_have_a_disruption_budget() -> None:
    assert len(control_planes.desired(options(replicas=2), V1BETA2)) == 2


def test_the_disruption_budget() -> None:
    budget = control_planes.desired(options(), V1BETA1)[1]
    assert budget["metadata"] == {"name": "kmc-one", "namespace": "ns"}
    assert budget["spec"] == {
        "maxUnavailable": 1,
        "selector": SPREAD["labelSelector"],
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }


def test_two_builds_are_the_same_and_share_nothing() -> None:
    one, two = (control_planes.desired(options(spec={"mounts": [{"path": "/a"}]}), V1BETA2) for _each in range(2))
    assert one == two
    one[0]["spec"]["mounts"].append("x")
    assert one != two


@pytest.mark.parametrize(
    ("served", "module"),
    [([V1BETA1], v1beta1), ([V1BETA1, V1BETA2], v1beta2), (iter([V1BETA2, "x/v1"]), v1beta2)],
)
def test_the_newest_version_served_is_used(served: t.Iterable[str], module: object) -> None:
    assert control_planes.builder(served) is module


def test_k0smotron_is_not_installed() -> None:
    with pytest.raises(NotFound, match="Install k0smotron first"):
        control_planes.builder(["apps/v1"])


def test_names() -> None:
    long = "x" * 60
    cut = "kmc-" + "x" * 53 + "-" + hashlib.md5(b"kmc-" + b"x" * 60, usedforsecurity=False).hexdigest()[:5]
    assert control_planes.statefulset_name("one") == "kmc-one"
    assert control_planes.statefulset_name(long) == cut
    assert len(cut) == 63
    assert control_planes.statefulset_name("x" * 59) == "kmc-" + "x" * 59
    assert control_planes.pod_names("one", 2) == ["kmc-one-0", "kmc-one-1"]
    assert control_planes.kubeconfig_secret("one") == "one-kubeconfig"
    assert control_planes.pod_selector("one") == "app=k0smotron,cluster=one,component=cluster"
    services = {kind: control_planes.service_name("one", kind) for kind in ("ClusterIP", "NodePort", "LoadBalancer")}
    assert services == {"ClusterIP": "kmc-one", "NodePort": "kmc-one-nodeport", "LoadBalancer": "kmc-one-lb"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "One"}, "not a valid name"),
        ({"name": "one.two"}, "not a valid name"),
        ({"name": ""}, "not a valid name"),
        ({"name": "x" * 49}, "longer than 48"),
        ({"namespace": "a_b"}, "The namespace"),
        ({"replicas": 0}, "replicas is 0"),
        ({"version": "v1.36.3"}, "not a k0s version"),
        ({"version": "v1.27.9-k0s.0"}, "older than v1.30.0-k0s.0"),
        ({"image": "mirror:5000/k0s:v1"}, "has a tag"),
        ({"data_source_secret": None}, "etcd of its own"),
        ({"data_source_secret": None, "replicas": 1}, "etcd of its own"),
        ({"data_source_url": "postgres://u:S3cRet@h/k"}, "Both"),
        ({"data_source_secret": "postgres://u:S3cRet@h/k"}, "not a valid Secret name"),
        ({"spec": {"storage": {"type": "etcd"}}}, "where the control plane keeps its state"),
        ({"spec": {"kineDataSourceURL": "postgres://u:S3cRet@h/k"}}, "where the control plane keeps its state"),
        ({"spec": {"replicas": 5}}, "spec.replicas would not be checked"),
        ({"spec": {"service": {"apiPort": 1}}}, "spec.service.apiPort would not be checked"),
        ({"api_port": 0}, "is not a port"),
        ({"konnectivity_port": 65536}, "is not a port"),
        ({"api_port": 30132}, "are both 30132"),
        ({"service_type": "NodePort", "api_port": 6443}, "30000 to 32767"),
        ({"service_type": "NodePort", "konnectivity_port": 32768}, "30000 to 32767"),
        ({"service_type": "Ingress"}, "service_type 'Ingress'"),
        ({"spread": "maybe"}, "spread 'maybe'"),
        ({"persistence": {}}, "persistence.type None"),
        ({"persistence": {"type": "nfs"}}, "persistence.type 'nfs'"),
        ({"persistence": {"type": "pvc"}}, "lacks persistentVolumeClaim"),
        ({"persistence": {"type": "hostPath"}}, "lacks hostPath"),
        ({"labels": {"app": "x"}}, "label app"),
    ],
)
def test_refusing_an_option(changes: dict[str, t.Any], says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        control_planes.validate(options(**changes))
    assert says in str(caught.value)
    assert caught.value.remedy
    assert "S3cRet" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "x" * 48},
        {"replicas": 1},
        {"image": "mirror:5000/k0s"},
        {"data_source_secret": None, "data_source_url": "postgres://u:p@h/k"},
        {"service_type": "NodePort", "api_port": 30000, "konnectivity_port": 32767},
        {"service_type": "LoadBalancer", "api_port": 6443},
        {"persistence": {"type": "pvc", "persistentVolumeClaim": {"spec": {}}}},
        {"spec": {"service": {"loadBalancerClass": "x"}}},
    ],
)
def test_accepting_options(changes: dict[str, t.Any]) -> None:
    control_planes.validate(options(**changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"spec": {"k0sConfig": {"spec": {}}}}, "spec.k0sConfig"),
        ({"replicas": 1}, "not highly available"),
        ({"api_port": 443}, "below 1025"),
        ({"konnectivity_port": 1024}, "below 1025"),
    ],
)
def test_warnings(changes: dict[str, t.Any], says: str) -> None:
    (warning,) = control_planes.warnings(options(**changes))
    assert says in warning
    assert control_planes.warnings(options()) == []
