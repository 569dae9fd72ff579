# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control plane through Cluster API: the objects, what is refused, and when it is up."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import control_planes
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import (
    ControlPlaneOptions,
    changes,
    cluster_api,
    cluster_api_judge,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.cluster_api import ClusterApiOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import merged
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Object = dict[str, t.Any]

US = "k0smotron.ha"
REMOTE = {"api_group": "infrastructure.cluster.x-k8s.io", "kind": "RemoteCluster", "name": "one"}
UP = Verdict(True, "3 of 3 replicas are ready and answer /readyz", {})


def options(control_plane: t.Mapping[str, t.Any] | None = None, **given: t.Any) -> ClusterApiOptions:
    inner = ControlPlaneOptions(
        **{"name": "one", "namespace": "ns", "data_source_secret": "db", **(control_plane or {})}
    )
    return ClusterApiOptions(**{"control_plane": inner, "resource": "one", "infrastructure": REMOTE, **given})


def desired(wanted: ClusterApiOptions, version: str = "v1beta1") -> list[Object]:
    inner = control_planes.builder([f"k0smotron.io/{version}"]).build(wanted.control_plane)
    return cluster_api.desired(wanted, inner)


def live(kind: str = "Cluster", **overlay: t.Any) -> Object:
    """One of the objects as it lives when all is well."""
    cluster, _remote, resource = desired(options())
    ready = [{"type": name, "status": "True"} for name in ("InfrastructureReady", *cluster_api_judge.REACHED)]
    status: Object = {"readyReplicas": 3, "updatedReplicas": 3}
    owners = {"metadata": {"ownerReferences": [{"kind": "Cluster", "name": "one", "controller": True}]}}
    found = {
        "Cluster": merged(cluster, {"status": {"conditions": ready}}),
        "resource": merged(resource, {"status": status, **owners}),
    }
    return merged(found[kind], overlay)


def inner(**overlay: t.Any) -> Object:
    """k0smotron's Cluster, made of ours."""
    owner = {"kind": cluster_api.KIND, "name": "one"}
    return merged({"metadata": {"name": "one", "ownerReferences": [owner]}, "spec": live("resource")["spec"]}, overlay)


# -- objects -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1beta1", "v1beta2"])
def test_three_objects_the_cluster_first(version: str) -> None:
    cluster, remote, resource = desired(options(), version)
    assert cluster == {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "Cluster",
        "metadata": {"name": "one", "namespace": "ns"},
        "spec": {
            "controlPlaneRef": {
                "apiGroup": "controlplane.cluster.x-k8s.io",
                "kind": "K0smotronControlPlane",
                "name": "one",
            },
            "infrastructureRef": {
                "apiGroup": "infrastructure.cluster.x-k8s.io",
                "kind": "RemoteCluster",
                "name": "one",
            },
        },
    }
    assert remote == {
        "apiVersion": f"infrastructure.cluster.x-k8s.io/{version}",
        "kind": "RemoteCluster",
        "metadata": {"name": "one", "namespace": "ns"},
    }
    assert resource["apiVersion"] == f"controlplane.cluster.x-k8s.io/{version}"
    standalone = control_planes.builder([f"k0smotron.io/{version}"]).build(options().control_plane)
    assert resource["spec"] == standalone["spec"]


def test_networks_go_into_the_cluster_as_far_as_they_are_given() -> None:
    (cluster, *_others) = desired(options(pod_cidrs=["10.1.0.0/16"], service_domain="example"))
    assert cluster["spec"]["clusterNetwork"] == {"pods": {"cidrBlocks": ["10.1.0.0/16"]}, "serviceDomain": "example"}


def test_infrastructure_of_somebody_else_is_named_and_not_made() -> None:
    cluster, resource = desired(options(infrastructure={"api_group": "a.b", "kind": "Metal", "name": "rack"}))
    assert cluster["spec"]["infrastructureRef"] == {"apiGroup": "a.b", "kind": "Metal", "name": "rack"}
    assert resource["kind"] == "K0smotronControlPlane"


def test_annotations_and_labels_reach_the_pods_by_way_of_the_kubeconfig_secret() -> None:
    given = {"annotations": {"a": "1"}, "labels": {"l": "2"}, "data_source_checksum": "sum"}
    (*_others, resource) = desired(options(given))
    found = resource["spec"]["kubeconfigSecretMetadata"]
    assert found == {"annotations": {"a": "1", control_planes.CHECKSUM_ANNOTATION: "sum"}, "labels": {"l": "2"}}
    assert resource["metadata"] == {"name": "one", "namespace": "ns"}
    (*_others, resource) = desired(
        options({**given, "spec": {"kubeconfigSecretMetadata": {"annotations": {"b": "2"}}}})
    )
    assert resource["spec"]["kubeconfigSecretMetadata"] == merged(found, {"annotations": {"b": "2"}})


def test_labels_for_the_kubeconfig_secret_stand_in_the_place_of_the_others() -> None:
    """They cannot change, so the control planes that live with them must be able to keep them."""
    labels = {"spec": {"kubeconfigSecretMetadata": {"labels": {"x": "y"}}}}
    (*_others, resource) = desired(options({"labels": {"team": "a"}, "annotations": {"a": "1"}, **labels}))
    assert resource["spec"]["kubeconfigSecretMetadata"] == {"labels": {"x": "y"}, "annotations": {"a": "1"}}


def test_a_pause_is_an_annotation_of_the_control_plane() -> None:
    (cluster, _remote, resource) = desired(options(paused=True))
    assert resource["metadata"]["annotations"] == {"cluster.x-k8s.io/paused": "true"}
    assert "annotations" not in cluster["metadata"]


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "kmc-one.ns.svc"),
        ({"external_address": "192.0.2.1"}, "192.0.2.1"),
        ({"service_type": "LoadBalancer"}, None),
    ],
)
def test_a_cluster_needs_an_address(given: dict[str, t.Any], address: str | None) -> None:
    assert cluster_api.with_address(options(given).control_plane).external_address == address


