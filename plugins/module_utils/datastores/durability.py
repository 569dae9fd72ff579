# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Would a database lose acknowledged writes when it loses its primary? The risks, and those that its layout shows. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Severity = t.Literal["refuse", "warn", "unknown"]
Place: t.TypeAlias = t.Mapping[str, t.Any]
"""A pod and its node, as objects.place() gives them."""

ZONE = "topology.kubernetes.io/zone"


@dataclass(frozen=True)
class Risk:
    """One way to lose acknowledged writes, or the database, by one failure.

    ``refuse``: one failure is enough. ``warn``: it takes a second one or an unlucky moment, or costs time only. ``unknown``:
    nobody could see.
    """

    id: str
    severity: Severity
    title: str
    observed: str
    why: str
    remedy: str


class _Known(t.NamedTuple):
    severity: Severity
    title: str
    why: str
    remedy: str


_KNOWN: t.Mapping[str, _Known] = {
    "one_instance": _Known(
        "refuse",
        "One instance",
        "Nobody takes over: no writes until it is back, and with its volume every write is lost",
        "Ask for 2 instances or more (instances; postgres_cluster_instances, mysql_cluster_instances)",
    ),
    "asynchronous": _Known(
        "refuse",
        "Asynchronous",
        "A write is acknowledged before a standby has it, so that a failover loses the last ones",
        "Ask for synchronous replication (synchronous: on, postgres_cluster_synchronous: on)",
    ),
    "strict_impossible": _Known(
        "refuse",
        "Too few to wait for",
        "With one instance down there are not enough left to wait for, and every write hangs until it is back",
        "Ask for one instance more, or for synchronous: on, which goes on alone",
    ),
    "no_standby_now": _Known(
        "refuse",
        "No standby now",
        "What is acknowledged now is on the primary alone",
        "Wait until a standby is back; k0smotron.ha.datastore waits for it and says what is missing",
    ),
    "standby_lagging": _Known(
        "refuse",
        "Standby lags",
        "It would take over without the writes that it has not got yet",
        "Find out what keeps it back: its disk, its network, or an error in its log",
    ),
    "one_node": _Known(
        "refuse",
        "One node",
        "That node takes the only copies of the last writes with it",
        "Let the pods be on different nodes: with Zalando's operator enable_pod_antiaffinity, else affinity in spec",
    ),
    "not_flushed": _Known(
        "refuse",
        "Not flushed to disk",
        "A crash of the server loses writes that it acknowledged, or the database",
        "Turn it on again in the server's parameters",
    ),
    "commits_do_not_wait": _Known(
        "refuse",
        "Commits do not wait",
        "A commit is acknowledged before it is safe: with off it does not wait for the disk, with local not for a standby",
        "Set synchronous_commit to on, for the role and the database, too, and leave it out of the data source's parameters",
    ),
    "not_strict": _Known(
        "warn",
        "Goes on alone",
        "While no standby answers, the primary takes writes alone, and a second failure in that time may lose them",
        "Ask for 3 instances and synchronous: strict, which stops writes instead",
    ),
    "torn_pages": _Known(
        "warn",
        "Pages may tear",
        "A crash of the server leaves half a page, unless its storage writes whole ones: Aurora, RDS Optimized Writes, ZFS",
        "Turn it on again in the server's parameters or its provider's parameter group, where the storage does not do without",
    ),
    "wait_point": _Known(
        "warn",
        "Seen too early",
        "Others see a write before a replica has it: a failover takes back what watches were told",
        "Set it to AFTER_SYNC",
    ),
    "promoted_blind": _Known(
        "warn",
        "Any replica may lead",
        "One that is behind at the moment of a failover loses what it has not got",
        "Accept it knowingly, or use PostgreSQL, where only a synchronous standby is promoted",
    ),
    "one_zone": _Known(
        "warn",
        "One zone",
        "That zone takes the only copies of the last writes with it, and other nodes are in others",
        f"Spread the instances by {ZONE}, or accept it knowingly",
    ),
    "not_seen": _Known(
        "unknown",
        "Cannot be seen",
        "Whether somebody has each write before it is acknowledged shows elsewhere",
        "Look there",
    ),
}


def risk(ident: str, observed: str, **otherwise: t.Any) -> Risk:
    """A known risk with what was observed; otherwise: another severity, why or remedy than the usual."""
    known = {**_KNOWN[ident]._asdict(), **otherwise}
    return Risk(id=ident, observed=observed, **known)


def zones_of(nodes: t.Iterable[Object]) -> dict[str, str]:
    """The zone of each node that says one."""
    labels = ((node["metadata"]["name"], node["metadata"].get("labels") or {}) for node in nodes)
    return {name: found[ZONE] for name, found in labels if found.get(ZONE)}


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Who has an acknowledged write.

    ``standbys``: those that a commit may wait for; with mode off all that there are. ``waits_for``: how many of them have
    a write when it is acknowledged, None for each. ``least``: how many there must be at any time.
    ``alone``: what this provider does without a standby in mode on, and what to do about it.
    """

    instances: int
    mode: str
    primary: Place | None
    standbys: t.Sequence[Place] = ()
    waits_for: int | None = None
    least: int = 1
    alone: t.Mapping[str, str] = field(default_factory=dict)


def setup_risks(setup: Setup, zones: t.Mapping[str, str]) -> Iterator[Risk]:
    """The risks that the layout of a database cluster shows."""
    yield from spec_risks(setup)
    if setup.instances < 2:
        return
    if not setup.primary:
        yield risk("no_standby_now", "no instance is the primary", why="Nobody takes writes now")
    elif setup.mode != "off" and len(setup.standbys) < setup.least:
        yield risk(
            "no_standby_now", f"{setup.primary['pod']} leads, {_named(setup.standbys) or 'no standby'} to wait for"
        )
    yield from _placement(setup, zones)


def spec_risks(setup: Setup) -> Iterator[Risk]:
    """Those of them that show in what was asked for, whoever leads."""
    count = f"{setup.instances} instance{'' if setup.instances == 1 else 's'} asked for"
    if setup.instances < 2:
        yield risk("one_instance", count)
        return
    if setup.mode == "off":
        yield risk("asynchronous", f"{count}, synchronous replication off")
    if setup.mode == "strict" and setup.instances - 1 <= setup.least:
        yield risk("strict_impossible", f"{count}, and each write waits for {setup.least} beside the primary")
    if setup.mode == "on":
        yield risk("not_strict", f"{count}, synchronous replication on", **setup.alone)


def _placement(setup: Setup, zones: t.Mapping[str, str]) -> Iterator[Risk]:
    """Where so many standbys share the primary's node or zone that a write may be acknowledged by these alone."""
    if not setup.primary or not setup.standbys:
        return
    enough = setup.waits_for or len(setup.standbys)
    node = setup.primary["node"]
    beside = [standby for standby in setup.standbys if standby["node"] == node]
    if len(beside) >= enough:
        yield risk("one_node", f"{setup.primary['pod']} and {_named(beside)} are on {node}")
        return
    zone = zones.get(node)
    beside = [standby for standby in setup.standbys if zones.get(standby["node"]) == zone]
    if zone and len(set(zones.values())) > 1 and len(beside) >= enough:
        yield risk("one_zone", f"{setup.primary['pod']} and {_named(beside)} are in {zone}")


def _named(places: t.Sequence[Place]) -> str:
    return ", ".join(str(place["pod"]) for place in places)
