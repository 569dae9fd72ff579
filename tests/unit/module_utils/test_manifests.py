# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests as data: reading, order, overrides."""

from __future__ import annotations

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import manifests
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object


def obj(kind: str, name: str = "x", api_version: str = "v1", **rest: object) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **rest}


def deployment(*images: str) -> Object:
    containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
    spec = {"template": {"spec": {"initContainers": containers[:1], "containers": containers[1:]}}}
    return obj("Deployment", api_version="apps/v1", spec=spec)


def images_of(result: list[Object]) -> list[str]:
    spec = result[0]["spec"]["template"]["spec"]
    return [one["image"] for one in spec["initContainers"] + spec["containers"]]


def test_documents_lists_and_empty_ones() -> None:
    text = """
---
# nothing here
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
---
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
"""
    assert [one["metadata"]["name"] for one in manifests.parse(text, "s")] == ["a", "b", "c"]


def test_scalars_are_read_as_kubernetes_reads_them() -> None:
    text = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  date: 2020-01-01
  time: 1:30
  int: 17
  octal: 0644
  float: 1.5
  exp: 1.5e3
  bool: true
  onoff: on
  text: "17"
"""
    data = manifests.parse(text, "s")[0]["data"]
    expected = {"date": "2020-01-01", "time": "1:30", "int": 17, "octal": 0o644, "float": 1.5, "exp": 1500.0}
    assert data == {**expected, "bool": True, "onoff": True, "text": "17"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "line 2"),
        ("<html>", "not a Kubernetes object"),
        ("kind: ConfigMap", "not a Kubernetes object"),
        ("{apiVersion: v1, kind: ConfigMap}", "without metadata.name"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {generateName: x-}}", "without metadata.name"),
    ],
)
def test_what_is_no_manifest(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        manifests.parse(text, "https://h/f.yaml")
    assert "https://h/f.yaml" in str(caught.value)


def test_order() -> None:
    webhook = obj("ValidatingWebhookConfiguration", api_version="admissionregistration.k8s.io/v1")
    crd = obj("CustomResourceDefinition", api_version="apiextensions.k8s.io/v1")
    custom = obj("OperatorConfiguration", api_version="acid.zalan.do/v1")
    role = obj("ClusterRole", api_version="rbac.authorization.k8s.io/v1")
    workload, service = deployment("a"), obj("Service")
    mixed = [webhook, custom, workload, service, role, obj("ConfigMap"), crd, obj("Namespace")]
    kinds = [one["kind"] for one in manifests.ordered(mixed)]
    assert kinds == [
        "Namespace",
        "CustomResourceDefinition",
        "ClusterRole",
        "ConfigMap",
        "Deployment",
        "Service",
        "OperatorConfiguration",
        "ValidatingWebhookConfiguration",
    ]


def test_equals_keep_their_order() -> None:
    names = [str(number) for number in range(9)]
    assert [one["metadata"]["name"] for one in manifests.ordered(obj("Secret", name) for name in names)] == names


def test_twice_the_same_object() -> None:
    with pytest.raises(InvalidInput, match="ConfigMap x appears twice"):
        manifests.ordered([obj("ConfigMap"), obj("ConfigMap")])
    manifests.ordered([obj("Role", api_version="rbac.authorization.k8s.io/v1"), obj("Role", api_version="a.b/v1")])


def test_checksum_of_content() -> None:
    one, two = obj("ConfigMap", "a"), obj("ConfigMap", "b")
    assert manifests.checksum([one, two]) == manifests.checksum([two, dict(reversed(one.items()))])
    assert manifests.checksum([one, two]) != manifests.checksum([one, {**two, "data": {"x": "y"}}])


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("k0smotron", ("k0smotron", "")),
        ("h:5000/a/b:v1", ("h:5000/a/b", ":v1")),
        ("h:5000/a/b", ("h:5000/a/b", "")),
        ("a/b@sha256:12", ("a/b", "@sha256:12")),
        ("a/b:v1@sha256:12", ("a/b", ":v1@sha256:12")),
    ],
)
def test_split_image(image: str, parts: tuple[str, str]) -> None:
    assert manifests.split_image(image) == parts


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"q.io/k/manager": "m.io/manager"}, "m.io/manager:v1"),
        ({"q.io/k/manager": "m.io/manager:v2"}, "m.io/manager:v2"),
        ({"manager": "m.io:5000/manager"}, "m.io:5000/manager:v1"),
        ({"q.io/k/manager:v1": "exact", "manager": "less"}, "exact:v1"),
    ],
)
def test_images(overrides: dict[str, str], expected: str) -> None:
    before = [deployment("q.io/k/manager:v1", "busybox")]
    if "less" in overrides.values():
        before.append(deployment("other/manager"))
    after = manifests.replace_images(before, overrides)
    assert images_of(after) == [expected, "busybox"]
    assert images_of(before) == ["q.io/k/manager:v1", "busybox"], "the input is left alone"


def test_a_container_that_is_told_its_own_image_is_told_the_new_one() -> None:
    before = [deployment("busybox", "q.io/manager:v1")]
    [container] = before[0]["spec"]["template"]["spec"]["containers"]
    container["env"] = [
        {"name": "SELF", "value": "q.io/manager:v1"},
        {"name": "OTHER", "value": "manager"},
        {"name": "X"},
    ]
    [after] = manifests.replace_images(before, {"manager": "m.io/manager"})[0]["spec"]["template"]["spec"]["containers"]
    assert [item.get("value") for item in after["env"]] == ["m.io/manager:v1", "manager", None]


def test_an_image_that_nothing_uses_is_an_error() -> None:
    with pytest.raises(InvalidInput, match=r"no image manger.*q\.io/manager:v1"):
        manifests.replace_images([deployment("q.io/manager:v1")], {"manger": "x"})


def test_a_schema_that_talks_about_containers_is_left_alone() -> None:
    schema = {"containers": [{"image": "not-an-image"}]}
    crd = obj("CustomResourceDefinition", api_version="apiextensions.k8s.io/v1", spec=schema)
    assert manifests.replace_images([crd, deployment("a")], {"a": "b"})[0] == crd


def test_config_maps() -> None:
    before = [obj("ConfigMap", "op", data={"keep": "1", "change": "2", "drop": "3"}), obj("Secret", "op")]
    after = manifests.override_config_maps(before, {"op": {"change": True, "drop": None, "new": 5}})
    assert after[0]["data"] == {"keep": "1", "change": "true", "new": "5"}
    assert before[0]["data"]["change"] == "2", "the input is left alone"


def test_a_config_map_that_is_not_there() -> None:
    with pytest.raises(InvalidInput, match=r"no ConfigMap opp.*one that they hold: op"):
        manifests.override_config_maps([obj("ConfigMap", "op")], {"opp": {}})


@pytest.mark.parametrize(
    ("kind", "live", "otherwise"),
    [
        ("Deployment", {"matchLabels": {"app": "x"}}, False),
        ("Deployment", {"matchLabels": {"app": "x"}, "matchExpressions": []}, False),
        ("Deployment", {"matchLabels": {"app": "y"}}, True),
        ("Deployment", {"matchLabels": {"app": "x", "provider": "k"}}, True),
        ("StatefulSet", {"matchLabels": {"app": "y"}}, False),
    ],
)
def test_a_deployment_may_select_other_pods(kind: str, live: Object, otherwise: bool) -> None:
    wanted = obj(kind, api_version="apps/v1", spec={"selector": {"matchLabels": {"app": "x"}}})
    assert manifests.selects_otherwise({"spec": {"selector": live}}, wanted) is otherwise
    assert not manifests.selects_otherwise(None, wanted)


def test_namespaces_are_filled_in_where_one_is_needed() -> None:
    named = {**obj("ConfigMap"), "metadata": {"name": "x", "namespace": "own"}}
    result = manifests.place([obj("ConfigMap"), obj("Namespace"), named], "ns", lambda one: one["kind"] != "Namespace")
    assert [one["metadata"].get("namespace") for one in result] == ["ns", None, "own"]


def test_scopes_of_definitions() -> None:
    spec = {"group": "g.io", "names": {"kind": "Thing"}, "scope": "Cluster"}
    crd = obj("CustomResourceDefinition", api_version="apiextensions.k8s.io/v1", spec=spec)
    assert manifests.scopes([crd, obj("ConfigMap")]) == {("g.io", "Thing"): False}


def test_rules_that_the_cluster_aggregates_are_left_to_it() -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    plain = obj("ClusterRole", "plain", rules=rules)
    aggregated = obj("ClusterRole", "aggregated", aggregationRule={"clusterRoleSelectors": []}, rules=[])
    others = obj("Role", "other", rules=[])
    result = manifests.without_aggregated_rules([plain, aggregated, others])
    assert result == [plain, {key: value for key, value in aggregated.items() if key != "rules"}, others]
