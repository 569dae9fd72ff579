# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Cluster for k0smotron 1.10, which serves v1beta1 only. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.common import cluster, common_spec
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions

API_VERSION = "k0smotron.io/v1beta1"


def build(options: ControlPlaneOptions) -> Object:
    """The Cluster; fast_start has no counterpart here. Raises InvalidInput for patches, which have none either."""
    if options.spec.get("patches"):
        raise InvalidInput("spec.patches needs k0smotron 2, and this cluster has an older one", "Remove spec.patches.")
    spec = common_spec(options)
    if options.data_source_secret:
        spec["kineDataSourceSecretName"] = options.data_source_secret
    if options.data_source_url:
        spec["kineDataSourceURL"] = options.data_source_url
    if options.control_plane_flags:
        # The field's name in this version, "controller" and all.
        spec["controllerPlaneFlags"] = list(options.control_plane_flags)
    if options.service_annotations:
        spec["service"]["annotations"] = dict(options.service_annotations)
    return cluster(options, API_VERSION, spec)


def reconciliation_status(live: Object) -> str:
    """The controller's last word."""
    return str(live.get("status", {}).get("reconciliationStatus") or "")
