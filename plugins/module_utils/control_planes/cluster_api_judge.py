# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a control plane up in Cluster API's eyes, too? And what must not be done to a live one. Pure.

Cluster API's conditions hold with one replica of three, and k0smotron's counters lag behind: so all of it has to hold, and
each replica has to answer (judge.py). Its Available also tells of workers and other things that are none of ours.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import changes, cluster_api
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, conditions, same

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.cluster_api import ClusterApiOptions
    from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict


REACHED = ("ControlPlaneAvailable", "RemoteConnectionProbe")
_K0SMOTRONS_OWN = ("certificateRefs", "externalAddress", "k0sConfig", "manifests")
"""What k0smotron adds to in its Cluster, or compares itself."""


def judge(
    options: ClusterApiOptions, cluster: Object | None, resource: Object | None, inner: Object | None, seen: Verdict
) -> Verdict:
    """`seen`, the verdict on k0smotron's Cluster, and what Cluster API says of its own.

    `cluster` is Cluster API's, `resource` the K0smotronControlPlane, `inner` the Cluster that k0smotron made of it.
    """
    problem = next(_problems(options, cluster, resource, inner, seen), None)
    if problem is None:
        return dataclasses.replace(seen, reason=f"{seen.reason}, and Cluster API reaches it")
    return dataclasses.replace(seen, up=False, reason=problem)


def _problems(
    options: ClusterApiOptions, cluster: Object | None, resource: Object | None, inner: Object | None, seen: Verdict
) -> Iterator[str]:
    if cluster is None or resource is None:
        yield f"There is no {'Cluster' if cluster is None else cluster_api.KIND} {options.name} yet"
        return
    if not resource["metadata"].get("ownerReferences"):
        yield f"Cluster API has not made the Cluster the owner of {cluster_api.KIND} {options.resource}: does it run?"
    if conditions(cluster).get("InfrastructureReady") != "True":
        what = f"{options.infrastructure['kind']} {options.infrastructure['name']}"
        yield f"The Cluster waits for its infrastructure, {what}{words(cluster, 'InfrastructureReady')}"
    if inner is None:
        yield f"k0smotron has not made its Cluster of {cluster_api.KIND} {options.resource} yet"
        return
    late = drifted(inner, resource)
    if late:
        yield f"k0smotron's Cluster does not have the {late[0]} of {cluster_api.KIND} {options.resource}"
    if not seen.up:
        yield seen.reason
    yield from _behind(resource)
    for condition in REACHED:
        if conditions(cluster).get(condition) != "True":
            yield f"Cluster API does not see {condition} yet{words(cluster, condition)}"


def words(obj: Object, condition: str) -> str:
    """What a condition says: `: ` and its message, or nothing."""
    every = (obj.get("status") or {}).get("conditions") or []
    message = next((str(each.get("message") or "") for each in every if each["type"] == condition), "")
    return f": {' '.join(message.split())}" if message.strip() else ""


def _behind(resource: Object) -> Iterator[str]:
    """k0smotron's own counters. It asks each pod for its version, so they come last."""
    status, wanted = resource.get("status") or {}, (resource.get("spec") or {}).get("replicas", 1)
    counters = ("readyReplicas", "upToDateReplicas" if "upToDateReplicas" in status else "updatedReplicas")
    for counter in counters:
        if status.get(counter, 0) != wanted:
            yield f"{cluster_api.KIND} {resource['metadata']['name']} counts {status.get(counter, 0)} of {wanted} {counter}"


def refuse_foreign(options: ClusterApiOptions, live: Object | None) -> None:
    """Raise InvalidInput for a Cluster that is not ours to change."""
    if live is None:
        return
    changes.refuse_owned(live)
    reference = (live.get("spec") or {}).get("controlPlaneRef") or {}
    if reference and reference["kind"] != cluster_api.KIND:
        raise InvalidInput(
            f"There is a Cluster {options.name} already, and its control plane is {reference['kind']} {reference['name']}",
            "Choose another name, or remove that Cluster first",
        )


def adopt(options: ClusterApiOptions, live: Object | None) -> ClusterApiOptions:
    """The options with what a live Cluster has chosen and is fixed in it: names, and networks that are not given."""
    if live is None:
        return options
    spec = live.get("spec") or {}
    reference = spec.get("controlPlaneRef") or {}
    found: dict[str, t.Any] = {"resource": reference.get("name") or options.resource, **_networks(options, spec)}
    if there := spec.get("infrastructureRef"):
        found["infrastructure"] = {"api_group": there["apiGroup"], "kind": there["kind"], "name": there["name"]}
    return dataclasses.replace(options, **found)


def refuse_topology(live: Object | None) -> None:
    """Raise InvalidInput for a Cluster that Cluster API keeps as its class says."""
    topology = ((live or {}).get("spec") or {}).get("topology") or {}
    if live and topology:
        name = (topology.get("classRef") or {}).get("name")
        raise InvalidInput(
            f"The Cluster {live['metadata']['name']} is built from the ClusterClass {name}, which would undo every change",
            "Change or delete the Cluster itself, or change its class with k0smotron.ha.control_plane_template; a new control"
            " plane needs another name",
        )


def _networks(options: ClusterApiOptions, spec: Object) -> Object:
    """The networks that are not given, as they are: left out of an apply, they would go."""
    live = spec.get("clusterNetwork") or {}
    found = {
        "pod_cidrs": (live.get("pods") or {}).get("cidrBlocks") or (),
        "service_cidrs": (live.get("services") or {}).get("cidrBlocks") or (),
        "service_domain": live.get("serviceDomain"),
    }
    return {key: value for key, value in found.items() if not getattr(options, key)}


