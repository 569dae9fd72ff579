# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Really up, or only Ready: the judgement of a control plane, one missing thing at a time, and where it answers."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import (
    CHECKSUM_ANNOTATION,
    ControlPlaneOptions,
    api_url,
    controller_word,
    judge,
    v1beta2,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.common import CONFIG_ANNOTATION, SPEC_HASH
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import merged
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Object = dict[str, t.Any]

OPTIONS = ControlPlaneOptions(
    name="one", namespace="ns", data_source_secret="db", data_source_checksum="new", version="v1.34.4-k0s.0"
)
CLUSTER: Object = {"metadata": {"name": "one", "namespace": "ns"}, "spec": {}}
STATEFULSET: Object = {
    "metadata": {"name": "kmc-one", "generation": 4},
    "spec": {
        "replicas": 3,
        "template": {
            "metadata": {"annotations": {CHECKSUM_ANNOTATION: "new"}},
            "spec": {"containers": [{"name": "controller", "image": "mirror:5000/k0s:v1.34.4-k0s.0"}]},
        },
    },
    "status": {
        "observedGeneration": 4,
        "replicas": 3,
        "readyReplicas": 3,
        "updatedReplicas": 3,
        "currentRevision": "b",
        "updateRevision": "b",
    },
}
PODS: list[Object] = [
    {
        "metadata": {"name": f"kmc-one-{index}"},
        "spec": {"nodeName": f"node-{index}"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    for index in range(3)
]
READYZ: dict[str, bool | str] = {f"kmc-one-{index}": True for index in range(3)}


def with_status(**changes: t.Any) -> Object:
    return merged(STATEFULSET, {"status": changes})


def test_up() -> None:
    assert judge(OPTIONS, CLUSTER, STATEFULSET, PODS, READYZ) == Verdict(
        True,
        "3 of 3 replicas are ready and answer /readyz",
        {
            "replicas": {"wanted": 3, "ready": 3, "updated": 3},
            "readyz": READYZ,
            "nodes": {"kmc-one-0": "node-0", "kmc-one-1": "node-1", "kmc-one-2": "node-2"},
            "controller": "",
        },
    )


@pytest.mark.parametrize(
    ("statefulset", "reason"),
    [
        (None, "has not made the StatefulSet kmc-one yet"),
        (merged(STATEFULSET, {"status": None}), "has not seen the newest StatefulSet"),
        (with_status(observedGeneration=3), "has not seen the newest StatefulSet"),
        (with_status(readyReplicas=None), "0 of 3 replicas are ready"),
        (with_status(readyReplicas=1), "1 of 3 replicas are ready"),
        (with_status(updatedReplicas=None), "0 of 3 replicas run the newest settings"),
        (with_status(updatedReplicas=2), "2 of 3 replicas run the newest settings"),
        (with_status(currentRevision="a"), "3 of 3 replicas run the newest settings"),
        (with_status(replicas=4), "4 replicas exist, 3 were asked for"),
        (
            merged(STATEFULSET, {"spec": {"template": {"metadata": {"annotations": {CHECKSUM_ANNOTATION: "old"}}}}}),
            "do not carry the new data source",
        ),
        (merged(STATEFULSET, {"spec": {"template": {"metadata": None}}}), "do not carry the new data source"),
        (merged(STATEFULSET, {"spec": {"replicas": 1}}), "has not set 3 replicas yet"),
        (
            merged(STATEFULSET, {"spec": {"template": {"spec": {"containers": [{"image": "k0s:v1.33.1-k0s.0"}]}}}}),
            "has not set version v1.34.4-k0s.0 yet",
        ),
    ],
)
def test_not_up(statefulset: Object | None, reason: str) -> None:
    verdict = judge(OPTIONS, CLUSTER, statefulset, PODS, READYZ)
    assert not verdict.up
    assert reason in verdict.reason


CONTROLLER: Object = {
    "name": "controller",
    "image": "k0s:v1.34.4-k0s.0",
    "resources": {"requests": {"cpu": "1"}},
    "volumeMounts": [{"mountPath": "/ca"}],
}
(SPREAD,) = v1beta2.build(OPTIONS)["spec"]["topologySpreadConstraints"]
(OURS,) = v1beta2.build(OPTIONS)["spec"]["patches"]
THEIRS = merged(OURS, {"patch": {"content": "{}"}})
OF_SERVICE = merged(THEIRS, {"target": {"kind": "Service"}})
SHOWN: Object = {"a": "1", SPEC_HASH: "h", CHECKSUM_ANNOTATION: "new"}
ASKED: Object = {
    "version": "v1.34.4",
    "image": "k0s",
    "resources": {"requests": {"cpu": "1000m"}},
    "mounts": [{"path": "/ca"}],
    "topologySpreadConstraints": [SPREAD],
}


@pytest.mark.parametrize(
    ("cluster", "annotations", "reason"),
    [
        ({}, {"a": "1"}, None),
        ({"spec": {"resources": {"requests": {"cpu": "2"}}}}, {"a": "1"}, "newest resources"),
        ({"spec": {"resources": {"requests": {"cpu": "2"}}, "patches": [THEIRS]}}, {"a": "1"}, None),
        ({"spec": {"resources": {"requests": {"cpu": "2"}}, "patches": [OURS]}}, {"a": "1"}, "newest resources"),
        ({"spec": {"resources": {"requests": {"cpu": "2"}}, "patches": [OF_SERVICE]}}, {"a": "1"}, "newest resources"),
        ({"spec": {"image": "mirror/k0s-fips"}}, {"a": "1"}, "the image mirror/k0s-fips:v1.34.4-k0s.0 yet"),
        ({"spec": {"image": "mirror/k0s-fips", "patches": [THEIRS, OURS]}}, {"a": "1"}, None),
        ({"spec": {"image": "quay.io/k0sproject/k0s"}}, {"a": "1"}, None),
        ({"spec": {"topologySpreadConstraints": [SPREAD | {"maxSkew": 2}]}}, {"a": "1"}, "newest spread"),
        ({"spec": {"topologySpreadConstraints": None}}, {"a": "1"}, "newest spread"),
        ({"spec": {"mounts": [{"path": "/other"}]}}, {"a": "1"}, "has not mounted /other"),
        ({}, {"a": "2"}, "the annotation a yet"),
        ({}, {"b": "1"}, "the annotation b yet"),
        ({"metadata": {"annotations": {SPEC_HASH: "other"}}}, {"a": "1"}, f"the annotation {SPEC_HASH} yet"),
        (
            {"metadata": {"annotations": {CONFIG_ANNOTATION: "c"}}},
            {"a": "1"},
            f"the annotation {CONFIG_ANNOTATION} yet",
        ),
        (
            {"spec": {"kubeconfigSecretMetadata": {"annotations": {CONFIG_ANNOTATION: "c"}}}},
            {"a": "1"},
            f"the annotation {CONFIG_ANNOTATION} yet",
        ),
    ],
)
def test_an_old_statefulset_does_not_pass_for_the_new_one(
    cluster: Object, annotations: dict[str, str], reason: str | None
) -> None:
    pods = {"containers": [CONTROLLER], "topologySpreadConstraints": [SPREAD]}
    template = {"template": {"metadata": {"annotations": SHOWN}, "spec": pods}}
    asked = merged({**CLUSTER, "spec": ASKED}, {"metadata": {"annotations": {SPEC_HASH: "h"}}})
    wanted = dataclasses.replace(OPTIONS, annotations=annotations)
    verdict = judge(wanted, merged(asked, cluster), merged(STATEFULSET, {"spec": template}), PODS, READYZ)
    assert verdict.up is (reason is None), verdict.reason
    assert (reason or "") in verdict.reason


def shown(**pods: t.Any) -> Verdict:
    """The verdict when policies have rewritten the template."""
    spec = {"containers": [CONTROLLER], "topologySpreadConstraints": [SPREAD], **pods}
    template = {"template": {"metadata": {"annotations": SHOWN}, "spec": spec}}
    return judge(OPTIONS, CLUSTER | {"spec": ASKED}, merged(STATEFULSET, {"spec": template}), PODS, READYZ)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("mirror:5000/k0s:v1.34.4-k0s.0@sha256:0", None),
        ("mirror:5000/k0s@sha256:0", None),
        ("mirror:5000/other:v1.34.4-k0s.0@sha256:0", "has not set the image"),
        ("mirror:5000/other@sha256:0", "has not set the image"),
        ("k0s:v1.33.1-k0s.0@sha256:0", "has not set version"),
    ],
)
def test_an_image_that_a_policy_has_pinned_is_the_same_image(image: str, reason: str | None) -> None:
    verdict = shown(containers=[CONTROLLER | {"image": image}])
    assert verdict.up is (reason is None), verdict.reason
    assert (reason or "") in verdict.reason


