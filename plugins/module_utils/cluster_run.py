# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module cluster does: check everything, apply, wait until every replica answers."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_removal, control_planes, database_move
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_observation import (
    Observation,
    newest_served,
    observe,
    service_of,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import (
    address_change,
    cluster_api,
    k0s_config,
    node_ports,
    rolling,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import changes as live_changes
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.data_source import examine
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import FIELD_MANAGER, Change, Kube, Ref, changes_result
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_errors import kind_not_served
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

Object: t.TypeAlias = dict[str, t.Any]
Params: t.TypeAlias = t.Mapping[str, t.Any]
Warn: t.TypeAlias = t.Callable[[str], None]


def ensure(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Raises HaError."""
    options = options_from(module.params)
    if module.params["state"] == "absent":
        return cluster_removal.remove(kube, options, module.params, module.warn)
    return present(kube, options, module.params, module.warn)


def options_from(params: Params) -> ControlPlaneOptions:
    """The module's parameters in the core's words; what is about the connection or the wait is left out."""
    fields = {field.name for field in dataclasses.fields(ControlPlaneOptions)}
    given = {name: value for name, value in params.items() if name in fields}
    if not given["persistence"]:  # a role passes an empty dict on for "the default"
        del given["persistence"]
    return ControlPlaneOptions(**given)


def present(kube: Kube, options: ControlPlaneOptions, params: Params, warn: Warn) -> dict[str, t.Any]:
    """Declare the control plane and, with `wait`, prove it. Nothing is created when anything is refused."""
    api_version = served_version(kube)
    options = prepare(kube, options, api_version, warn)
    wanted = _settle(kube, options, api_version, warn)
    changes = kube.apply(wanted) + drop_budget(kube, options)
    seen = await_up(kube, options, params, lambda: observe(kube, options, api_version))
    created = changes[0].action == "create"
    return {**changes_result(changes), **describe(options, api_version, seen), "created": created}


def prepare(kube: Kube, options: ControlPlaneOptions, api_version: str, warn: Warn) -> ControlPlaneOptions:
    """The options with what only the cluster knows. Raises HaError for what could not work; changes nothing."""
    control_planes.validate(options)
    source = examine(kube, options)
    live = kube.get(api_version, "Cluster", options.name, options.namespace)
    if not options.allow_other_database:
        database_move.refuse_by_cluster(kube, live, source.url)
    for budget in control_planes.budgets(options):
        live_changes.refuse_foreign_budget(kube.get(*Ref.of(budget)), FIELD_MANAGER)
    if live is None:
        database_move.refuse_shared(kube, options.name, options.namespace, source.url, warn)
    fast_start = options.fast_start and _may_start_fast(live, source.url)
    options = dataclasses.replace(options, data_source_checksum=source.checksum, fast_start=fast_start)
    if options.service_type == "NodePort":
        _refuse_port_clash(kube, options, api_version, warn)
        options = _with_node_address(kube, options, live, warn)
    warnings = [*control_planes.warnings(options), *source.warnings]
    if live is not None:
        options, costs = _compared(kube, live, options, api_version)
        warnings += costs
    for warning in warnings:
        warn(warning)
    return options


def served_version(kube: Kube) -> str:
    """The newest API version of k0smotron that the cluster serves.

    In check mode, before k0smotron is installed, the oldest one: every k0smotron that we know serves it.
    """
    served = newest_served(kube)
    if served:
        return served
    if kube.check_mode:
        return control_planes.API_VERSIONS[-1]
    raise kind_not_served(control_planes.API_VERSIONS[0], "Cluster")


def _may_start_fast(live: Object | None, url: str | None) -> bool:
    """Whether the replicas may start at once: not those of a new control plane on MySQL.

    There a kine that finds its table while another one is making it leaves the unique index out, and that one cannot make
    it any more (kine 0.16, seen). A live one keeps what it was created with, so it is asked for that, which warns of nothing.
    """
    on_mysql = url is not None and parse(url).scheme == "mysql"
    return not on_mysql or (live is not None and control_planes.starts_fast(live))


def _refuse_port_clash(kube: Kube, options: ControlPlaneOptions, api_version: str, warn: Warn) -> None:
    try:
        clusters, services = kube.list(api_version, "Cluster"), kube.list("v1", "Service")
    except Forbidden as error:
        warn(f"Cannot check whether the node ports are free: {error}")
        return
    me = (options.namespace, options.name)
    node_ports.refuse_clash(me, (options.api_port, options.konnectivity_port), clusters, services)


def _with_node_address(
    kube: Kube, options: ControlPlaneOptions, live: Object | None, warn: Warn
) -> ControlPlaneOptions:
    """The options with an address of a node, kept for good once chosen.

    k0smotron would choose one at random in each reconciliation until one of its writes succeeds (1.10.9, util.FindNodeAddress):
    the replicas' certificates and the kubeconfig may then name different nodes.
    """
    spec = (live or {}).get("spec") or {}
    was_node_port = (spec.get("service") or {}).get("type") == "NodePort"
    chosen = options.external_address or (spec.get("externalAddress") if was_node_port else None)
    try:
        chosen = chosen or control_planes.node_address(kube.list("v1", "Node"))
    except Forbidden as error:
        warn(f"k0smotron chooses a node's address at random, because external_address is not given: {error}")
    return dataclasses.replace(options, external_address=chosen)


def _compared(
    kube: Kube, live: Object, options: ControlPlaneOptions, api_version: str
) -> tuple[ControlPlaneOptions, list[str]]:
    """The options with what rolls the replicas for a change that k0smotron puts into a ConfigMap only, and what it costs."""
    wanted = control_planes.builder([api_version]).build(options)
    owner, declared, copy = cluster_api.owner(live), live, None
    if owner:
        kind = (cluster_api.control_plane_version(api_version), cluster_api.KIND)
        declared, copy = kube.get(*kind, owner, options.namespace) or live, live
    ours = live_changes.owned_fields(declared, FIELD_MANAGER, "spec")
    checksum = rolling.config_checksum(declared, wanted, ours, copy)
    if owner:
        ours.pop("externalAddress", None)  # k0smotron puts its own Cluster's in its place
    return dataclasses.replace(options, config_checksum=checksum), address_change.warnings(live, wanted, ours)


def _settle(kube: Kube, options: ControlPlaneOptions, api_version: str, warn: Warn) -> list[Object]:
    """The objects to apply over what lives, the Cluster first. Raises InvalidInput for a change that breaks it."""
    cluster, *others = control_planes.desired(options, api_version)
    live = kube.get(*Ref.of(cluster))
    if live is None:
        return [cluster, *others]
    live_changes.refuse_change(live, cluster, FIELD_MANAGER)
    refuse_stragglers(kube, options, live["spec"], cluster["spec"])
    cluster = k0s_config.keep(live, cluster, service_of(kube, options), live_changes.owned(live, FIELD_MANAGER, "spec"))
    return [keep_patches(live, cluster, options, warn), *others]


def refuse_stragglers(kube: Kube, options: ControlPlaneOptions, live: Object, wanted: Object) -> None:
    """Raise InvalidInput for an upgrade while a replica still runs what came before the version that `live` declares."""
    if live_changes.upgrades(live, wanted):
        pods = kube.list("v1", "Pod", options.namespace, control_planes.pod_selector(options.name))
        live_changes.refuse_stragglers(live, wanted, pods)


def keep_patches(live: Object, wanted: Object, options: ControlPlaneOptions, warn: Warn) -> Object:
    """`wanted` with the patches that `live` was created with, and a warning where that is not what was asked for."""
    wanted, kept = live_changes.keep_patches(live, wanted)
    # A control plane from before k0smotron 2 has none: that fast_start is on by default is no reason to warn for ever.
    if kept and (live["spec"].get("patches") or options.spec.get("patches")):
        warn(
            "fast_start and spec.patches take effect only when a control plane is created, so this one keeps what it "
            "was created with"
        )
    return wanted


def drop_budget(kube: Kube, options: ControlPlaneOptions) -> list[Change]:
    """Delete a PodDisruptionBudget of an earlier run that is not wanted any more."""
    return [] if control_planes.budgets(options) else kube.delete(cluster_removal.own_budget(kube, options))


def await_up(
    kube: Kube, options: ControlPlaneOptions, params: Params, look: t.Callable[[], Observation]
) -> Observation:
    """What `look` sees at the end: in check mode and without `wait` at once, else when it is up."""
    last: list[Observation] = []
    selector = control_planes.pod_selector(options.name)

    def probe() -> Verdict:
        last[:] = [look()]
        return last[0].verdict

    if kube.check_mode or not params["wait"]:
        probe()
    else:
        kube.wait(probe, params["wait_timeout"], lambda: kube.diagnose(options.namespace, selector))
    return last[0]


def describe(options: ControlPlaneOptions, api_version: str, seen: Observation) -> dict[str, t.Any]:
    """The module's result apart from changed and diff."""
    details = seen.verdict.details
    return {
        "api_version": api_version,
        "api_url": seen.api_url,
        "kubeconfig_secret": control_planes.kubeconfig_secret(options.name),
        "replicas": details["replicas"],
        "readyz": details["readyz"],
        "nodes": details["nodes"],
        "verdict": {"up": seen.verdict.up, "reason": seen.verdict.reason},
    }
