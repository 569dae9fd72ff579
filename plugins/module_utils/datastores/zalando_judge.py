# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a Zalando cluster really up? The operator's status ``Running`` alone proves little. Pure.

It says Running with pods Pending, after failed role or database changes, and with a leader stuck read-only.
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

Observed: t.TypeAlias = t.Mapping[str, t.Sequence[Object]]

RUNNING = "Running"
# Patroni 4 writes "primary" unless the operator asks for the older word.
_LEADER_ROLES = ("master", "primary")
_REMEDIES = {
    "CreateFailed": "; the operator tries again at its next resync or when the resource changes",
    "Invalid": "; the operator cannot read the resource",
}


def judge(spec: Object, owners: t.Sequence[str], observed: Observed) -> Verdict:
    """Judge a cluster against the spec that was asked for; see :meth:`Datastore.judge` for the details."""
    if not observed.get("cluster"):
        return Verdict(False, "The postgresql resource does not exist yet", details(spec, owners, observed))
    facts = details(spec, owners, observed)
    problem = next(_problems(facts, observed), None)
    if problem:
        return Verdict(False, problem, facts)
    standby = facts["sync_standby"]
    beside = f", synchronous standby {standby['pod']}" if standby else ""
    ready = facts["instances"]["ready"]
    return Verdict(True, f"{ready} of {ready} instances are ready, leader {facts['leader']['pod']}{beside}", facts)


def details(spec: Object, owners: t.Sequence[str], observed: Observed) -> dict[str, t.Any]:
    """What was seen, without judging it."""
    pods = observed.get("pods") or []
    leader = _leader(pods)
    standby = next(_sync_standbys(leader, pods, observed), None)
    return {
        "status": _status(observed),
        "instances": {"wanted": spec.get("numberOfInstances", 0), "ready": sum(map(_serving, pods))},
        "leader": place(leader) if leader else None,
        "sync_standby": place(standby) if standby else None,
        "mode": mode(spec),
        "secrets": {owner: has_credentials(observed.get(f"secret:{owner}")) for owner in owners},
    }


def standbys(spec: Object, observed: Observed) -> list[Object]:
    """The places of all standbys that are in service: with synchronous replication, of those that are synchronous."""
    pods = observed.get("pods") or []
    leader = _leader(pods)
    found = pods if mode(spec) == "off" else _sync_standbys(leader, pods, observed)
    return [place(pod) for pod in found if pod is not leader and _serving(pod)]


def mode(spec: Object) -> str:
    """``on``, ``strict`` or ``off``: the synchronous replication that a spec asks for."""
    patroni = spec.get("patroni") or {}
    if not patroni.get("synchronous_mode"):
        return "off"
    return "strict" if patroni.get("synchronous_mode_strict") else "on"


def _problems(facts: t.Mapping[str, t.Any], observed: Observed) -> Iterator[str]:
    """What is missing, the cause before its consequences."""
    pods = observed.get("pods") or []
    wanted, ready = facts["instances"]["wanted"], facts["instances"]["ready"]
    if facts["status"] in _REMEDIES:
        yield f"The operator reports {facts['status']}{_REMEDIES[facts['status']]}"
    if ready < wanted:
        yield f"{ready} of {wanted} instances are ready{_first_problem(pods)}"
    if not facts["leader"]:
        yield "No instance is the leader yet"
    if facts["status"] != RUNNING:
        yield f"The operator reports {facts['status'] or 'no status yet'}"
    if len(pods) > wanted:
        yield f"{len(pods)} instances exist, {wanted} were asked for"
    yield from _endpoint_problem(facts["leader"], observed)
    yield from (
        f"The credential Secret of {owner} does not exist yet" for owner, found in facts["secrets"].items() if not found
    )
    if wanted > 1 and facts["mode"] != "off" and not facts["sync_standby"]:
        yield "No standby is synchronous yet: a failover now would lose writes"


def _endpoint_problem(leader: t.Mapping[str, t.Any] | None, observed: Observed) -> Iterator[str]:
    found = addresses(observed.get("leader_endpoints"))
    pod = next((pod for pod in observed.get("pods") or [] if leader and pod["metadata"]["name"] == leader["pod"]), None)
    if not found:
        yield "The Service of the leader has no address yet"
    elif pod and pod.get("status", {}).get("podIP") not in found:
        yield f"The Service of the leader does not point to {pod['metadata']['name']} yet"


def _status(observed: Observed) -> str:
    status = observed["cluster"][0].get("status") or {} if observed.get("cluster") else {}
    # Old operators wrote the status as plain text.
    return str(status if isinstance(status, str) else status.get("PostgresClusterStatus", ""))


def _role(pod: Object) -> str | None:
    role = pod["metadata"].get("labels", {}).get("spilo-role")
    return str(role) if role else None


def _serving(pod: Object) -> bool:
    """Ready and labeled by its Patroni: without a readiness probe (the default) Ready means only "was started"."""
    return pod_ready(pod) and _role(pod) is not None


def _leader(pods: t.Sequence[Object]) -> Object | None:
    return next(_leaders(pods), None)