# -- what lives --------------------------------------------------------------------------------------------------------


def test_a_live_cluster_keeps_the_names_that_it_chose() -> None:
    spec = {
        "controlPlaneRef": {"kind": cluster_api.KIND, "name": "cp"},
        "infrastructureRef": {"apiGroup": "a.b", "kind": "Metal", "name": "rack"},
    }
    adopted = cluster_api_judge.adopt(options(), live(spec=spec))
    assert adopted == options(resource="cp", infrastructure={"api_group": "a.b", "kind": "Metal", "name": "rack"})
    assert cluster_api_judge.adopt(options(), None) == options()


def test_networks_that_are_not_given_stay() -> None:
    (before, *_others) = desired(options(pod_cidrs=["10.1.0.0/16"], service_domain="example"))
    adopted = cluster_api_judge.adopt(options(service_domain="example"), before)
    assert desired(adopted)[0] == before
    cluster_api_judge.refuse_network_change(adopted, before)
    cluster_api_judge.refuse_network_change(
        adopted, merged(before, {"spec": {"clusterNetwork": {"apiServerPort": 6443}}})
    )


@pytest.mark.parametrize(
    ("overlay", "why"),
    [
        (
            {"spec": {"controlPlaneRef": {"kind": "KubeadmControlPlane"}}},
            "its control plane is KubeadmControlPlane one",
        ),
        ({"metadata": {"ownerReferences": [{"kind": "Fleet", "name": "f", "controller": True}]}}, "belongs to Fleet f"),
    ],
)
def test_a_cluster_of_somebody_else_is_left_alone(overlay: Object, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        cluster_api_judge.refuse_foreign(options(), live(**overlay))
    cluster_api_judge.refuse_foreign(options(), live())
    cluster_api_judge.refuse_foreign(options(), None)


def test_a_cluster_of_a_class_is_left_alone_and_may_be_looked_at() -> None:
    built = live(spec={"topology": {"classRef": {"name": "ha"}}})
    with pytest.raises(InvalidInput, match="one is built from the ClusterClass ha"):
        cluster_api_judge.refuse_topology(built)
    cluster_api_judge.refuse_topology(live())
    cluster_api_judge.refuse_topology(None)
    assert cluster_api_judge.adopt(options(), built) == options()


@pytest.mark.parametrize(
    ("cluster", "resource"),
    [
        ({"spec": {"paused": True}}, {}),
        ({}, {"metadata": {"annotations": {cluster_api.PAUSED: ""}}}),
    ],
)
def test_a_pause_of_somebody_else_is_no_moment_for_a_change(cluster: Object, resource: Object) -> None:
    arguments = (live(**cluster), live("resource", **resource), US)
    with pytest.raises(Conflict, match="is paused"):
        cluster_api_judge.refuse_paused(options(), *arguments)
    cluster_api_judge.refuse_paused(options(paused=True), *arguments)


def paused_by(manager: str) -> Object:
    fields: Object = {"f:metadata": {"f:annotations": {f"f:{cluster_api.PAUSED}": {}}}}
    managed = [{"manager": manager, "operation": "Apply", "fieldsV1": fields}]
    return live("resource", metadata={"annotations": {cluster_api.PAUSED: "true"}, "managedFields": managed})


def test_a_pause_of_ours_ends_with_the_next_run() -> None:
    cluster_api_judge.refuse_paused(options(), live(), paused_by(US), US)
    assert cluster_api_judge.foreign_pause(options(), live(), paused_by(US), US) == ""


def test_a_pause_of_somebody_else_is_not_taken_over() -> None:
    (*_others, wanted) = desired(options(paused=True))
    for resource in (None, live("resource"), paused_by(US)):
        assert cluster_api_judge.beside_pause(wanted, resource, US) == wanted
    (*_others, unpaused) = desired(options())
    assert cluster_api_judge.beside_pause(wanted, paused_by("backup"), US) == unpaused
    said = cluster_api_judge.foreign_pause(options(paused=True), live(), paused_by("backup"), US)
    assert said == "K0smotronControlPlane one has the annotation cluster.x-k8s.io/paused"


def test_a_standalone_cluster_of_this_name_is_in_the_way() -> None:
    cluster_api_judge.refuse_standalone(options(), None)
    cluster_api_judge.refuse_standalone(options(), inner())
    for owners in ([], [{"kind": cluster_api.KIND, "name": "another"}]):
        with pytest.raises(Conflict, match="standalone"):
            cluster_api_judge.refuse_standalone(options(), inner(metadata={"ownerReferences": owners}))


def test_standalone_changes_of_cluster_api_s_cluster_are_refused() -> None:
    with pytest.raises(InvalidInput, match="belongs to K0smotronControlPlane one"):
        changes.refuse_owned(inner())


def test_a_name_is_unique_among_all_namespaces() -> None:
    other = live(metadata={"namespace": "elsewhere"})
    with pytest.raises(InvalidInput, match="Namespace elsewhere has a Cluster one"):
        cluster_api_judge.refuse_namesake(options(), [live(), other])
    kubeadm = live(metadata={"namespace": "elsewhere"}, spec={"controlPlaneRef": {"kind": "KubeadmControlPlane"}})
    another = live(metadata={"namespace": "elsewhere", "name": "two"})
    cluster_api_judge.refuse_namesake(options(), [live(), kubeadm, another])


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ({"version": "v1.34.1-k0s.0"}, {"version": "v1.36.1-k0s.0"}, "one minor version at a time.*1.35 first"),
        ({"version": "v1.35.1-k0s.0"}, {"version": "v1.34.1-k0s.0"}, "cannot go back"),
        ({"labels": {"a": "1"}}, {"labels": {"a": "2"}}, "labels of a live Cluster must not change .a."),
        ({}, {"labels": {"a": "2"}}, "must not change .a."),
        ({"labels": {"a": "1"}}, {}, "must not change .a."),
        ({}, {"persistence": {"type": "pvc"}}, "persistence"),
    ],
)
def test_changes_that_break_a_live_one_are_refused(old: Object, new: Object, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        cluster_api_judge.refuse_change(desired(options(old))[-1], desired(options(new))[-1])


def test_a_control_plane_without_a_spec_keeps_its_state_in_etcd() -> None:
    (*_others, wanted) = desired(options())
    with pytest.raises(InvalidInput, match="from etcd to kine"):
        cluster_api_judge.refuse_change({"metadata": {}}, wanted)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ({}, {"pod_cidrs": ["10.1.0.0/16"]}, "fixed at its creation"),
        ({"pod_cidrs": ["10.1.0.0/16"]}, {"pod_cidrs": ["10.2.0.0/16"]}, "fixed at its creation"),
        (None, {"service_cidrs": ["10.2.0.0/16", "fd00::/108"]}, "more than one network for services"),
        ({"pod_cidrs": ["10.1.0.0/16"]}, {}, None),
        ({"pod_cidrs": ["10.1.0.0/16"]}, {"pod_cidrs": ["10.1.0.0/16"]}, None),
        (None, {"pod_cidrs": ["10.1.0.0/16"]}, None),
    ],
)
def test_networks_are_fixed_at_creation(old: Object | None, new: Object, why: str | None) -> None:
    before = None if old is None else desired(options(**old))[0]
    if why is None:
        cluster_api_judge.refuse_network_change(options(**new), before)
        return
    with pytest.raises(InvalidInput, match=why):
        cluster_api_judge.refuse_network_change(options(**new), before)


