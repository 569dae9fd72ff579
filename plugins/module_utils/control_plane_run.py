# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module control_plane does: the same control plane as the module cluster's, through Cluster API."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_removal, cluster_run, control_planes
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_observation import observe_cluster_api
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_run import Params, Warn
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import cluster_api, cluster_api_judge
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.cluster_api import ClusterApiOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import FIELD_MANAGER, Change, Kube, Ref, changes_result
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_errors import kind_not_served
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def ensure(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Raises HaError."""
    options = options_from(module.params)
    if module.params["state"] == "absent":
        return remove(kube, options, module.params, module.warn)
    return present(kube, options, module.params, module.warn)


def options_from(params: Params) -> ClusterApiOptions:
    """The module's parameters in the core's words."""
    control_plane = cluster_api.with_address(cluster_run.options_from(params))
    infrastructure = params["infrastructure"] or cluster_api.remote_cluster_reference(control_plane.name)
    given = {key: params[key] for key in ("pod_cidrs", "service_cidrs", "service_domain", "paused")}
    return ClusterApiOptions(
        control_plane=control_plane, resource=control_plane.name, infrastructure=infrastructure, **given
    )


def present(kube: Kube, options: ClusterApiOptions, params: Params, warn: Warn) -> dict[str, t.Any]:
    """Declare the control plane and, with `wait`, prove it. Nothing is created when anything is refused."""
    api_version = served_version(kube, lambda version: _kinds(options, version))
    cluster = kube.get(cluster_api.CLUSTER, "Cluster", options.name, options.namespace)
    cluster_api_judge.refuse_topology(cluster)
    cluster_api_judge.refuse_foreign(options, cluster)
    options = cluster_api_judge.adopt(options, cluster)
    cluster_api_judge.refuse_network_change(options, cluster)
    control_plane = cluster_run.prepare(kube, options.control_plane, api_version, warn)
    options = dataclasses.replace(options, control_plane=control_plane)
    *others, resource = cluster_api.desired(options, control_planes.builder([api_version]).build(control_plane))
    resource = _settle(kube, options, cluster, resource, api_version, warn)
    if not kube.check_mode:
        kube.rehearse(resource)  # or a refusal of it would leave the others behind
    changes = kube.apply([*others, resource, *control_planes.budgets(control_plane)])
    changes += cluster_run.drop_budget(kube, control_plane)
    if not changes[len(others)].changed:  # else k0smotron brings its Cluster up to date itself
        changes += _repair(kube, options, resource, api_version)
    wait = {**params, "wait": params["wait"] and not options.paused}
    seen = cluster_run.await_up(kube, control_plane, wait, lambda: observe_cluster_api(kube, options, api_version))
    result = {**changes_result(changes), **cluster_run.describe(control_plane, api_version, seen)}
    return result | {"created": changes[len(others)].action == "create", "resource": options.resource}


def served_version(kube: Kube, kinds: t.Callable[[str], list[tuple[str, str]]]) -> str:
    """The newest version of k0smotron's Cluster in which Cluster API's `kinds`, as pairs of API version and kind, are served.

    Raises NotFound for the first kind that is missing. In check mode, before anything is installed, the oldest one.
    """
    served = (version for version in control_planes.API_VERSIONS if all(kube.serves(*kind) for kind in kinds(version)))
    api_version = next(served, control_planes.API_VERSIONS[-1])
    missing = next((kind for kind in kinds(api_version) if not kube.serves(*kind)), None)
    if missing and not kube.check_mode:
        raise kind_not_served(*missing)
    return api_version


def _kinds(options: ClusterApiOptions, api_version: str) -> list[tuple[str, str]]:
    kinds = [(cluster_api.CLUSTER, "Cluster"), (cluster_api.control_plane_version(api_version), cluster_api.KIND)]
    if options.own_infrastructure:
        version = api_version.rpartition("/")[2]
        kinds.append((f"{cluster_api.INFRASTRUCTURE_GROUP}/{version}", cluster_api.INFRASTRUCTURE_KIND))
    return [*kinds, (api_version, "Cluster")]


def _settle(
    kube: Kube, options: ClusterApiOptions, cluster: Object | None, wanted: Object, api_version: str, warn: Warn
) -> Object:
    """The K0smotronControlPlane to apply over what lives. Raises HaError for what would break something."""
    live = kube.get(*Ref.of(wanted))
    cluster_api_judge.refuse_paused(options, cluster, live, FIELD_MANAGER)
    if pause := cluster_api_judge.foreign_pause(options, cluster, live, FIELD_MANAGER):
        warn(
            f"Somebody else has paused the Cluster {options.name}, too ({pause}): that pause stays until he takes it away"
        )
        wanted = cluster_api_judge.beside_pause(wanted, live, FIELD_MANAGER)
    inner = kube.get(api_version, "Cluster", options.name, options.namespace)
    cluster_api_judge.refuse_standalone(options, inner)
    _refuse_namesake(kube, options, warn)
    if live:
        cluster_api_judge.refuse_change(live, wanted)
        cluster_run.refuse_stragglers(kube, options.control_plane, live.get("spec") or {}, wanted["spec"])
        wanted = cluster_run.keep_patches(live, wanted, options.control_plane, warn)
    for warning in cluster_api_judge.warnings(live, wanted):
        warn(warning)
    return wanted


def _refuse_namesake(kube: Kube, options: ClusterApiOptions, warn: Warn) -> None:
    try:
        clusters = kube.list(cluster_api.CLUSTER, "Cluster")
    except Forbidden as error:
        warn(f"Cannot check whether another namespace has a Cluster of this name: {error}")
        return
    cluster_api_judge.refuse_namesake(options, clusters)


def _repair(kube: Kube, options: ClusterApiOptions, wanted: Object, api_version: str) -> list[Change]:
    """Bring k0smotron's Cluster back to the K0smotronControlPlane as it lives, where somebody has edited it."""
    inner = kube.get(api_version, "Cluster", options.name, options.namespace)
    live = kube.get(*Ref.of(wanted))
    if inner is None or live is None or options.paused or not cluster_api_judge.drifted(inner, live):
        return []
    metadata, spec = {"name": options.name, "namespace": options.namespace}, cluster_api_judge.repaired(live, wanted)
    return kube.apply([{"apiVersion": api_version, "kind": "Cluster", "metadata": metadata, "spec": spec}])


def remove(kube: Kube, options: ClusterApiOptions, params: Params, warn: Warn) -> dict[str, t.Any]:
    """Delete the Cluster, and with it all that belongs to it; the database and its Secret stay."""
    deadline = time.monotonic() + params["wait_timeout"]
    cluster = kube.get(cluster_api.CLUSTER, "Cluster", options.name, options.namespace)
    cluster_api_judge.refuse_topology(cluster)
    cluster_api_judge.refuse_foreign(options, cluster)
    options = cluster_api_judge.adopt(options, cluster)
    for api_version in control_planes.API_VERSIONS:
        inner = kube.get(api_version, "Cluster", options.name, options.namespace)
        cluster_api_judge.refuse_standalone(options, inner)
    if cluster is not None:
        _end_pause(kube, options, cluster)
        warn(cluster_removal.WHAT_STAYS.format(name=options.name))
    refs = [
        Ref(cluster_api.CLUSTER, "Cluster", options.name, options.namespace),
        *cluster_removal.own_budget(kube, options.control_plane),
    ]
    changes = kube.delete(refs, params["wait_timeout"] if params["wait"] else 0)
    if params["wait"] and not kube.check_mode:
        cluster_removal.await_gone(kube, options.control_plane, deadline)
    return changes_result(changes)


def _end_pause(kube: Kube, options: ClusterApiOptions, cluster: Object) -> None:
    """Take our pause away, which would hold up the removal for ever. Raises Conflict for somebody else's."""
    for api_version in map(cluster_api.control_plane_version, control_planes.API_VERSIONS):
        ref = Ref(api_version, cluster_api.KIND, options.resource, options.namespace)
        live = kube.get(*ref)
        if live is None:
            continue
        cluster_api_judge.refuse_paused(dataclasses.replace(options, paused=False), cluster, live, FIELD_MANAGER)
        if cluster_api.PAUSED in (live["metadata"].get("annotations") or {}) and not kube.check_mode:
            kube.merge(ref, {"metadata": {"annotations": {cluster_api.PAUSED: None}}})
        return
