# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's address plan."""

from __future__ import annotations

import ipaddress
from itertools import combinations

import pytest

from tests.lab import addresses, elsewhere


def test_every_part_lies_in_the_lab_network_and_none_overlap() -> None:
    lab = ipaddress.ip_network(addresses.LAB_NETWORK)
    bridge = ipaddress.ip_interface(f"{addresses.BRIDGE_ADDRESS}/24").network
    pods, services = ipaddress.ip_network(addresses.POD_NETWORK), ipaddress.ip_network(addresses.SERVICE_NETWORK)
    assert all(part.subnet_of(lab) for part in (bridge, pods, services))  # type: ignore[arg-type]
    assert not any(one.overlaps(other) for one, other in combinations((bridge, pods, services), 2))
    assert ipaddress.ip_address(addresses.DNS_SERVICE) in services
    assert ipaddress.ip_address(addresses.API_SERVICE) == services[1]


def test_nodes_and_the_worker_have_their_own_places_clear_of_the_load_balancers() -> None:
    nodes = [addresses.node(number) for number in range(1, addresses.MOST_NODES + 1)]
    pods = ipaddress.ip_network(addresses.POD_NETWORK)
    first, last = (ipaddress.ip_address(text) for text in addresses.LOAD_BALANCERS.split("-"))
    assert all(len(set(column)) == len(nodes) for column in zip(*nodes, strict=True))
    assert all(ipaddress.ip_network(node.pods).subnet_of(pods) for node in nodes)  # type: ignore[arg-type]
    assert not any(first <= ipaddress.ip_address(node.address) <= last for node in nodes)  # type: ignore[operator]
    worker = addresses.WORKER
    assert worker.address not in {*elsewhere.ADDRESSES.values(), *(node.address for node in nodes)}
    assert not first <= ipaddress.ip_address(worker.address) <= last  # type: ignore[operator]
    assert all(
        len(link) <= 15 for link in (*(node.link for node in nodes), worker.link)
    )  # the kernel's limit, IFNAMSIZ


@pytest.mark.parametrize(
    ("route", "clash"),
    [
        ({"dst": "default", "dev": "eth0"}, False),
        ({"dst": "192.0.2.0/24", "dev": "eth0"}, False),
        ({"dst": "10.213.4.0/24", "dev": "eth0"}, True),
        ({"dst": "10.213.0.7", "dev": "tun0"}, True),
        ({"dst": "10.0.0.0/8", "dev": "tun0"}, True),
        ({"dst": "10.213.0.0/24", "dev": addresses.BRIDGE}, False),
        ({"type": "blackhole", "dst": "10.213.64.0/18"}, True),
    ],
)
def test_clashes_are_the_routes_of_others(route: dict[str, str], clash: bool) -> None:
    assert addresses.clashes([route]) == ([route["dst"]] if clash else [])
