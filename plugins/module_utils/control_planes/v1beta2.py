# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Cluster for k0smotron 2. Pure."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.common import cluster, common_spec
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions

API_VERSION = "k0smotron.io/v1beta2"

_STATUS = {"exec": {"command": ["k0s", "status"]}}
# k0smotron's own probes wait 60 s, one replica after the other. A start-up probe lets the other probes begin at once;
# they have time, because `k0s status` takes seconds on a busy node (k0smotron#857). 192 s become 24 s for 3 replicas.
_FAST_START = {
    "spec": {
        "podManagementPolicy": "Parallel",
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "controller",
                        "startupProbe": {**_STATUS, "periodSeconds": 2, "timeoutSeconds": 5, "failureThreshold": 150},
                        "readinessProbe": {
                            "initialDelaySeconds": 0,
                            "periodSeconds": 5,
                            "timeoutSeconds": 5,
                            "failureThreshold": 3,
                        },
                        "livenessProbe": {
                            "initialDelaySeconds": 0,
                            "periodSeconds": 20,
                            "timeoutSeconds": 15,
                            "failureThreshold": 6,
                        },
                    }
                ]
            }
        },
    }
}


def build(options: ControlPlaneOptions) -> Object:
    """The Cluster. Without ``type: kine``, storage.kine would silently mean etcd."""
    spec = common_spec(options)
    kine = {"dataSourceSecretName": options.data_source_secret, "dataSourceURL": options.data_source_url}
    spec["storage"] = {"type": "kine", "kine": {key: value for key, value in kine.items() if value}}
    if options.control_plane_flags:
        spec["controlPlaneFlags"] = list(options.control_plane_flags)
    patches = _patches(options)
    if patches:
        spec["patches"] = patches
    return cluster(options, API_VERSION, spec)


def starts_fast(live: Object) -> bool:
    """Whether a live Cluster, of either version, was created with fast_start."""
    return _patch("StatefulSet", _FAST_START) in (live["spec"].get("patches") or [])


def patched_by_others(spec: Object) -> bool:
    """Whether a Cluster's spec has patches of the StatefulSet that are none of ours."""
    of_pods = [patch for patch in spec.get("patches") or [] if patch["target"]["kind"] == "StatefulSet"]
    return any(patch != _patch("StatefulSet", _FAST_START) for patch in of_pods)


def reconciliation_status(live: Object) -> str:
    """The controller's last word; some errors, such as broken patches, stand nowhere else."""
    return str(live.get("status", {}).get("deprecated", {}).get("v1beta1", {}).get("reconciliationStatus") or "")


def _patches(options: ControlPlaneOptions) -> list[Object]:
    """Ours first, then the user's own from spec.patches."""
    patches: list[Object] = []
    if options.fast_start:
        patches.append(_patch("StatefulSet", _FAST_START))
    if options.service_annotations:
        patches.append(_patch("Service", {"metadata": {"annotations": dict(options.service_annotations)}}))
    return patches + [dict(patch) for patch in options.spec.get("patches") or []]


def _patch(kind: str, content: Object) -> Object:
    return {
        "target": {"kind": kind, "component": "control-plane"},
        # Text, sorted: k0smotron takes no object here, and every run has to write the same.
        "patch": {"type": "strategic", "content": json.dumps(content, sort_keys=True)},
    }
