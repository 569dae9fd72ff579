# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a control plane's API answers. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import names
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, conditions

DEFAULT_API_PORT = 30443
DEFAULT_INGRESS_PORT = 443


def api_url(cluster: Object, service: Object | None, nodes: t.Sequence[Object]) -> str | None:
    """The URL of a live Cluster's API server, or None while there is no address yet.

    ``service`` is its Service and ``nodes`` those of the hosting cluster; both matter only while spec.externalAddress,
    which k0smotron fills in for LoadBalancer and NodePort, is empty.
    """
    spec = cluster.get("spec", {})
    ingress = spec.get("ingress") or {}
    if ingress.get("apiHost"):
        return _url(ingress["apiHost"], ingress.get("port") or DEFAULT_INGRESS_PORT)
    kind = (spec.get("service") or {}).get("type") or "ClusterIP"
    port = (spec.get("service") or {}).get("apiPort") or DEFAULT_API_PORT
    address = spec.get("externalAddress") or _address(kind, cluster, service, nodes)
    return _url(address, port) if address else None


def _address(kind: str, cluster: Object, service: Object | None, nodes: t.Sequence[Object]) -> str | None:
    if kind == "LoadBalancer":
        return _balancer_address(service or {})
    if kind == "NodePort":
        return node_address(nodes)
    metadata = cluster["metadata"]
    return f"{names.service_name(metadata['name'], 'ClusterIP')}.{metadata['namespace']}.svc"


def _balancer_address(service: Object) -> str | None:
    for entry in service.get("status", {}).get("loadBalancer", {}).get("ingress") or []:
        if entry.get("ip") or entry.get("hostname"):
            return str(entry.get("ip") or entry["hostname"])
    return None


def node_address(nodes: t.Sequence[Object]) -> str | None:
    """An outside address of a ready node if there is one, else an inside one, as k0smotron chooses too."""
    ready = [node for node in nodes if conditions(node).get("Ready") == "True"]
    for wanted in (("ExternalDNS", "ExternalIP"), ("InternalIP",)):
        for node in ready:
            for entry in node.get("status", {}).get("addresses") or []:
                if entry["type"] in wanted:
                    return str(entry["address"])
    return None


def _url(address: str, port: int) -> str:
    return f"https://[{address}]:{port}" if ":" in address else f"https://{address}:{port}"
