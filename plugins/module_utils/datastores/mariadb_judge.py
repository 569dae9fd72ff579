# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a MariaDB really up? The operator's Ready covers a primary that answers, and little else. Pure.

What it does not cover, and the servers do say: replicas that acknowledge writes without applying them, replicas without
data, a primary that nobody follows (each seen with mariadb-operator v0.38.1 under Ready=True).
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb_answers import Server, behind, server
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import (
    Object,
    addresses,
    conditions,
    has_credentials,
    place,
    pod_problem,
    pod_ready,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import DatabaseSpec

Observed: t.TypeAlias = t.Mapping[str, t.Sequence[Object]]

MOST_BEHIND = 1000
"""Transactions: some seconds of a busy control plane. A replica that is further behind would lose them if it were
promoted, which the operator does without looking (v0.38.1)."""
BY_HAND = ("OnDelete", "Never")
"""Update strategies by which instances keep their old settings until somebody else restarts them."""
_DECLARED = {"databases": "database", "users": "account", "grants": "grant of the database"}


def replicated(spec: Object) -> bool:
    """Whether a spec asks for replication."""
    return bool((spec.get("replication") or {}).get("enabled"))


def judge(spec: Object, databases: t.Sequence[DatabaseSpec], observed: Observed) -> Verdict:
    """Judge a MariaDB against the spec that was asked for; see :meth:`Datastore.judge` for the details."""
    owners = list(dict.fromkeys(item.owner for item in databases))
    facts = details(spec, owners, observed)
    if not observed.get("cluster"):
        return Verdict(False, "The MariaDB does not exist yet", facts)
    problem = next(_problems(spec, facts, databases, observed), None)
    if problem:
        return Verdict(False, problem, facts)
    standby = facts["sync_standby"]
    beside = f", semi-synchronous replica {standby['pod']}" if standby else ""
    ready = facts["instances"]["ready"]
    return Verdict(True, f"{ready} of {ready} instances are ready, primary {facts['leader']['pod']}{beside}", facts)


def may_move(spec: Object, observed: Observed) -> Verdict:
    """Whether the primary can move: the operator locks it, and gives every replica 10 s to have all of its writes.

    It makes one that has not forget whom it follows (RESET SLAVE), and waits for it again, in vain and for ever, with the
    primary locked (v0.38.1, ``waitForReplicaSync``).
    """
    problem = next(_replication_problems(spec, details(spec, (), observed), observed), "")
    return Verdict(not problem, problem or "Every replica follows the primary")


def details(spec: Object, owners: t.Sequence[str], observed: Observed) -> dict[str, t.Any]:
    """What was seen, without judging it."""
    pods = observed.get("pods") or []
    leader = _leader(pods, observed)
    return {
        "status": str(_ready_condition(observed).get("message") or ""),
        "instances": {"wanted": spec.get("replicas", 1), "ready": sum(map(pod_ready, pods))},
        "leader": place(leader) if leader else None,
        "sync_standby": next(iter(standbys(spec, observed)), None),
        "mode": "on" if replicated(spec) else "off",
        "secrets": {owner: has_credentials(observed.get(f"secret:{owner}")) for owner in owners},
    }


def _problems(
    spec: Object, facts: t.Mapping[str, t.Any], databases: t.Sequence[DatabaseSpec], observed: Observed
) -> Iterator[str]:
    """What is missing, the cause before its consequences."""
    yield from _replication_problems(spec, facts, observed)
    yield from _declared_problems(databases, observed)
    for owner, found in facts["secrets"].items():
        if not found:
            yield f"The credential Secret of {owner} does not exist yet"
    if replicated(spec) and not facts["sync_standby"]:
        yield "No replica is semi-synchronous yet: a failover now would lose writes"


def _replication_problems(spec: Object, facts: t.Mapping[str, t.Any], observed: Observed) -> Iterator[str]:
    yield from _pod_problems(facts, observed)
    yield from _operator_problems(spec, observed)
    yield from _endpoint_problem(facts["leader"], observed)
    yield from _server_problems(spec, facts, observed)


def _pod_problems(facts: t.Mapping[str, t.Any], observed: Observed) -> Iterator[str]:
    pods = observed.get("pods") or []
    wanted, ready = facts["instances"]["wanted"], facts["instances"]["ready"]
    if ready < wanted:
        waiting = next((pod for pod in pods if not pod_ready(pod)), None)
        which = f": {waiting['metadata']['name']} is not ready ({pod_problem(waiting)})" if waiting else ""
        said = f" (the operator reports {facts['status']})" if facts["status"] else ""
        yield f"{ready} of {wanted} instances are ready{which}{said}"
    if len(pods) > wanted:
        yield f"{len(pods)} instances exist, {wanted} were asked for"


def _operator_problems(spec: Object, observed: Observed) -> Iterator[str]:
    """While it moves the primary its own words come late: it names the new one before it has made it one."""
    live = observed["cluster"][0]
    status = live.get("status") or {}
    asked = ((live["spec"].get("replication") or {}).get("primary") or {}).get("podIndex")
    current = status.get("currentPrimaryPodIndex")
    if conditions(live).get("PrimarySwitched") == "False":
        yield "The operator is moving the primary"
    if replicated(spec) and asked is not None and asked != current:
        yield f"The primary is to move from instance {current} to instance {asked}"
    by_hand = (live["spec"].get("updateStrategy") or {}).get("type") in BY_HAND
    if conditions(live).get("Updated") == "False" and not by_hand:
        yield "The operator is restarting the instances with their new settings, one after the other"
    if conditions(live).get("Ready") != "True":
        yield f"The operator reports {_ready_condition(observed).get('message') or 'no status yet'}"


def _endpoint_problem(leader: t.Mapping[str, t.Any] | None, observed: Observed) -> Iterator[str]:
    if not leader:
        yield "No instance is the primary yet"
        return
    found = addresses(observed.get("leader_endpoints"))
    pod = next((pod for pod in observed["pods"] if pod["metadata"]["name"] == leader["pod"]), None)
    if pod is None or found != {pod.get("status", {}).get("podIP")}:
        yield f"The Service of the primary does not point to {leader['pod']} alone yet"


def _server_problems(spec: Object, facts: t.Mapping[str, t.Any], observed: Observed) -> Iterator[str]:
    found = servers(observed)
    yield from (f"{each.pod} does not answer: {each.problem}" for each in found if each.problem)
    primary = next((each for each in found if each.pod == facts["leader"]["pod"]), None)
    if primary is None:
        yield f"The primary {facts['leader']['pod']} was not asked"
        return
    if primary.read_only:
        yield f"The primary {primary.pod} is read only"
    if replicated(spec):
        for replica in found:
            if replica is not primary:
                yield from _replica_problems(primary, replica)
        if not primary.semi_synchronous:
            yield f"The primary {primary.pod} does not wait for any replica: a failover now would lose writes"


def _replica_problems(primary: Server, replica: Server) -> Iterator[str]:
    if not replica.replicates:
        yield f"{replica.pod} does not replicate from anywhere"
        return
    broken = replica.broken()
    if broken:
        mend = f". Delete the pod {replica.pod}" if replica.diverged else ""
        yield f"{replica.pod} does not replicate: {broken}{mend}"
    if not replica.read_only:
        yield f"{replica.pod} takes writes beside the primary {primary.pod}"
    host = replica.said.get("Master_Host", "")
    if host.partition(".")[0] != primary.pod:
        yield f"{replica.pod} replicates from {host or 'nowhere'}, not from the primary {primary.pod}"
    distance = behind(primary, replica)
    if distance < 0:
        yield f"{replica.pod} has {-distance} transactions that the primary {primary.pod} does not have"
    if distance > MOST_BEHIND:
        yield f"{replica.pod} is {distance} transactions behind the primary {primary.pod}"


def _declared_problems(databases: t.Sequence[DatabaseSpec], observed: Observed) -> Iterator[str]:
    wanted: dict[str, t.Sequence[tuple[str, ...]]] = {
        "databases": [(item.name,) for item in databases],
        "users": list(dict.fromkeys((item.owner,) for item in databases)),
        "grants": [(item.name, item.owner) for item in databases],
    }
    fields = {"databases": ("name",), "users": ("name",), "grants": ("database", "username")}
    for key, names in wanted.items():
        found = {tuple(item["spec"].get(field) for field in fields[key]): item for item in observed.get(key) or []}
        for name in names:
            if name not in found:
                yield f"The {_DECLARED[key]} {name[0]} is not declared yet"
            elif conditions(found[name]).get("Ready") != "True":
                yield f"The {_DECLARED[key]} {name[0]} is not made yet{_said(found[name])}"


def _said(item: Object) -> str:
    message = _condition(item, "Ready").get("message")
    return f": {message}" if message else ""


def _ready_condition(observed: Observed) -> Object:
    return _condition(observed["cluster"][0], "Ready") if observed.get("cluster") else {}


def _condition(item: Object, name: str) -> Object:
    found = (item.get("status") or {}).get("conditions") or []
    return next((entry for entry in found if entry.get("type") == name), {})


def _leader(pods: t.Sequence[Object], observed: Observed) -> Object | None:
    """The ready pod that the operator calls the primary."""
    status = (observed["cluster"][0].get("status") or {}) if observed.get("cluster") else {}
    return next(
        (pod for pod in pods if pod["metadata"]["name"] == status.get("currentPrimary") and pod_ready(pod)), None
    )


def standbys(spec: Object, observed: Observed) -> list[Object]:
    """The places of the replicas that the primary waits for, and that apply what they acknowledge."""
    pods = observed.get("pods") or []
    leader = _leader(pods, observed)
    if leader is None or not replicated(spec):
        return []
    good = {
        each.pod
        for each in servers(observed)
        if each.replicates and each.acknowledges and not each.broken() and each.pod != leader["metadata"]["name"]
    }
    return [place(pod) for pod in pods if pod["metadata"]["name"] in good and pod_ready(pod)]


def servers(observed: Observed) -> list[Server]:
    """Each ready instance's words."""
    names = [pod["metadata"]["name"] for pod in observed.get("pods") or [] if pod_ready(pod)]
    return [server(name, observed.get(f"server:{name}")) for name in names]
