# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may ask of a hosted control plane. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.k0smotron.ha.plugins.module_utils.k0s import DEFAULT_K0S

DEFAULT_RESOURCES: t.Mapping[str, t.Any] = {"requests": {"cpu": "500m", "memory": "1Gi"}}
"""Requests for one replica: a busy control plane takes about one CPU and 0.6 GiB (k0smotron's published benchmark).

No limits: a throttled replica answers its probes late and is restarted (k0smotron#857)."""


@dataclass(frozen=True, kw_only=True)
class ControlPlaneOptions:
    """A standalone k0smotron control plane; exactly one of the two data sources is given.

    ``data_source_url`` holds a password: never print it.
    """

    name: str
    namespace: str
    replicas: int = 3
    version: str = str(DEFAULT_K0S)
    image: str | None = None
    """Image repository without a tag; k0smotron appends the version."""
    service_type: str = "ClusterIP"
    """ClusterIP, NodePort or LoadBalancer."""
    api_port: int = 30443
    konnectivity_port: int = 30132
    external_address: str | None = None
    service_annotations: t.Mapping[str, str] = field(default_factory=dict)
    data_source_secret: str | None = None
    data_source_url: str | None = field(default=None, repr=False)
    data_source_checksum: str | None = None
    """Of the data source Secret; it becomes an annotation of the pods, so that a new DSN rolls them."""
    config_checksum: str | None = None
    """Another annotation of the pods, so that what stands in ConfigMaps only rolls them, too (rolling.py)."""
    allow_other_database: bool = False
    """Let a control plane that has run go over to another database."""
    persistence: t.Mapping[str, t.Any] = field(default_factory=lambda: {"type": "emptyDir"})
    resources: t.Mapping[str, t.Any] = field(default_factory=lambda: dict(DEFAULT_RESOURCES))
    spread: str = "required"
    """Over nodes: ``required``, ``preferred`` or ``off``."""
    pod_disruption_budget: bool = True
    fast_start: bool = True
    """Start the replicas at once and probe them early. Needs k0smotron 2, and works at creation only, not on MySQL."""
    labels: t.Mapping[str, str] = field(default_factory=dict)
    annotations: t.Mapping[str, str] = field(default_factory=dict)
    mounts: t.Sequence[t.Mapping[str, t.Any]] = ()
    control_plane_flags: t.Sequence[str] = ()
    spec: t.Mapping[str, t.Any] = field(default_factory=dict)
    """Merged over the spec we build, last; a null removes a field."""
