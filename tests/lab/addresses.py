# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's addresses: everything is cut from one /16, so that there is one thing to clash with.

NETWORK.0.0/24   the bridge: .1 the machine itself, .11 and on the nodes, .61 the worker of a hosted control plane, .101 - .112
                 the database servers of the extra `elsewhere`, .200 - .250 LoadBalancer Services
NETWORK.64.0/18  pods, a /24 a node
NETWORK.128.0/18 Services (ClusterIP)
"""

from __future__ import annotations

import ipaddress
import typing as t

NETWORK = "10.213"

LAB_NETWORK = f"{NETWORK}.0.0/16"
BRIDGE = "k0slab0"
BRIDGE_ADDRESS = f"{NETWORK}.0.1"
LOAD_BALANCERS = f"{NETWORK}.0.200-{NETWORK}.0.250"
POD_NETWORK = f"{NETWORK}.64.0/18"
SERVICE_NETWORK = f"{NETWORK}.128.0/18"
API_SERVICE = f"{NETWORK}.128.1"  # the first address of the range, always taken by the Service "kubernetes"
DNS_SERVICE = f"{NETWORK}.128.10"
API_PORT = 6443
API_URL = f"https://{BRIDGE_ADDRESS}:{API_PORT}"
DNS_DOMAIN = "cluster.local"
MOST_NODES = 40


class Node(t.NamedTuple):
    """A node's name and place in the network; ``link`` is the machine's end of its cable."""

    name: str
    address: str
    pods: str
    link: str


def node(number: int) -> Node:
    """Node 1, 2, ... up to MOST_NODES."""
    return Node(f"n{number}", f"{NETWORK}.0.{10 + number}", f"{NETWORK}.{64 + number}.0/24", f"k0slab-n{number}")


class Worker(t.NamedTuple):
    """A machine that joins a hosted control plane, from which its pods get their addresses; ``link`` as a node's."""

    name: str
    address: str
    link: str


WORKER = Worker("w1", f"{NETWORK}.0.61", "k0slab-w1")


def clashes(routes: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    """Destinations among ``routes`` (of ``ip -json route``) that overlap the lab's network and are not its own."""
    lab = ipaddress.ip_network(LAB_NETWORK)
    foreign = (route["dst"] for route in routes if route.get("dev") != BRIDGE and route["dst"] != "default")
    return [text for text in foreign if ipaddress.ip_network(text, strict=False).overlaps(lab)]
