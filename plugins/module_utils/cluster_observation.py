# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sees a hosted control plane as it is: its objects, and what each replica says of itself."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import control_planes, replica_health
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import cluster_api, cluster_api_judge
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.cluster_api import ClusterApiOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

Object: t.TypeAlias = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Observation:
    """A control plane at one moment. cluster is None while it does not exist; for verdict.details see judge()."""

    cluster: Object | None
    verdict: Verdict
    api_url: str | None


def newest_served(kube: Kube) -> str | None:
    """The newest API version of k0smotron's Cluster that is served here; None where k0smotron is not installed."""
    return next((version for version in control_planes.API_VERSIONS if kube.serves(version, "Cluster")), None)


def observe(kube: Kube, options: ControlPlaneOptions, api_version: str, *, thorough: bool = False) -> Observation:
    """Look at a control plane and judge it; thorough asks one that seems up for its replicas' memories, too.

    Raises HaError when the API server itself does not answer.
    """
    name, namespace = options.name, options.namespace
    cluster = kube.get(api_version, "Cluster", name, namespace)
    statefulset = kube.get("apps/v1", "StatefulSet", control_planes.statefulset_name(name), namespace)
    pods = kube.list("v1", "Pod", namespace, control_planes.pod_selector(name))
    verdict = control_planes.judge(options, cluster, statefulset, pods, _ask(kube, options, pods, replica_health.well))
    if thorough and verdict.up:
        memories = _ask(kube, options, pods, replica_health.faithful)
        verdict = control_planes.judge(options, cluster, statefulset, pods, memories)
    return Observation(cluster, verdict, api_url(kube, options, cluster) if cluster else None)


def observe_cluster_api(
    kube: Kube, options: ClusterApiOptions, api_version: str, *, thorough: bool = False
) -> Observation:
    """The same for a control plane of Cluster API: k0smotron's Cluster, and what Cluster API says of its own."""
    seen = observe(kube, options.control_plane, api_version, thorough=thorough)
    cluster = kube.get(cluster_api.CLUSTER, "Cluster", options.name, options.namespace)
    resource_version = cluster_api.control_plane_version(api_version)
    resource = kube.get(resource_version, cluster_api.KIND, options.resource, options.namespace)
    verdict = cluster_api_judge.judge(options, cluster, resource, seen.cluster, seen.verdict)
    return dataclasses.replace(seen, verdict=verdict)


def _ask(
    kube: Kube, options: ControlPlaneOptions, pods: list[Object], question: replica_health.Question
) -> replica_health.Readyz:
    """Ask the pods that run; the others have nothing to say."""
    running = sorted(pod["metadata"]["name"] for pod in pods if (pod.get("status") or {}).get("phase") == "Running")
    return replica_health.ask_each(
        kube,
        options.namespace,
        running,
        options.api_port,
        control_planes.kubeconfig_secret(options.name),
        certificate_name(options),
        question,
    )


def certificate_name(options: ControlPlaneOptions) -> str:
    """k0smotron puts the Service's names into every replica's certificate, whatever else it knows of the address."""
    return f"{control_planes.service_name(options.name, options.service_type)}.{options.namespace}.svc"


def api_url(kube: Kube, options: ControlPlaneOptions, cluster: Object) -> str | None:
    """Where clients reach the hosted API of a live Cluster; None while nobody knows."""
    service = service_of(kube, options)
    k0smotron_knows = bool(cluster["spec"].get("externalAddress"))
    nodes = _nodes(kube) if options.service_type == "NodePort" and not k0smotron_knows else []
    return control_planes.api_url(cluster, service, nodes)


def service_of(kube: Kube, options: ControlPlaneOptions) -> Object | None:
    """The control plane's Service, once there is one."""
    return kube.get("v1", "Service", control_planes.service_name(options.name, options.service_type), options.namespace)


def _nodes(kube: Kube) -> list[Object]:
    try:
        return kube.list("v1", "Node")
    except Forbidden:  # nodes belong to the whole cluster
        return []
