# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both API versions of a k0smotron Cluster have in common. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import names
from ansible_collections.k0smotron.ha.plugins.module_utils.k0s import k0s_version
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, merged

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions

CHECKSUM_ANNOTATION = "k0smotron.ha/data-source-checksum"
"""On the Cluster, from where k0smotron copies it to the pods: they do not notice a changed Secret by themselves."""

CONFIG_ANNOTATION = "k0smotron.ha/config-checksum"
"""The same for what k0smotron writes into ConfigMaps only, which pods do not notice either (rolling.py)."""

SPEC_HASH = "k0smotron.io/cluster-spec-hash"
"""Where k0smotron notes which K0smotronControlPlane a Cluster was made of; it goes on to the pods."""

_WHEN_UNSATISFIABLE = {"required": "DoNotSchedule", "preferred": "ScheduleAnyway"}


def cluster(options: ControlPlaneOptions, api_version: str, spec: Object) -> Object:
    """The Cluster with metadata and the user's own spec merged over ours."""
    overlay = {key: value for key, value in options.spec.items() if key not in ("patches", "manifests")}
    return {
        "apiVersion": api_version,
        "kind": "Cluster",
        "metadata": _metadata(options),
        "spec": merged(spec, overlay) | _manifests(options),
    }


def common_spec(options: ControlPlaneOptions) -> Object:
    """The fields that have the same name and meaning in both versions."""
    spec: Object = {
        "replicas": options.replicas,
        "version": str(k0s_version(options.version)),
        "service": {
            "type": options.service_type,
            "apiPort": options.api_port,
            "konnectivityPort": options.konnectivity_port,
        },
        "persistence": dict(options.persistence),
        "resources": dict(options.resources),
        "image": options.image,
        "externalAddress": options.external_address,
        "mounts": [dict(mount) for mount in options.mounts],
        "topologySpreadConstraints": _spread(options),
    }
    return {key: value for key, value in spec.items() if value not in (None, "", [], {})}


def pod_annotations(live: Object) -> dict[str, str]:
    """The annotations that k0smotron gives to the pods of a live Cluster (1.10.9, AnnotationsForK0smotronCluster)."""
    spec = live.get("spec") or {}
    of_secret = (spec.get("kubeconfigSecretMetadata") or {}).get("annotations") or {}
    return {**((live.get("metadata") or {}).get("annotations") or {}), **of_secret}


def disruption_budget(options: ControlPlaneOptions) -> Object:
    """Lets a drain take one replica at a time, and always the broken ones, which would block it otherwise."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": names.statefulset_name(options.name), "namespace": options.namespace},
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": names.pod_labels(options.name)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def _metadata(options: ControlPlaneOptions) -> Object:
    annotations = dict(options.annotations)
    if options.data_source_checksum:
        annotations[CHECKSUM_ANNOTATION] = options.data_source_checksum
    if options.config_checksum:
        annotations[CONFIG_ANNOTATION] = options.config_checksum
    metadata: Object = {"name": options.name, "namespace": options.namespace}
    if annotations:
        metadata["annotations"] = annotations
    if options.labels:
        metadata["labels"] = dict(options.labels)
    return metadata


def _spread(options: ControlPlaneOptions) -> list[Object]:
    """At most one replica more on one node than on another.

    k0smotron itself only prefers this, and a scheduler in a hurry then puts two replicas on one node. Required does not
    mean stuck after a node failure: nodes that are tainted unreachable or cordoned do not count (nodeTaintsPolicy).
    """
    if options.spread not in _WHEN_UNSATISFIABLE:
        return []
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": _WHEN_UNSATISFIABLE[options.spread],
            "nodeTaintsPolicy": "Honor",
            "labelSelector": {"matchLabels": names.pod_labels(options.name)},
        }
    ]


def _manifests(options: ControlPlaneOptions) -> Object:
    """The user's manifests, ending with the entry that k0smotron appends itself.

    Without it, every later apply would be a conflict or a change (seen with 2.1.0). Only control planes with an outside
    address have it.
    """
    manifests = [dict(entry) for entry in options.spec.get("manifests") or []]
    if not manifests:
        return {}
    if options.service_type != "ClusterIP" or options.external_address:
        name = names.endpoint_config_map(options.name)
        if all(entry.get("name") != name for entry in manifests):
            manifests.append({"name": name, "configMap": {"name": name}})
    return {"manifests": manifests}
