# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a way to the database's hosts: directly, or through a port-forward of the Kubernetes API server.

The names stay what the DSN says, so that TLS still verifies the real host name; only addresses are replaced.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import typing as t
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput, Unreachable

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn, Host

Reach = t.Literal["auto", "direct", "port_forward"]
PROBE_SECONDS = 2.0
RESOLVE_SECONDS = 5.0
# A port-forward ends in the pod's own network namespace, where the database sees a client on 127.0.0.1.
LOOPBACK = "of the server's access rules only those for loopback were tried"
# name.namespace, optionally followed by svc and the cluster's domain.
_SERVICE = re.compile(r"(?P<service>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)(\.svc(\.[a-z0-9.-]+)?)?\.?")


class Forwarder(t.Protocol):
    """What is needed of a Kubernetes connection."""

    def pod_behind(self, namespace: str, service: str) -> str:
        """Return the name of a ready pod behind a Service."""

    def forward(self, namespace: str, pod: str, port: int) -> t.ContextManager[tuple[str, int]]:
        """Listen on loopback and pass each connection on to the pod."""


@dataclass(frozen=True)
class Route:
    """An address for each host of a DSN: (host, address, port) in the order to try them, and the way in words.

    caveat says what this way cannot show, "" when it is the control plane's own.
    """

    way: str
    stops: tuple[tuple[Host, str, int], ...]
    caveat: str = ""


@dataclass(frozen=True)
class Reacher:
    """The user's choice of a way. kube connects to the cluster; it is called only when a port-forward is needed.

    namespace is where the control plane runs: there a bare host name means a Service of the same namespace.
    """

    reach: Reach = "direct"
    kube: t.Callable[[], Forwarder] | None = None
    namespace: str = ""

    @contextlib.contextmanager
    def route(self, dsn: Dsn) -> t.Iterator[Route]:
        """Give a route to every host of the DSN; port-forwards end with the context. Raises Unreachable."""
        with contextlib.ExitStack() as stack:
            routes = [self._to(host, stack) for host in dsn.hosts]
            ways = dict.fromkeys(route.way for route in routes)
            caveats = dict.fromkeys(route.caveat for route in routes if route.caveat)
            stops = tuple(stop for route in routes for stop in route.stops)
            yield Route(" and ".join(ways), stops, " ".join(caveats))

    def _to(self, host: Host, stack: contextlib.ExitStack) -> Route:
        service = service_of(host.name, self.namespace)
        if self.reach == "direct" or (self.reach == "auto" and not service):
            return direct(host)
        if self.reach == "auto" and answers(host):
            return direct(host)
        return self._forwarded(host, service, stack)

    def _forwarded(self, host: Host, service: tuple[str, str] | None, stack: contextlib.ExitStack) -> Route:
        if service is None:
            raise InvalidInput(
                f"{host.name} is not the name of a Service in the cluster, so no port-forward leads there",
                "Write the host as service.namespace.svc, or set reach: direct.",
            )
        name, namespace = service
        tried = "neither directly nor through the API server" if self.reach == "auto" else "not through the API server"
        if self.kube is None:
            raise Unreachable(
                f"{host.name} does not answer directly", "Give access to the cluster, for a port-forward."
            )
        try:
            kube = self.kube()
            pod = kube.pod_behind(namespace, name)
            address, port = stack.enter_context(kube.forward(namespace, pod, host.port))
        except HaError as error:
            raise Unreachable(f"{host.name} can be reached {tried}: {error.message}", error.remedy) from error
        return Route(f"through a port-forward to pod {namespace}/{pod}", ((host, address, port),), LOOPBACK)


def service_of(name: str, namespace: str = "") -> tuple[str, str] | None:
    """Return (service, namespace) when a host name looks like a Service's, None otherwise."""
    if name == "localhost" or re.fullmatch(r"[0-9.]+|.*:.*", name):
        return None
    if namespace and "." not in name:
        return name.lower(), namespace
    match = _SERVICE.fullmatch(name.lower())
    return (match["service"], match["namespace"]) if match else None


def direct(host: Host) -> Route:
    """Return the route over all addresses of a host. Raises Unreachable when the name has none."""
    addresses = resolve(host, RESOLVE_SECONDS)
    if not addresses:
        raise Unreachable(
            f"the host name {host.name} cannot be resolved here",
            "Correct the host in the DSN; for a Service inside a cluster set reach: port_forward or auto.",
        )
    return Route("directly", tuple((host, address, host.port) for address in addresses))


def fixed(host: Host, address: tuple[str, int]) -> Route:
    """Return the route to a host by an address that somebody else found, such as that of a port-forward."""
    return Route(f"through {address[0]}:{address[1]}", ((host, *address),))


def resolve(host: Host, seconds: float) -> list[str]:
    """Return the addresses of a host, none when the resolver does not know it or takes longer than that."""
    found: list[str] = []

    def look_up() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            answers = socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    # The resolver cannot be interrupted; a thread that is left behind costs nothing.
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(seconds)
    return list(found)


def answers(host: Host) -> bool:
    """Say whether something accepts connections at a host within a short time."""
    for address in resolve(host, PROBE_SECONDS):
        with contextlib.suppress(OSError), socket.create_connection((address, host.port), PROBE_SECONDS):
            return True
    return False
