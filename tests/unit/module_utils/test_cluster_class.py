# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ClusterClass for many control planes: its objects, what differs by Cluster, what is refused, and when it is in force."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
import yaml

from ansible_collections.k0smotron.ha.plugins.module_utils import control_planes
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import (
    CHECKSUM_ANNOTATION,
    ControlPlaneOptions,
    cluster_api,
    cluster_class,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.cluster_class import ClassOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import merged

Object = dict[str, t.Any]

CLUSTER = {"metadata": {"name": "one", "namespace": "ns"}, "spec": {"topology": {"classRef": {"name": "ha"}}}}
RENDERED = {
    "{{ .builtin.cluster.name }}": "one",
    "{{ .builtin.cluster.namespace }}": "ns",
    "{{ .dataSourceChecksum }}": "5a17",
    '{{ "{{" }}': "{{",
}


def options(**given: t.Any) -> ClassOptions:
    infrastructure = given.pop("infrastructure", None)
    plane = ControlPlaneOptions(
        **{"name": "ha", "namespace": "classes", "data_source_secret": "{cluster}-data-source", **given}
    )
    return ClassOptions(control_plane=plane, infrastructure=infrastructure)


def desired(wanted: ClassOptions, version: str = "v1beta1") -> list[Object]:
    inner = control_planes.builder([f"k0smotron.io/{version}"]).build(cluster_class.each(wanted))
    return cluster_class.desired(wanted, cluster_class.template_spec(wanted, inner), f"k0smotron.io/{version}")


def in_cluster(objects: list[Object]) -> Object:
    """The K0smotronControlPlane's spec that Cluster API makes of the template for the Cluster ns/one."""
    *_others, template, made = objects
    spec = json.loads(json.dumps(template["spec"]["template"]["spec"]))
    (patch,) = made["spec"]["patches"]
    (definition,) = patch["definitions"]
    for each in definition["jsonPatches"]:
        assert each["op"] == "replace"
        start, field = each["path"].rsplit("/", 1)
        assert (start, field in spec) == ("/spec/template/spec", True)
        # In the order of the text, as Go does: what a value prints is not looked at again.
        text = re.sub(r"{{.*?}}", lambda found: RENDERED[found[0]], each["valueFrom"]["template"])
        spec[field] = yaml.safe_load(text)
    return t.cast("Object", spec)


@pytest.mark.parametrize("version", ["v1beta1", "v1beta2"])
@pytest.mark.parametrize("service_type", ["ClusterIP", "LoadBalancer"])
def test_each_cluster_gets_what_a_control_plane_of_its_own_would_get(version: str, service_type: str) -> None:
    given: Object = {
        "service_type": service_type,
        "labels": {"team": "a"},
        "annotations": {"say": "{{ hello }}"},
        "mounts": [{"path": "/etc/database-ca", "configMap": {"name": "{cluster}-data-source-ca"}}],
        "service_annotations": {"example.org/name": "{cluster}.{namespace}.example"},
        "spec": {"manifests": [{"name": "own", "configMap": {"name": "{cluster}-own"}}]},
    }
    own = json.loads(json.dumps(given).replace("{cluster}", "one").replace("{namespace}", "ns"))
    plane = ControlPlaneOptions(
        name="one", namespace="ns", data_source_secret="one-data-source", data_source_checksum="5a17", **own
    )
    single = ClassOptions(control_plane=plane)
    inner = control_planes.builder([f"k0smotron.io/{version}"]).build(cluster_api.with_address(single.control_plane))
    wrapped = cluster_api.ClusterApiOptions(control_plane=plane, resource="one", infrastructure={})
    wanted = cluster_api.control_plane(wrapped, inner, version)["spec"]
    del wanted["version"]
    assert in_cluster(desired(options(**given), version)) == wanted
    assert wanted["kubeconfigSecretMetadata"]["annotations"] == {"say": "{{ hello }}", CHECKSUM_ANNOTATION: "5a17"}


def test_the_class_names_its_templates_and_the_cluster_names_the_objects() -> None:
    remote, template, made = desired(options())
    assert remote == {
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1",
        "kind": "RemoteClusterTemplate",
        "metadata": {"name": "ha", "namespace": "classes", "labels": {"k0smotron.ha/cluster-class": "ha"}},
        "spec": {"template": {"spec": {}}},
    }
    assert template["metadata"]["labels"] == {"k0smotron.ha/cluster-class": "ha"}
    naming = {"template": "{{ .cluster.name }}"}
    assert made["spec"]["controlPlane"] == {
        "templateRef": {
            "apiVersion": "controlplane.cluster.x-k8s.io/v1beta1",
            "kind": "K0smotronControlPlaneTemplate",
            "name": template["metadata"]["name"],
        },
        "naming": naming,
    }
    assert made["spec"]["infrastructure"]["naming"] == naming
    assert made["spec"]["infrastructure"]["templateRef"]["name"] == "ha"


def test_variables_and_patches_of_others_stay_in_their_order() -> None:
    made = desired(options())[-1]
    (variable,), (patch,) = made["spec"]["variables"], made["spec"]["patches"]
    theirs, old = {"name": "theirs"}, {"name": patch["name"], "definitions": []}
    live = merged(made, {"spec": {"variables": [variable, theirs], "patches": [theirs, old], "workers": {"a": 1}}})
    spec = cluster_class.with_others(made, live)["spec"]
    assert (spec["variables"], spec["patches"]) == ([variable, theirs], [theirs, patch])
    assert "workers" not in spec
    assert cluster_class.with_others(made, None) == made


def test_infrastructure_of_somebody_else_is_named_and_not_made() -> None:
    metal = {"api_version": "a.b/v1", "kind": "MetalTemplate", "name": "rack"}
    template, made = desired(options(infrastructure=metal))
    assert template["kind"] == "K0smotronControlPlaneTemplate"
    assert made["spec"]["infrastructure"]["templateRef"] == {
        "apiVersion": "a.b/v1",
        "kind": "MetalTemplate",
        "name": "rack",
    }


def test_another_content_is_another_template_and_the_same_content_the_same() -> None:
    names = [
        desired(options(**given))[1]["metadata"]["name"]
        for given in ({}, {}, {"mounts": [{"path": "/a"}]}, {"version": "v1.35.1-k0s.0"})
    ]
    assert re.fullmatch(r"ha-[0-9a-f]{10}", names[0])
    assert names[0] == names[1] == names[3] != names[2]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"service_type": "NodePort"}, "same ports of the nodes"),
        ({"data_source_secret": "db"}, "would share one database"),
        ({"data_source_secret": "{namespace}"}, "would share one database"),
        ({"external_address": "192.0.2.1"}, "would share one address"),
        ({"spec": {"externalAddress": "192.0.2.1"}}, "would share one address"),
        ({"spec": {"ingress": {"apiHost": "api.example.org"}}}, "would share one address"),
        ({"spec": {"ingress": {"konnectivityHost": "{namespace}.example.org"}}}, "would share one address"),
        ({"name": "Ha"}, "The class's name"),
        ({"name": "h" * 53}, "longer than 52"),
        ({"data_source_secret": "{cluster}_db"}, "not a valid Secret name"),
        ({"data_source_secret": None}, "No data source"),
        ({"replicas": 0}, "replicas is 0"),
        ({"spec": {"version": "v1.36.0"}}, "spec.version would not be checked"),
    ],
)
def test_what_cannot_serve_several_clusters_is_refused(given: Object, why: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(why)):
        cluster_class.validate(options(**given))


