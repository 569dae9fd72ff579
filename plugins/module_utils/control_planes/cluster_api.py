# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control plane as Cluster API wants it: Cluster, infrastructure and K0smotronControlPlane. Pure.

From these k0smotron makes its own Cluster, of the Cluster API Cluster's name, which it then runs like any other.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import names
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, merged

CLUSTER = "cluster.x-k8s.io/v1beta2"
"""Served since Cluster API 1.11, which stores it, too: what k0smotron writes into it does not get lost."""
CONTROL_PLANE_GROUP = "controlplane.cluster.x-k8s.io"
INFRASTRUCTURE_GROUP = "infrastructure.cluster.x-k8s.io"
KIND = "K0smotronControlPlane"
INFRASTRUCTURE_KIND = "RemoteCluster"
PAUSED = "cluster.x-k8s.io/paused"
"""On the K0smotronControlPlane. k0smotron sees at once when it goes, but not when the Cluster's spec.paused does (seen)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClusterApiOptions:
    """What Cluster API needs to know beside the control plane itself."""

    control_plane: ControlPlaneOptions
    resource: str
    """Name of the K0smotronControlPlane."""
    infrastructure: t.Mapping[str, str]
    """``api_group``, ``kind`` and ``name`` of what the Cluster's infrastructureRef names."""
    pod_cidrs: t.Sequence[str] = ()
    service_cidrs: t.Sequence[str] = ()
    service_domain: str | None = None
    paused: bool = False

    @property
    def name(self) -> str:
        return self.control_plane.name

    @property
    def namespace(self) -> str:
        return self.control_plane.namespace

    @property
    def own_infrastructure(self) -> bool:
        """Whether the infrastructure is k0smotron's own RemoteCluster, which needs no settings, so that we make it."""
        return (self.infrastructure["api_group"], self.infrastructure["kind"]) == (
            INFRASTRUCTURE_GROUP,
            INFRASTRUCTURE_KIND,
        )


def control_plane_version(api_version: str) -> str:
    """The K0smotronControlPlane's API version that goes with one of k0smotron's Cluster."""
    return f"{CONTROL_PLANE_GROUP}/{api_version.rpartition('/')[2]}"


def remote_cluster_reference(name: str) -> dict[str, str]:
    """The infrastructure where no other is named."""
    return {"api_group": INFRASTRUCTURE_GROUP, "kind": INFRASTRUCTURE_KIND, "name": name}


def with_address(options: ControlPlaneOptions) -> ControlPlaneOptions:
    """The options with an address for Cluster API: without one the Cluster never gets an endpoint.

    Inside the cluster the Service's name is one. NodePort and LoadBalancer get theirs from k0smotron.
    """
    if options.external_address or options.service_type != "ClusterIP":
        return options
    service = names.service_name(options.name, options.service_type)
    return dataclasses.replace(options, external_address=f"{service}.{options.namespace}.svc")


def desired(options: ClusterApiOptions, inner: Object) -> list[Object]:
    """The objects to apply. ``inner`` is the k0smotron Cluster that k0smotron shall make of them.

    The K0smotronControlPlane comes last: until the Cluster owns it, it does nothing.
    """
    version = inner["apiVersion"].rpartition("/")[2]
    infrastructure = [remote_cluster(options, version)] if options.own_infrastructure else []
    return [cluster(options), *infrastructure, control_plane(options, inner, version)]


def cluster(options: ClusterApiOptions) -> Object:
    """Cluster API's Cluster."""
    reference = {"apiGroup": options.infrastructure["api_group"], **options.infrastructure}
    del reference["api_group"]
    spec: Object = {
        "controlPlaneRef": {"apiGroup": CONTROL_PLANE_GROUP, "kind": KIND, "name": options.resource},
        "infrastructureRef": reference,
    }
    if network(options):
        spec["clusterNetwork"] = network(options)
    return _object(options, CLUSTER, "Cluster", options.name, spec)


def network(options: ClusterApiOptions) -> Object:
    """The Cluster's clusterNetwork as far as it is given."""
    blocks = {"pods": options.pod_cidrs, "services": options.service_cidrs}
    found: Object = {key: {"cidrBlocks": list(value)} for key, value in blocks.items() if value}
    return found | ({"serviceDomain": options.service_domain} if options.service_domain else {})


def remote_cluster(options: ClusterApiOptions, version: str) -> Object:
    """Infrastructure of which nothing is asked: Cluster API wants some, and this one is ready at once."""
    name = options.infrastructure["name"]
    return _object(options, f"{INFRASTRUCTURE_GROUP}/{version}", INFRASTRUCTURE_KIND, name, None)


def control_plane(options: ClusterApiOptions, inner: Object, version: str) -> Object:
    """The K0smotronControlPlane: its spec is the one of k0smotron's Cluster in the same version.

    k0smotron copies no annotations and labels of it, but those that are meant for the kubeconfig Secret reach the pods,
    too (1.10.9, AnnotationsForCluster and LabelsForCluster).
    """
    spec = dict(inner["spec"])
    metadata = {key: inner["metadata"][key] for key in ("annotations", "labels") if inner["metadata"].get(key)}
    if metadata:
        given = spec.get("kubeconfigSecretMetadata") or {}
        # Given labels stand alone, as they did when live control planes were made: labels cannot change.
        labels = {"labels": given["labels"]} if "labels" in given else {}
        spec["kubeconfigSecretMetadata"] = {**merged(metadata, given), **labels}
    made = _object(options, f"{CONTROL_PLANE_GROUP}/{version}", KIND, options.resource, spec)
    if options.paused:
        made["metadata"]["annotations"] = {PAUSED: "true"}
    return made


def owner(inner: Object) -> str | None:
    """Name of the K0smotronControlPlane that k0smotron made a Cluster for; None for a standalone one."""
    owners = inner["metadata"].get("ownerReferences") or []
    return next((str(each["name"]) for each in owners if each["kind"] == KIND), None)


def _object(options: ClusterApiOptions, api_version: str, kind: str, name: str, spec: Object | None) -> Object:
    made: Object = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": options.namespace}}
    return made if spec is None else {**made, "spec": spec}
