# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosted control planes as k0smotron's API versions want them, and what "up" means for them. Pure."""

from __future__ import annotations

import typing as t
from types import ModuleType

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import v1beta1, v1beta2
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.address import api_url, node_address
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.common import (
    CHECKSUM_ANNOTATION,
    disruption_budget,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.judge import controller_word, judge
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.names import (
    kubeconfig_secret,
    pod_labels,
    pod_names,
    pod_selector,
    service_name,
    short_name,
    statefulset_name,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.v1beta2 import starts_fast
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.validate import validate, warnings
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import NotFound

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

__all__ = [
    "API_VERSIONS",
    "CHECKSUM_ANNOTATION",
    "ControlPlaneOptions",
    "api_url",
    "budgets",
    "builder",
    "controller_word",
    "desired",
    "judge",
    "kubeconfig_secret",
    "node_address",
    "pod_labels",
    "pod_names",
    "pod_selector",
    "service_name",
    "short_name",
    "starts_fast",
    "statefulset_name",
    "validate",
    "warnings",
]

_BUILDERS: t.Mapping[str, ModuleType] = {module.API_VERSION: module for module in (v1beta2, v1beta1)}
API_VERSIONS: t.Sequence[str] = tuple(_BUILDERS)
"""Newest first. Use the first one that is served: writing the older one to k0smotron 2 drops spec.patches."""


def builder(served: t.Iterable[str]) -> ModuleType:
    """The builder for the newest API version in ``served``; raises NotFound when k0smotron is not installed."""
    known = set(served) & set(API_VERSIONS)
    if known:
        return _BUILDERS[min(known, key=API_VERSIONS.index)]
    raise NotFound(f"The cluster serves neither {' nor '.join(API_VERSIONS)}", "Install k0smotron first.")


def desired(options: ControlPlaneOptions, api_version: str) -> list[Object]:
    """The objects to apply: the Cluster, and a PodDisruptionBudget where there is more than one replica to protect."""
    return [builder([api_version]).build(options), *budgets(options)]


def budgets(options: ControlPlaneOptions) -> list[Object]:
    """The PodDisruptionBudget, where one is wanted and useful."""
    return [disruption_budget(options)] if options.pod_disruption_budget and options.replicas > 1 else []