def _leaders(pods: t.Sequence[Object]) -> Iterator[Object]:
    return (pod for pod in pods if _role(pod) in _LEADER_ROLES and pod_ready(pod))


def first_serves(cluster: str, pods: t.Sequence[Object]) -> bool:
    """Say whether the pod that a StatefulSet starts first and stops last is in service, as leader or as standby."""
    return any(_is_first(cluster, pod) and _serving(pod) for pod in pods)


def leads_without_first(cluster: str, pods: t.Sequence[Object], records: t.Sequence[Object]) -> str:
    """Who led last, for people, while the first instance is out of service; "" where it was that one, or none ever did.

    Ready or not: one that is down keeps its label. But so does one whose node is lost while another one is promoted, and of pods
    that are gone or new only Patroni's records tell, its Endpoints or ConfigMaps. So whoever is named by either counts.
    """
    if first_serves(cluster, pods):
        return ""
    labeled = [pod["metadata"]["name"] for pod in pods if _role(pod) in _LEADER_ROLES]
    leaders = [*_recorded_leaders(cluster, records), *labeled] or _nameless_leader(cluster, records)
    return next((str(name) for name in leaders if name != f"{cluster}-0"), "")


def _recorded_leaders(cluster: str, records: t.Sequence[Object]) -> list[str]:
    """The last one. After an orderly stop nobody has the lock; the synchronous replication's record still names its leader."""
    lock = _noted(records, "leader", cluster, f"{cluster}-leader")
    return lock or _noted(records, "leader", f"{cluster}-sync")


def _nameless_leader(cluster: str, records: t.Sequence[Object]) -> list[str]:
    """Where the database was initialized, somebody led."""
    return ["some instance, Patroni does not say which,"] * bool(_noted(records, "initialize", f"{cluster}-config"))


def _noted(records: t.Sequence[Object], key: str, *names: str) -> list[str]:
    found = [item["metadata"] for item in records if item["metadata"]["name"] in names]
    return [metadata["annotations"][key] for metadata in found if (metadata.get("annotations") or {}).get(key)]


def other_claims(cluster: str, claims: t.Sequence[Object]) -> list[Object]:
    """The volume claims of all instances but the first. While there are none, no other instance has any data."""
    return [claim for claim in claims if not claim["metadata"]["name"].endswith(f"-{cluster}-0")]


def reduced_to_first(live: Object) -> Object | None:
    """``live`` with one instance, to be applied before it is removed with its data kept; None where it has no more.

    The instance that stops last has the newest data, and it must be the one that starts first later.
    """
    metadata, spec = live["metadata"], live["spec"]
    if int(spec.get("numberOfInstances") or 1) == 1:
        return None
    kept = {key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if key in metadata}
    return {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": kept,
        "spec": {**spec, "numberOfInstances": 1},
    }


def first_can_lead(cluster: str, spec: Object, observed: Observed) -> Verdict:
    """Would Patroni promote that pod when the others stop: with synchronous replication, no other than the synchronous standby.

    After a switchover it takes some seconds until the instance that led before is that. A pod whose node is lost stays ready for
    longer than it leads, so of two that are labeled as leaders nobody knows which one it is.
    """
    pods = observed.get("pods") or []
    leaders = [*_leaders(pods)]
    leader = leaders[0] if len(leaders) == 1 else None
    able = [leader] if leader else []
    able += pods if leader and mode(spec) == "off" else _sync_standbys(leader, pods, observed)
    return Verdict(
        any(_is_first(cluster, pod) for pod in able),
        f"before its removal {cluster}-0 has to lead or to be the synchronous standby; its instances are: {_shown(pods)}",
    )


def first_leads_alone(cluster: str, pods: t.Sequence[Object]) -> Verdict:
    """Is that pod the leader, and the only one left."""
    leader = _leader(pods)
    alone = len(pods) == 1 and leader is not None and _is_first(cluster, leader)
    return Verdict(alone, f"before its removal {cluster}-0 has to lead alone; its instances are: {_shown(pods)}")


def _shown(pods: t.Sequence[Object]) -> str:
    return ", ".join(f"{pod['metadata']['name']} ({_role(pod) or 'no role'})" for pod in pods) or "none"


def _is_first(cluster: str, pod: Object) -> bool:
    return bool(pod["metadata"]["name"] == f"{cluster}-0")


def _sync_standbys(leader: Object | None, pods: t.Sequence[Object], observed: Observed) -> Iterator[Object]:
    """The ready standbys that Patroni recorded as synchronous under the present leader."""
    for record in [*(observed.get("sync_endpoints") or []), *(observed.get("sync_config_map") or [])]:
        annotations = record["metadata"].get("annotations") or {}
        if leader and annotations.get("leader") == leader["metadata"]["name"]:
            names = (annotations.get("sync_standby") or "").split(",")
            yield from (pod for pod in pods if pod["metadata"]["name"] in names and _serving(pod))


def _first_problem(pods: t.Sequence[Object]) -> str:
    pod = next((pod for pod in pods if not _serving(pod)), None)
    if pod is None:
        return ""
    reason = "has no role yet" if pod_ready(pod) else f"is not ready ({pod_problem(pod)})"
    return f": {pod['metadata']['name']} {reason}"
