# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host of a data source leads to a live database cluster, or may: what can be seen to lead elsewhere must not hold it.

A database cluster has many host names: of its standbys, its pools, its load balancers and its pods, and addresses.
"""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_lookup import datastore_behind, same
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import DatastoreOptions, provider_of
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn, Host
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

MOST_STEPS = 3
"""From one Service to where it leads; what goes on from there, or round and round, may lead anywhere."""
EXTERNAL_DNS = "external-dns.alpha.kubernetes.io/hostname"
PROXIES_WITH_VOLUMES = ("maxscale", "proxysql")


def may_lead_to(kube: Kube, dsn: Dsn, host: Host, namespace: str, live: Object) -> bool:
    """Whether this host of a DSN that is used in the namespace is the live database cluster, or may be. Raises HaError.

    An address may be anybody's; see answers().
    """
    if dsn.scheme != provider_of(live).scheme:
        return False
    return is_address(host.name) or _Search(kube, dsn, live).name(host, namespace, MOST_STEPS)


def answers(kube: Kube, dsn: Dsn, host: Host, live: Object) -> bool:
    """Whether an address is one of those beside the live database cluster that lead to it, or may. Raises HaError."""
    return _Search(kube, dsn, live).address(host, MOST_STEPS)


def is_address(host: str) -> bool:
    """Whether this is an IP address, which says nothing of what answers there."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _Search:
    """For the ways to a live database cluster. Whatever is not certain to lead elsewhere may lead there."""

    def __init__(self, kube: Kube, dsn: Dsn, live: Object) -> None:
        self.kube, self.dsn, self.live = kube, dsn, live
        self.home: str = live["metadata"]["namespace"]
        self.labels = provider_of(live)(DatastoreOptions(name=live["metadata"]["name"], namespace=self.home)).labels()

    @functools.cached_property
    def neighbors(self) -> list[Object]:
        """The Services of the database cluster's namespace."""
        return self.kube.list("v1", "Service", self.home)

    def host(self, host: Host, namespace: str, steps: int) -> bool:
        return self.address(host, steps) if is_address(host.name) else self.name(host, namespace, steps)

    def name(self, host: Host, namespace: str, steps: int) -> bool:
        name = host.name.lower().rstrip(".")
        found = datastore_behind(self.kube, dataclasses.replace(self.dsn, hosts=(Host(name, host.port),)), namespace)
        if found is not None:
            return same(found, self.live)
        service, where = _service_named(name, namespace)
        seen = self.kube.get("v1", "Service", service, where)
        if seen is not None:
            return self.service(seen, host.port, steps)
        if where == self.home:
            return True
        published = (each for each in self.neighbors if name in _published(each) or host.port in _node_ports(each))
        return any(self.service(each, host.port, steps) for each in published)

    def address(self, host: Host, steps: int) -> bool:
        given = ipaddress.ip_address(host.name)
        if any(self.pod(each) for each in self.kube.list("v1", "Pod", self.home) if given in _pod_addresses(each)):
            return True
        services = (each for each in self.neighbors if given in _addresses(each) or host.port in _node_ports(each))
        return any(self.service(each, host.port, steps) for each in services)

    def service(self, service: Object, port: int, steps: int) -> bool:
        spec, where = service.get("spec") or {}, service["metadata"]["namespace"]
        other_name = spec.get("externalName") if spec.get("type") == "ExternalName" else None
        if spec.get("selector") and not other_name:
            return bool(where == self.home) and self._selects(spec["selector"])
        if not steps:
            return True
        ends = [Host(other_name, port)] if other_name else self._endpoints(service, port)
        return not ends or any(self.host(each, where, steps - 1) for each in ends)

    def _selects(self, selector: t.Mapping[str, str]) -> bool:
        wanted = ",".join(f"{key}={value}" for key, value in selector.items())
        pods = self.kube.list("v1", "Pod", self.home, wanted)
        return not pods or any(map(self.pod, pods))

    def _endpoints(self, service: Object, port: int) -> list[Host]:
        """Those that somebody else than Kubernetes keeps for a Service without selector."""
        named = f"kubernetes.io/service-name={service['metadata']['name']}"
        pieces = self.kube.list("discovery.k8s.io/v1", "EndpointSlice", service["metadata"]["namespace"], named)
        return [
            Host(address, number.get("port") or port)
            for piece in pieces
            for number in piece.get("ports") or [{}]
            for endpoint in piece.get("endpoints") or []
            for address in endpoint["addresses"]
        ]

    def pod(self, pod: Object) -> bool:
        """One of its own, or one that may be a proxy before it: those keep no data."""
        labels = pod["metadata"].get("labels") or {}
        return self.labels.items() <= labels.items() or not _keeps_data(pod)


def _service_named(host: str, namespace: str) -> tuple[str, str]:
    """(name, namespace) of the Service that a host name is of, or is below, where it is one's."""
    parts = host.split(".") if "." in host else [host, namespace]
    service, where = (parts[: parts.index("svc", 2)] if "svc" in parts[2:] else parts)[-2:]
    return service, where


def _published(service: Object) -> set[str]:
    """Host names outside of Kubernetes."""
    noted = (service["metadata"].get("annotations") or {}).get(EXTERNAL_DNS) or ""
    names = [*noted.split(","), *(each.get("hostname") or "" for each in _ingress(service))]
    return {name.strip().lower().rstrip(".") for name in names}


def _ingress(service: Object) -> list[Object]:
    return ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []


def _node_ports(service: Object) -> set[int]:
    """Ports at which every node leads there, whatever its name or address."""
    return {port["nodePort"] for port in service["spec"].get("ports") or [] if port.get("nodePort")}


def _addresses(service: Object) -> Iterator[t.Any]:
    spec = service["spec"]
    listed = [spec.get("clusterIP"), *(spec.get("clusterIPs") or []), *(spec.get("externalIPs") or [])]
    return _parsed([*listed, *(each.get("ip") for each in _ingress(service))])


def _pod_addresses(pod: Object) -> Iterator[t.Any]:
    status = pod.get("status") or {}
    return _parsed([status.get("podIP"), *(each.get("ip") for each in status.get("podIPs") or [])])


def _parsed(addresses: t.Iterable[str | None]) -> Iterator[t.Any]:
    return (ipaddress.ip_address(each) for each in addresses if each and is_address(each))


def _keeps_data(pod: Object) -> bool:
    """Whether it is a server of its own, by its volume claims."""
    spec = pod.get("spec") or {}
    images = " ".join(each.get("image") or "" for each in spec.get("containers") or [])
    claims = any(volume.get("persistentVolumeClaim") for volume in spec.get("volumes") or [])
    return claims and not any(proxy in images for proxy in PROXIES_WITH_VOLUMES)