def test_a_spread_that_a_policy_adds_stays_beside_ours() -> None:
    theirs = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"team": "a"}}}
    for spread in ([SPREAD, theirs], [theirs, SPREAD]):
        assert shown(topologySpreadConstraints=spread).up
    for spread in ([theirs], [SPREAD, SPREAD | {"topologyKey": "zone"}]):
        assert "newest spread" in shown(topologySpreadConstraints=spread).reason


@pytest.mark.parametrize(
    ("readyz", "reason"),
    [
        ({}, "kmc-one-0 is not well: was not asked yet"),
        (READYZ | {"kmc-one-2": "HTTP 500"}, "kmc-one-2 is not well: HTTP 500"),
        (READYZ | {"kmc-one-1": False}, "kmc-one-1 is not well: /readyz says no"),
        (READYZ | {"kmc-one-1": "postgres://u:S3cRet@h/k failed"}, "kmc-one-1 is not well"),
    ],
)
def test_not_answering(readyz: dict[str, bool | str], reason: str) -> None:
    verdict = judge(OPTIONS, CLUSTER, STATEFULSET, PODS, readyz)
    assert not verdict.up
    assert reason in verdict.reason
    assert "S3cRet" not in verdict.reason


def test_no_cluster_or_one_on_its_way_out() -> None:
    assert judge(OPTIONS, None, None, [], {}).reason == "The Cluster does not exist yet"
    leaving = merged(CLUSTER, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
    assert judge(OPTIONS, leaving, STATEFULSET, PODS, READYZ).reason == "The Cluster is being deleted"


def test_the_pod_that_is_not_ready_is_named() -> None:
    pods = [*PODS[:2], {"metadata": {"name": "kmc-one-2"}, "status": {"phase": "Pending"}}]
    verdict = judge(OPTIONS, CLUSTER, with_status(readyReplicas=2), pods, READYZ)
    assert verdict.reason == "2 of 3 replicas are ready: kmc-one-2 is not ready (Pending)"


def test_counters_that_kubernetes_leaves_out_are_zero() -> None:
    verdict = judge(OPTIONS, CLUSTER, with_status(readyReplicas=None, updatedReplicas=None), [], {})
    assert verdict.details["replicas"] == {"wanted": 3, "ready": 0, "updated": 0}


def test_without_a_known_checksum_any_will_do() -> None:
    options = ControlPlaneOptions(name="one", namespace="ns", data_source_secret="db", version="v1.34.4+k0s.0")
    assert judge(options, CLUSTER, STATEFULSET, PODS, READYZ).up


@pytest.mark.parametrize("version", ["v1.34.4", "v1.34.4+k0s.0", "v1.34.4-k0s.0", ""])
def test_a_live_version_is_read_as_k0smotron_reads_it(version: str) -> None:
    assert judge(dataclasses.replace(OPTIONS, version=version), CLUSTER, STATEFULSET, PODS, READYZ).up
    newer = dataclasses.replace(OPTIONS, version="v1.34.5")
    assert "version v1.34.5-k0s.0 yet" in judge(newer, CLUSTER, STATEFULSET, PODS, READYZ).reason


def test_a_spread_that_others_give_to_the_pods_is_theirs() -> None:
    theirs = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"team": "a"}}}
    spec = {"containers": [CONTROLLER], "topologySpreadConstraints": [theirs]}
    spread = merged(STATEFULSET, {"spec": {"template": {"spec": spec}}})
    assert judge(OPTIONS, CLUSTER, spread, PODS, READYZ).up


