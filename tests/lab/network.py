# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's wires on the host: one bridge and one cable a node. All goes when the bridge and the nodes go."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from . import addresses, shell, waiting
from .errors import LabError

if t.TYPE_CHECKING:
    from .addresses import Node

# For hosts whose own rules could drop what nodes and pods send to each other or to the API server; see `allow`.
ALLOWED = (
    ("FORWARD", "-i", addresses.BRIDGE, "-o", addresses.BRIDGE, "-j", "ACCEPT"),
    ("INPUT", "-i", addresses.BRIDGE, "-j", "ACCEPT"),
)
FORWARDING = "3"  # BR_STATE_FORWARDING of linux/if_bridge.h


def routes() -> list[dict[str, t.Any]]:
    """The host's IPv4 routes as ``ip -json`` shows them."""
    return t.cast("list[dict[str, t.Any]]", json.loads(shell.run("ip", "-json", "-4", "route", "show", "table", "all")))


def owner() -> str | None:
    """The state folder of the lab that has the bridge, None when there is no bridge or it was never finished."""
    links = json.loads(shell.run("ip", "-json", "link", "show"))
    return next((link.get("ifalias") for link in links if link["ifname"] == addresses.BRIDGE), None)


def exists() -> bool:
    """Whether there is a bridge, finished or not."""
    return shell.succeeds("ip", "link", "show", addresses.BRIDGE)


def make_bridge(owner_name: str) -> None:
    """Make the bridge, marked at last with its owner's name; nothing happens when it is there."""
    if owner() is None:
        _remove_link(addresses.BRIDGE)
        _ip(
            f"link add {addresses.BRIDGE} type bridge",
            f"address add {addresses.BRIDGE_ADDRESS}/24 dev {addresses.BRIDGE}",
            f"link set {addresses.BRIDGE} up",
            f"link set {addresses.BRIDGE} alias {owner_name}",
        )
    allow()


def allow() -> None:
    """Let the lab's traffic pass the host's packet filter, where there is one.

    With net.bridge.bridge-nf-call-iptables=1 even frames between nodes go through the FORWARD chain, and Docker sets its
    policy to DROP. An empty chain with policy ACCEPT needs no rule, and then none is made.
    """
    for rule in ALLOWED:
        filters = shell.run("iptables", "-S", rule[0]).strip() != f"-P {rule[0]} ACCEPT"
        if filters and not shell.succeeds("iptables", "-C", *rule):
            shell.run("iptables", "-I", *rule)


def connect(node: Node, peers: t.Sequence[Node], pid: int) -> None:
    """Cable the network namespace of ``pid`` to the bridge, with routes to and from the pods of every other node."""
    join(node.link, node.address, [peer for peer in peers if peer != node], pid)
    _ip(f"route replace {node.pods} via {node.address} dev {addresses.BRIDGE}")


def join(link: str, address: str, nodes: t.Sequence[Node], pid: int) -> None:
    """Cable the network namespace of ``pid`` to the bridge, with routes to the pods of ``nodes``."""
    _remove_link(link)  # of a life before, which the kernel has not got to yet
    _ip(
        f"link add {link} type veth peer name eth0 netns {pid}",
        f"link set {link} master {addresses.BRIDGE} up",
    )
    _ip(
        "link set lo up",
        "link set eth0 up",
        f"address add {address}/24 dev eth0",
        f"route add default via {addresses.BRIDGE_ADDRESS}",
        *(f"route replace {node.pods} via {node.address}" for node in nodes),
        inside=pid,
    )


def take_address(address: str, link: str, pid: int) -> None:
    """Give the network namespace of ``pid`` an address that another one may have had, and tell everybody on the bridge.

    With arp_notify the kernel does so whenever an interface is given its hardware address, the old one included.
    """
    waiting.until(lambda: _forwards(link), f"the bridge's port {link}", 10, interval=0.02)
    _ip(f"address replace {address}/24 dev eth0", inside=pid)
    (inside,) = json.loads(shell.run(*_enter(pid), "ip", "-json", "link", "show", "eth0"))
    shell.run(*_enter(pid), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_notify")
    _ip(f"link set eth0 address {inside['address']}", inside=pid)


def _forwards(link: str) -> bool:
    state = Path("/sys/class/net", link, "brport", "state")
    return state.exists() and state.read_text().strip() == FORWARDING


def update_peers(node: Node, peers: t.Sequence[Node], pid: int) -> None:
    """Teach a running node the routes to nodes that came later."""
    _ip(*(f"route replace {peer.pods} via {peer.address}" for peer in peers if peer != node), inside=pid)


def unplug(link: str) -> None:
    """Remove a cable; the kernel removes it itself a moment after the namespace at its other end."""
    _remove_link(link)


def pull(link: str) -> None:
    """Take a cable's signal away; addresses and routes at its other end stay."""
    _ip(f"link set {link} down")


def plug(link: str) -> None:
    """Give it back."""
    _ip(f"link set {link} up")


def disconnect(node: Node) -> None:
    """Remove what `connect` made on the host."""
    unplug(node.link)
    if owner() is not None:
        shell.succeeds("ip", "route", "del", node.pods, "dev", addresses.BRIDGE)


def remove_bridge() -> None:
    """Remove the bridge with its routes, left-over cables and the rules of `allow`."""
    for link in json.loads(shell.run("ip", "-json", "link", "show", "type", "veth")):
        if link.get("master") == addresses.BRIDGE:
            _remove_link(link["ifname"])
    _remove_link(addresses.BRIDGE)
    for rule in ALLOWED:
        while shell.succeeds("iptables", "-C", *rule):
            shell.run("iptables", "-D", *rule)


def _remove_link(name: str) -> None:
    def gone() -> bool:
        return not shell.succeeds("ip", "link", "show", name) or (shell.succeeds("ip", "link", "del", name) and False)

    waiting.until(gone, f"the network link {name} to go", 10, interval=0.05)


def check_addresses() -> None:
    """Raise LabError when the host already uses the lab's addresses for something else."""
    clashes = addresses.clashes(routes())
    if clashes:
        raise LabError(
            f"This machine already has routes into the lab's network {addresses.LAB_NETWORK}: {', '.join(clashes)}.",
            "Set NETWORK in tests/lab/addresses.py to two numbers that are free here.",
        )


def _enter(pid: int) -> list[str]:
    return ["nsenter", f"--net=/proc/{pid}/ns/net"]


def _ip(*lines: str, inside: int | None = None) -> None:
    shell.run(*(_enter(inside) if inside else []), "ip", "-batch", "-", stdin="\n".join(lines) + "\n")