def test_one_minor_version_more_and_other_replicas_may_be() -> None:
    old, new = {"version": "v1.34.1-k0s.0", "labels": {"a": "1"}}, {"version": "v1.35.1-k0s.0", "labels": {"a": "1"}}
    cluster_api_judge.refuse_change(desired(options(old))[-1], desired(options({**new, "replicas": 5}))[-1])


@pytest.mark.parametrize(("old", "new", "warned"), [(3, 1, True), (1, 1, False), (1, 3, False), (None, 1, False)])
def test_the_way_to_one_replica_is_an_outage(old: int | None, new: int, warned: bool) -> None:
    before = None if old is None else desired(options({"replicas": old}))[-1]
    assert bool(cluster_api_judge.warnings(before, desired(options({"replicas": new}))[-1])) is warned


def test_drift_is_what_we_set_and_k0smotron_s_cluster_has_otherwise() -> None:
    (*_others, wanted) = desired(options({"resources": {"requests": {"cpu": "1"}}}))
    same = {"spec": {**wanted["spec"], "externalAddress": "192.0.2.1", "certificateRefs": [{"type": "ca"}]}}
    assert cluster_api_judge.drifted(same, wanted) == []
    written = merged(
        same, {"spec": {"resources": {"requests": {"cpu": "1000m"}}, "persistence": {"autoDeletePVCs": False}}}
    )
    assert cluster_api_judge.drifted(written, wanted) == [], "k0smotron writes quantities its own way"
    edited = merged(same, {"spec": {"replicas": 2, "resources": {"requests": {"cpu": "2"}}}})
    assert cluster_api_judge.drifted(edited, wanted) == ["replicas", "resources"]


