# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a CloudNativePG cluster really up? Its phase and its condition Ready alone prove little. Pure.

With a primary that hangs, both stay as they are for more than a minute, and only the number of ready instances falls; in
a switchover Ready stays true; the new primary is named before its Service leads there (seen with v1.28.0).
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.objects import (
    Object,
    addresses,
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

HEALTHY = "Cluster in healthy state"
PRIMARY = "primary"


def judge(spec: Object, databases: t.Sequence[DatabaseSpec], observed: Observed) -> Verdict:
    """Judge a cluster against the spec that was asked for; see :meth:`Datastore.judge` for the details."""
    owners = list(dict.fromkeys(item.owner for item in databases))
    facts = details(spec, owners, observed)
    managed = {role["name"] for role in (spec.get("managed") or {}).get("roles") or []}
    if not observed.get("cluster"):
        return Verdict(False, "The Cluster does not exist yet", facts)
    problem = next(_problems(facts, managed, databases, observed), None)
    if problem:
        return Verdict(False, problem, facts)
    standby = facts["sync_standby"]
    beside = f", synchronous standby {standby['pod']}" if standby else ""
    ready = facts["instances"]["ready"]
    return Verdict(True, f"{ready} of {ready} instances are ready, leader {facts['leader']['pod']}{beside}", facts)


def details(spec: Object, owners: t.Sequence[str], observed: Observed) -> dict[str, t.Any]:
    """What was seen, without judging it."""
    pods, status = observed.get("pods") or [], _status(observed)
    leader = _leader(pods, status)
    standby = _sync_standby(leader, pods, status) if mode(spec) != "off" else None
    return {
        "status": status.get("phase", ""),
        "instances": {"wanted": spec.get("instances", 0), "ready": sum(map(pod_ready, pods))},
        "leader": place(leader) if leader else None,
        "sync_standby": place(standby) if standby else None,
        "mode": mode(spec),
        "secrets": {owner: has_credentials(observed.get(f"secret:{owner}")) for owner in owners},
    }


def mode(spec: Object) -> str:
    """``on``, ``strict`` or ``off``: the synchronous replication that a spec asks for."""
    synchronous = (spec.get("postgresql") or {}).get("synchronous")
    if not synchronous:
        # The older way: as many as there are, which may be none.
        return "on" if spec.get("minSyncReplicas") or spec.get("maxSyncReplicas") else "off"
    # The operator's default is required.
    return "on" if synchronous.get("dataDurability") == "preferred" else "strict"


def _problems(
    facts: t.Mapping[str, t.Any], managed: set[str], databases: t.Sequence[DatabaseSpec], observed: Observed
) -> Iterator[str]:
    """What is missing, the cause before its consequences. managed: the roles that the operator is to make."""
    pods, status = observed.get("pods") or [], _status(observed)
    wanted, ready = facts["instances"]["wanted"], facts["instances"]["ready"]
    current, target = status.get("currentPrimary"), status.get("targetPrimary")
    if ready < wanted:
        yield f"{ready} of {wanted} instances are ready{_first_problem(pods)}{_phase(status)}"
    if current != target:
        yield f"The primary moves from {current or 'nowhere'} to {target}"
    if not facts["leader"]:
        yield f"No instance is the leader yet{_phase(status)}"
    if facts["status"] != HEALTHY:
        yield f"The operator reports {facts['status'] or 'no status yet'}{_reason(status)}"
    if len(pods) > wanted:
        yield f"{len(pods)} instances exist, {wanted} were asked for"
    if status.get("readyInstances", 0) < wanted:
        yield f"The operator sees {status.get('readyInstances', 0)} of {wanted} instances ready"
    yield from _endpoint_problem(facts["leader"], observed)
    yield from _role_problems(facts["secrets"], managed, status.get("managedRolesStatus") or {})
    yield from _database_problems(databases, observed.get("databases") or [])
    if wanted > 1 and facts["mode"] != "off" and not facts["sync_standby"]:
        yield "No standby is synchronous yet: a failover now would lose writes"


def _status(observed: Observed) -> Object:
    return observed["cluster"][0].get("status") or {} if observed.get("cluster") else {}


def _phase(status: Object) -> str:
    """What the operator says that it does, as the end of a sentence."""
    phase = status.get("phase")
    return f" (the operator reports {phase}{_reason(status)})" if phase and phase != HEALTHY else ""


def _reason(status: Object) -> str:
    reason = str(status.get("phaseReason") or "").strip()
    return f": {reason}" if reason else ""


def _first_problem(pods: t.Sequence[Object]) -> str:
    pod = next((pod for pod in pods if not pod_ready(pod)), None)
    return f": {pod['metadata']['name']} is not ready ({pod_problem(pod)})" if pod else ""


def _leader(pods: t.Sequence[Object], status: Object) -> Object | None:
    """The pod that the operator calls the primary, when it is ready and labeled as one: its Service selects the label."""
    return next(
        (
            pod
            for pod in pods
            if pod["metadata"]["name"] == status.get("currentPrimary")
            and pod["metadata"].get("labels", {}).get("cnpg.io/instanceRole") == PRIMARY
            and pod_ready(pod)
        ),
        None,
    )


def _sync_standby(leader: Object | None, pods: t.Sequence[Object], status: Object) -> Object | None:
    """A ready standby that the operator finds healthy.

    With durability preferred those are synchronous_standby_names; with required all others are listed, too.
    """
    healthy = (status.get("instancesStatus") or {}).get("healthy") or []
    return next(
        (pod for pod in pods if leader and pod is not leader and pod["metadata"]["name"] in healthy and pod_ready(pod)),
        None,
    )


def standbys(spec: Object, observed: Observed) -> list[Object]:
    """The places of the ready standbys: with synchronous replication, of those that the operator finds healthy."""
    pods, status = observed.get("pods") or [], _status(observed)
    leader = _leader(pods, status)
    healthy = (status.get("instancesStatus") or {}).get("healthy") or []
    ready = [pod for pod in pods if pod is not leader and pod_ready(pod)]
    return [place(pod) for pod in ready if mode(spec) == "off" or pod["metadata"]["name"] in healthy]


def _endpoint_problem(leader: t.Mapping[str, t.Any] | None, observed: Observed) -> Iterator[str]:
    found = addresses(observed.get("leader_endpoints"))
    pod = next((pod for pod in observed.get("pods") or [] if leader and pod["metadata"]["name"] == leader["pod"]), None)
    if not found:
        yield "The Service of the leader has no address yet"
    elif pod and found != {pod.get("status", {}).get("podIP")}:
        yield f"The Service of the leader does not point to {pod['metadata']['name']} yet"


def _role_problems(secrets: t.Mapping[str, bool], managed: set[str], roles: Object) -> Iterator[str]:
    reconciled = (roles.get("byStatus") or {}).get("reconciled") or []
    for owner, found in secrets.items():
        if not found:
            yield f"The credential Secret of {owner} does not exist yet"
        errors = (roles.get("cannotReconcile") or {}).get(owner)
        if errors:
            yield f"The operator cannot make the role {owner}: {'; '.join(errors)}"
        if owner in managed and owner not in reconciled:
            yield f"The role {owner} is not as it was asked for yet"


def _database_problems(databases: t.Sequence[DatabaseSpec], found: t.Sequence[Object]) -> Iterator[str]:
    by_name = {item["spec"]["name"]: item for item in found}
    for wanted in databases:
        item = by_name.get(wanted.name)
        status = (item or {}).get("status") or {}
        if item is None:
            yield f"The Database of {wanted.name} does not exist yet"
        elif status.get("observedGeneration") != item["metadata"].get("generation") or not status.get("applied"):
            said = f": {status['message']}" if status.get("message") else ""
            yield f"The database {wanted.name} is not as it was asked for yet{said}"
