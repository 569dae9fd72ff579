# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses for Services of type LoadBalancer: MetalLB in layer 2 mode, from the manifest in its Go module."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from . import addresses

Json = dict[str, t.Any]
NAMESPACE = "metallb-system"
MANIFEST = "config/manifests/metallb-native.yaml"


def kustomization(source: Path) -> Json:
    """Upstream's manifest with one change: readiness is asked for at once, and not after 10 s."""
    probe = {"initialDelaySeconds": 1, "periodSeconds": 1}
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [str(source / MANIFEST)],
        "patches": [
            _patch(kind, name, probe) for kind, name in (("Deployment", "controller"), ("DaemonSet", "speaker"))
        ],
    }


def _patch(kind: str, name: str, probe: Json) -> Json:
    container = {"name": name, "readinessProbe": probe}
    patch = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    return {"target": {"kind": kind, "name": name}, "patch": json.dumps(patch)}


def pool() -> list[Json]:
    """The addresses to give away, and where to announce them: on the nodes' only cable."""
    metadata = {"name": "lab", "namespace": NAMESPACE}
    return [
        {
            "apiVersion": "metallb.io/v1beta1",
            "kind": "IPAddressPool",
            "metadata": metadata,
            "spec": {"addresses": [addresses.LOAD_BALANCERS]},
        },
        {
            "apiVersion": "metallb.io/v1beta1",
            "kind": "L2Advertisement",
            "metadata": metadata,
            "spec": {"ipAddressPools": ["lab"], "interfaces": ["eth0"]},
        },
    ]
