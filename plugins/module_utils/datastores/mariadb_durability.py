# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What mariadb-operator's MariaDB would lose at a failover: most of it shows in the servers' own words. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import (
    Risk,
    Setup,
    risk,
    setup_risks,
    zones_of,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability_mysql import (
    Primary,
    flush_risks,
    waiting_risks,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb_answers import Server, behind
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb_judge import (
    MOST_BEHIND,
    details,
    replicated,
    servers,
    standbys,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb_judge import Observed

_DROPPED = (
    "At a failover the operator promotes a ready replica without comparing, and drops what it has not applied (v0.38.1)"
)


def risks(observed: Observed) -> list[Risk]:
    """All risks of a MariaDB that exists."""
    spec = observed["cluster"][0]["spec"]
    asked = replicated(spec)
    leader = details(spec, (), observed)["leader"]
    setup = Setup(
        instances=int(spec.get("replicas") or 1),
        # Whether it waits the primary says itself, below.
        mode="semi-synchronous" if asked else "off",
        primary=leader,
        standbys=standbys(spec, observed),
        waits_for=1,
        least=0,
    )
    found = list(setup_risks(setup, zones_of(observed.get("nodes") or [])))
    primary = next((each for each in servers(observed) if leader and each.pod == leader["pod"]), None)
    if primary is None or primary.problem:
        return [*found, _unasked(primary)]
    said = primary.said
    found += flush_risks(flushes=said.get("flushes") == "1", syncs_binlog=said.get("syncs_binlog") == "1")
    if asked:
        found += [*waiting_risks(_primary(primary)), *_replica_risks(primary, servers(observed))]
    return found


def _unasked(primary: Server | None) -> Risk:
    return risk(
        "not_seen",
        f"the primary was not asked: {primary.problem if primary else 'there is none'}",
        why="Whether it waits for its replicas, and how far they are, shows in the servers only",
        remedy="Allow pods/exec in its namespace, or look with SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync%'",
    )


def _primary(server: Server) -> Primary:
    said = server.said
    return Primary(
        waits=server.semi_synchronous,
        wait_point=said.get("wait_point", ""),
        patience=int(said.get("wait_ms") or 0),
    )


def _replica_risks(primary: Server, found: t.Sequence[Server]) -> Iterator[Risk]:
    """Of each that may be promoted."""
    yield risk(
        "promoted_blind",
        "the operator compares no replicas",
        why=f"{_DROPPED}: one that is behind at that moment loses writes",
    )
    for replica in found:
        if replica is primary or replica.pod == primary.pod:
            continue
        if replica.problem:
            yield risk("not_seen", f"{replica.pod} was not asked: {replica.problem}", why=_DROPPED)
        elif not replica.replicates:
            yield risk("standby_lagging", f"{replica.pod} does not replicate from anywhere", why=_DROPPED)
        elif broken := replica.broken():
            yield risk("standby_lagging", f"{replica.pod} does not replicate: {broken}", why=_DROPPED)
        elif (distance := behind(primary, replica)) > MOST_BEHIND:
            observed = f"{replica.pod} is {distance} transactions behind, more than {MOST_BEHIND}"
            yield risk("standby_lagging", observed, why=_DROPPED)