def test_words_for_the_cluster_are_no_reason_to_refuse() -> None:
    name = "{cluster}.example.org"
    spec = {"externalAddress": name, "ingress": {"apiHost": name, "konnectivityHost": f"k.{name}", "deploy": True}}
    cluster_class.validate(options(external_address=name, data_source_secret="{namespace}-{cluster}", spec=spec))
    cluster_class.validate(options(spec={"externalAddress": None, "ingress": None}))


@pytest.mark.parametrize(
    ("reference", "used"),
    [
        ({"name": "ha"}, False),
        ({"name": "ha", "namespace": "classes"}, True),
        ({"name": "other", "namespace": "classes"}, False),
        ({}, False),
    ],
)
def test_a_class_is_used_by_those_that_name_it_and_its_namespace(reference: Object, used: bool) -> None:
    cluster = {"metadata": {"name": "one", "namespace": "ns"}, "spec": {"topology": {"classRef": reference}}}
    assert cluster_class.uses(cluster, options()) is used
    assert cluster_class.uses(CLUSTER, options(namespace="ns"))


def test_a_class_in_use_is_not_removed() -> None:
    cluster_class.refuse_use(options(), [])
    with pytest.raises(InvalidInput, match="ha is used by ns/one"):
        cluster_class.refuse_use(options(), [CLUSTER])


TEMPLATE = {"metadata": {"name": "ha-1"}}
LIVE = {
    "metadata": {"generation": 2},
    "status": {"observedGeneration": 2, "conditions": [{"type": "VariablesReady", "status": "True"}]},
}
CURRENT = {"metadata": {"annotations": {"cluster.x-k8s.io/cloned-from-name": "ha-1"}}}
OUTDATED = {"metadata": {"annotations": {"cluster.x-k8s.io/cloned-from-name": "ha-0"}}}
HELD = {"status": {"conditions": [{"type": "TopologyReconciled", "status": "False", "message": "waits for a hook"}]}}


@pytest.mark.parametrize(
    ("live", "clusters", "problem"),
    [
        (LIVE, [], None),
        (LIVE, [(CLUSTER, CURRENT)], None),
        (None, [], "no ClusterClass yet"),
        (merged(LIVE, {"metadata": {"generation": 3}}), [], "has not looked"),
        (merged(LIVE, {"status": {"conditions": []}}), [], "variables"),
        (LIVE, [(CLUSTER, CURRENT), (CLUSTER, OUTDATED)], "Cluster ns/one does not have the template yet"),
        (LIVE, [(merged(CLUSTER, HELD), None)], "yet: waits for a hook"),
        (LIVE, [(merged(CLUSTER, {"spec": {"paused": True}}), OUTDATED)], None),
        (LIVE, [(merged(CLUSTER, {"metadata": {"annotations": {"cluster.x-k8s.io/paused": ""}}}), OUTDATED)], None),
        (LIVE, [(merged(CLUSTER, {"metadata": {"deletionTimestamp": "2026-01-02T12:00:00Z"}}), OUTDATED)], None),
    ],
)
def test_a_class_is_in_force_when_its_clusters_have_it(
    live: Object | None, clusters: list[tuple[Object, Object | None]], problem: str | None
) -> None:
    verdict = cluster_class.judge(TEMPLATE, live, clusters)
    assert verdict.up is (problem is None)
    assert (problem or "have the template ha-1") in verdict.reason