def test_a_patched_image_is_no_older_version() -> None:
    patched = merged(STATEFULSET, {"spec": {"template": {"spec": {"containers": [{"image": "k0s@sha256:0"}]}}}})
    assert judge(OPTIONS, CLUSTER, patched, PODS, READYZ).up


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ({"reconciliationStatus": "Failed reconciling statefulset: x"}, "Failed reconciling statefulset: x"),
        ({"deprecated": {"v1beta1": {"reconciliationStatus": "Failed: y"}}}, "Failed: y"),
        ({"deprecated": {"v1beta1": {"reconciliationStatus": "Reconciliation successful"}}}, ""),
        ({"reconciliationStatus": "Failed: postgres://u:S3cRet@h/k"}, "Failed: postgres://u:***@h/k"),
        ({}, ""),
    ],
)
def test_the_controllers_last_word(status: Object, word: str) -> None:
    cluster = CLUSTER | {"status": status}
    assert controller_word(cluster) == word
    verdict = judge(OPTIONS, cluster, None, [], {})
    assert verdict.details["controller"] == word
    assert verdict.reason.endswith(f"; k0smotron says: {word}") is bool(word)


def live(service: Object | None = None, **spec: t.Any) -> Object:
    return merged(CLUSTER, {"spec": {"service": service or {"type": "ClusterIP", "apiPort": 30443}, **spec}})