def test_an_edit_of_a_default_is_repaired_and_what_k0smotron_adds_is_left_to_it() -> None:
    (*_others, wanted) = desired(options({"external_address": "192.0.2.1"}))
    defaults = {"image": "quay.io/k0sproject/k0s", "certificateRefs": [{"type": "ca"}], "persistence": {"auto": False}}
    resource = merged(wanted, {"spec": defaults})
    edited = {"spec": {**resource["spec"], "image": "mine/k0s"}}
    assert cluster_api_judge.drifted(edited, resource) == ["image"]
    spec = cluster_api_judge.repaired(resource, wanted)
    assert cluster_api_judge.drifted({"spec": spec}, resource) == []
    assert spec == {key: value for key, value in resource["spec"].items() if key != "certificateRefs"}


# -- up ----------------------------------------------------------------------------------------------------------------


def test_up_is_all_of_it() -> None:
    verdict = cluster_api_judge.judge(options(), live(), live("resource"), inner(), UP)
    assert verdict == dataclasses.replace(UP, reason=f"{UP.reason}, and Cluster API reaches it")


NOT_READY = {"type": "InfrastructureReady", "status": "False", "message": "* not found"}
READY = {"type": "InfrastructureReady", "status": "True"}


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ({"cluster": None}, "There is no Cluster one"),
        ({"resource": None}, "There is no K0smotronControlPlane one"),
        ({"resource": live("resource", metadata={"ownerReferences": []})}, "has not made the Cluster the owner"),
        ({"cluster": live(status={"conditions": [NOT_READY]})}, r"infrastructure, RemoteCluster one: \* not found"),
        ({"inner": None}, "k0smotron has not made its Cluster"),
        ({"seen": Verdict(False, "kmc-one-0 is not ready", {})}, "kmc-one-0 is not ready"),
        ({"resource": live("resource", status={"readyReplicas": 2})}, "counts 2 of 3 readyReplicas"),
        ({"resource": live("resource", status={"updatedReplicas": None})}, "counts 0 of 3 updatedReplicas"),
        ({"resource": live("resource", status={"upToDateReplicas": 1})}, "counts 1 of 3 upToDateReplicas"),
        ({"cluster": live(status={"conditions": [READY]})}, "does not see ControlPlaneAvailable yet"),
        (
            {"cluster": live(status={"conditions": [READY, {**READY, "type": "ControlPlaneAvailable"}]})},
            "RemoteConnectionProbe",
        ),
        ({"inner": inner(spec={"replicas": 2})}, "does not have the replicas of K0smotronControlPlane one"),
    ],
)
def test_each_thing_that_is_missing_is_named(seen: Object, why: str) -> None:
    all_well: Object = {"cluster": live(), "resource": live("resource"), "inner": inner(), "seen": UP}
    verdict = cluster_api_judge.judge(options(), **(all_well | seen))
    assert not verdict.up
    assert re.search(why, verdict.reason), verdict.reason
