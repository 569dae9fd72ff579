# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node ports are shared by the whole Kubernetes cluster: find out who already has one. PURE.

k0smotron opens nodePort = apiPort and nodePort = konnectivityPort for a Cluster of service type NodePort, and the
defaults are the same for every Cluster: the second one gets no Service and waits for ever.
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

Object: t.TypeAlias = t.Mapping[str, t.Any]
Owner: t.TypeAlias = tuple[str, str]

# k0smotron's defaults for a Cluster that names no ports.
API_PORT = 30443
KONNECTIVITY_PORT = 30132
# Kubernetes' default --service-node-port-range.
RANGE = range(30000, 32768)


def refuse_clash(me: Owner, ports: tuple[int, int], clusters: t.Iterable[Object], services: t.Iterable[Object]) -> None:
    """Raise InvalidInput when another Cluster or Service has one of the two ports (API, konnectivity).

    me is (namespace, name) of the Cluster to be; its own Service and an earlier version of it do not count.
    """
    taken = taken_ports(me, clusters, services)
    for port, role in zip(ports, ("api_port", "konnectivity_port"), strict=True):
        if port in taken:
            raise InvalidInput(
                f"Node port {port} ({role}) is already taken by {taken[port]}; a node port exists once in a cluster",
                _suggestion(taken),
            )


def taken_ports(me: Owner, clusters: t.Iterable[Object], services: t.Iterable[Object]) -> dict[int, str]:
    """Every node port that somebody else has, or will have once k0smotron comes to it, with a name for its owner."""
    taken: dict[int, str] = {}
    for service in services:
        if not _is_mine(service, me):
            taken |= {port: _title("Service", service) for port in _service_ports(service)}
    for cluster in clusters:
        if _owner(cluster) != me:
            taken |= {port: _title("control plane", cluster) for port in _cluster_ports(cluster)}
    return taken


def _service_ports(service: Object) -> list[int]:
    return [port["nodePort"] for port in service["spec"].get("ports") or [] if port.get("nodePort")]


def _cluster_ports(cluster: Object) -> list[int]:
    service = (cluster.get("spec") or {}).get("service") or {}
    if service.get("type") != "NodePort":
        return []
    return [service.get("apiPort") or API_PORT, service.get("konnectivityPort") or KONNECTIVITY_PORT]


def _is_mine(service: Object, me: Owner) -> bool:
    """k0smotron makes a Cluster's Service its controlled child."""
    metadata = service["metadata"]
    owners = metadata.get("ownerReferences") or []
    return metadata.get("namespace") == me[0] and any(o["kind"] == "Cluster" and o["name"] == me[1] for o in owners)


def _owner(obj: Object) -> Owner:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _title(what: str, obj: Object) -> str:
    return f"{what} {'/'.join(_owner(obj))}"


def _suggestion(taken: t.Mapping[int, str]) -> str:
    api = next((port for port in RANGE if port >= API_PORT and port not in taken), None)
    konnectivity = next((port for port in RANGE if port >= KONNECTIVITY_PORT and port not in taken), None)
    return f"Choose free ports, for example api_port: {api} and konnectivity_port: {konnectivity}"