def balancer(*ingress: Object) -> Object:
    return {"status": {"loadBalancer": {"ingress": list(ingress)}}}


def node(ready: bool, **addresses: str) -> Object:
    return {
        "status": {
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "addresses": [{"type": kind, "address": address} for kind, address in addresses.items()],
        }
    }


@pytest.mark.parametrize(
    ("cluster", "service", "nodes", "url"),
    [
        (CLUSTER, None, [], "https://kmc-one.ns.svc:30443"),
        (live({"apiPort": 6443}), None, [], "https://kmc-one.ns.svc:6443"),
        (live(externalAddress="api.example"), None, [], "https://api.example:30443"),
        (live(externalAddress="2001:db8::1"), None, [], "https://[2001:db8::1]:30443"),
        (live({"type": "LoadBalancer"}), None, [], None),
        (live({"type": "LoadBalancer"}), balancer(), [], None),
        (live({"type": "LoadBalancer"}), balancer({"ip": "192.0.2.1"}), [], "https://192.0.2.1:30443"),
        (live({"type": "LoadBalancer"}), balancer({"hostname": "lb.example"}), [], "https://lb.example:30443"),
        (
            live({"type": "LoadBalancer"}, externalAddress="a.example"),
            balancer({"ip": "192.0.2.1"}),
            [],
            "https://a.example:30443",
        ),
        (live({"type": "NodePort"}), None, [], None),
        (live({"type": "NodePort"}), None, [node(False, InternalIP="10.0.0.1")], None),
        (
            live({"type": "NodePort", "apiPort": 31000}),
            None,
            [node(True, InternalIP="10.0.0.1"), node(True, InternalIP="10.0.0.2", ExternalIP="192.0.2.2")],
            "https://192.0.2.2:31000",
        ),
        (live({"type": "NodePort"}), None, [node(True, InternalIP="10.0.0.1")], "https://10.0.0.1:30443"),
        (live(ingress={"apiHost": "kube.example"}), None, [], "https://kube.example:443"),
        (live(ingress={"apiHost": "kube.example", "port": 8443}), None, [], "https://kube.example:8443"),
    ],
)
def test_where_the_api_answers(cluster: Object, service: Object | None, nodes: list[Object], url: str | None) -> None:
    assert api_url(cluster, service, nodes) == url
