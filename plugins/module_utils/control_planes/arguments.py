# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument specs that the modules for control planes share; doc_fragments/control_plane.py explains them. Pure."""

from __future__ import annotations

import typing as t

SHAPE: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "replicas": {"type": "int", "default": 3},
    "image": {"type": "str"},
    "service_type": {"type": "str", "choices": ["ClusterIP", "NodePort", "LoadBalancer"], "default": "ClusterIP"},
    "api_port": {"type": "int", "default": 30443},
    "konnectivity_port": {"type": "int", "default": 30132},
    "external_address": {"type": "str"},
    "service_annotations": {"type": "dict", "default": {}},
    "persistence": {"type": "dict", "default": {"type": "emptyDir"}},
    "resources": {"type": "dict", "default": {"requests": {"cpu": "500m", "memory": "1Gi"}}},
    "spread": {"type": "str", "choices": ["required", "preferred", "off"], "default": "required"},
    "fast_start": {"type": "bool", "default": True},
    "labels": {"type": "dict", "default": {}},
    "annotations": {"type": "dict", "default": {}},
    "mounts": {"type": "list", "elements": "dict", "default": []},
    "control_plane_flags": {"type": "list", "elements": "str", "default": []},
    "spec": {"type": "dict", "default": {}},
    "wait": {"type": "bool", "default": True},
}
"""What one control plane and a template for many have in common."""

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    **SHAPE,
    "version": {"type": "str", "default": "v1.36.3-k0s.2"},
    "data_source_secret": {"type": "str", "no_log": False},
    "data_source_url": {"type": "str", "no_log": True},
    "data_source_checksum": {"type": "str"},
    "allow_other_database": {"type": "bool", "default": False},
    "pod_disruption_budget": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 900},
}
EXCLUSIVE = [("data_source_secret", "data_source_url")]