def refuse_network_change(options: ClusterApiOptions, live: Object | None) -> None:
    """Raise InvalidInput for networks that k0smotron would not take over, or would only at some later change.

    It hands k0s one network of each kind, those that the Cluster had first (1.10.9, enrichK0sConfigWithClusterData).
    """
    wanted = cluster_api.network(options)
    several = [kind for kind in ("pods", "services") if len(wanted.get(kind, {}).get("cidrBlocks", [])) > 1]
    if several:
        raise InvalidInput(f"There is more than one network for {several[0]}, and k0s takes one", "Name one")
    there = ((live or {}).get("spec") or {}).get("clusterNetwork") or {}
    if live is not None and any(there.get(kind) != value for kind, value in wanted.items()):
        raise InvalidInput(
            f"The networks of the Cluster {options.name} are fixed at its creation: its pods and Services have addresses of them",
            "Keep pod_cidrs, service_cidrs and service_domain as they were, or leave them out",
        )


def foreign_pause(options: ClusterApiOptions, cluster: Object | None, resource: Object | None, manager: str) -> str:
    """The pause that somebody else has set, in words; "" when there is none."""
    if _annotated_by_others(resource, manager):
        return f"{cluster_api.KIND} {options.resource} has the annotation {cluster_api.PAUSED}"
    return "its spec.paused is true" if ((cluster or {}).get("spec") or {}).get("paused") else ""


def _annotated_by_others(resource: Object | None, manager: str) -> bool:
    held = (resource or {}).get("metadata", {}).get("annotations") or {}
    return cluster_api.PAUSED in held and cluster_api.PAUSED not in changes.owned(
        resource or {}, manager, "metadata", "annotations"
    )


def refuse_paused(options: ClusterApiOptions, cluster: Object | None, resource: Object | None, manager: str) -> None:
    """Raise Conflict when somebody else has paused the Cluster: nothing that is applied now would happen."""
    pause = foreign_pause(options, cluster, resource, manager)
    if pause and not options.paused:
        raise Conflict(
            f"The Cluster {options.name} is paused ({pause}), so k0smotron would not act",
            "Take the pause away when whoever set it is done, or set paused: true to change it for later",
        )


def beside_pause(wanted: Object, live: Object | None, manager: str) -> Object:
    """The K0smotronControlPlane, without its pause where somebody else has set one: ours would take that over."""
    if not _annotated_by_others(live, manager):
        return wanted
    return {**wanted, "metadata": {key: value for key, value in wanted["metadata"].items() if key != "annotations"}}


def refuse_standalone(options: ClusterApiOptions, inner: Object | None) -> None:
    """Raise Conflict when k0smotron's Cluster of this name was not made for this K0smotronControlPlane."""
    if inner is None or cluster_api.owner(inner) == options.resource:
        return
    raise Conflict(
        f"There is a standalone k0smotron Cluster {options.name} in namespace {options.namespace}, and k0smotron would make"
        " one of this name for Cluster API",
        "Choose another name, or remove it first with k0smotron.ha.cluster and state: absent",
    )


def refuse_namesake(options: ClusterApiOptions, clusters: t.Iterable[Object]) -> None:
    """Raise InvalidInput when another namespace has a Cluster of this name with a K0smotronControlPlane.

    k0smotron counts the pods of all namespaces together by the name alone (seen with 1.10.9: the status froze).
    """
    for each in clusters:
        metadata, reference = each["metadata"], (each.get("spec") or {}).get("controlPlaneRef") or {}
        same = metadata["name"] == options.name and metadata["namespace"] != options.namespace
        if same and reference.get("kind") == cluster_api.KIND:
            raise InvalidInput(
                f"Namespace {metadata['namespace']} has a Cluster {options.name} on k0smotron, too, and k0smotron counts the"
                " replicas of both together",
                "Choose a name that is unique in this management cluster",
            )


def refuse_change(live: Object, wanted: Object) -> None:
    """Raise InvalidInput for a change that would break the control plane; both are K0smotronControlPlanes."""
    before, after = live.get("spec") or {}, wanted["spec"]
    changes.refuse_spec_change(before, after)
    old, new = (((spec.get("kubeconfigSecretMetadata") or {}).get("labels") or {}) for spec in (before, after))
    changes.refuse_label_change({key for key in {*old, *new} if old.get(key) != new.get(key)})


def warnings(live: Object | None, wanted: Object) -> list[str]:
    """What the change will cost."""
    replicas = ((live or {}).get("spec") or {}).get("replicas", 1)
    if replicas > 1 and wanted["spec"]["replicas"] == 1:
        return [
            f"Going from {replicas} replicas to 1 makes k0smotron restart the last one: the hosted API is away for about a"
            " minute. Stay at 3 where it must not be."
        ]
    return []


def drifted(inner: Object, wanted: Object) -> list[str]:
    """Fields of k0smotron's Cluster that differ from the K0smotronControlPlane, which k0smotron never compares again.

    It compares a hash of what it wrote last (1.10.9, isClusterSpecSynced), so an edit of its Cluster stays (seen).
    """
    spec = _asked(wanted)
    return sorted(key for key, value in spec.items() if not same(inner["spec"].get(key), value))


def repaired(live: Object, wanted: Object) -> Object:
    """The spec that brings k0smotron's Cluster back to a K0smotronControlPlane as it lives, with the server's defaults.

    All of it: what an earlier repair owns and this one left out, the server would take away. Of what k0smotron adds to
    itself, only what we `wanted`.
    """
    return {**_asked(live), **{key: value for key, value in wanted["spec"].items() if key in _K0SMOTRONS_OWN}}


def _asked(resource: Object) -> Object:
    """A K0smotronControlPlane's spec without what k0smotron adds to itself."""
    return {key: value for key, value in (resource.get("spec") or {}).items() if key not in _K0SMOTRONS_OWN}
