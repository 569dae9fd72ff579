# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module control_plane_template does: a ClusterClass, for control planes like those of the module control_plane."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_run, control_planes, database_move
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_observation import newest_served
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_report import kine_source
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_run import Params, Warn
from ansible_collections.k0smotron.ha.plugins.module_utils.control_plane_run import served_version
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import (
    address_change,
    cluster_api,
    cluster_api_judge,
    cluster_class,
    rolling,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import changes as live_changes
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.cluster_class import ClassOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.common import CONFIG_ANNOTATION
from ansible_collections.k0smotron.ha.plugins.module_utils.data_source import examine
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, HaError, InvalidInput, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import FIELD_MANAGER, Kube, Ref, changes_result
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, merged
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def ensure(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Raises HaError."""
    params = module.params
    options = ClassOptions(
        control_plane=cluster_run.options_from(params), infrastructure=params["infrastructure_template"]
    )
    if params["state"] == "absent":
        return remove(kube, options, params, module.warn)
    return present(kube, options, params, module.warn)


def present(kube: Kube, options: ClassOptions, params: Params, warn: Warn) -> dict[str, t.Any]:
    """Declare the class; outdated templates go when nothing refers to them any more."""
    cluster_class.validate(options)
    for warning in control_planes.warnings(options.control_plane):
        warn(warning)
    api_version = served_version(kube, lambda version: _kinds(options, version))
    _require_infrastructure(kube, options)
    live = _own(kube, options, _ref(options))
    users = _users(kube, options, warn)
    spec = cluster_class.template_spec(
        options, control_planes.builder([api_version]).build(cluster_class.each(options))
    )
    if live:
        current = _template(kube, live, options)
        if users:
            spec = _settle(kube, current, options, spec, users, warn)
        spec = _rolled(current, spec)
    *templates, made = cluster_class.desired(options, spec, api_version)
    for template in templates:
        _own(kube, options, Ref.of(template))
    wanted = cluster_class.with_others(made, live)
    _rehearse(kube, wanted)
    naming = [merged(live or {}, wanted), *_other_classes(kube, options)]
    changes = kube.apply([*templates, wanted])
    changes += kube.delete(_templates(kube, options, naming))
    if params["wait"] and not kube.check_mode:
        _await(kube, options, templates[-1], params["wait_timeout"])
    return {
        **changes_result(changes),
        "api_version": api_version,
        "template": templates[-1]["metadata"]["name"],
        "clusters": [cluster_class.identity(cluster) for cluster in users],
    }


def _kinds(options: ClassOptions, api_version: str) -> list[tuple[str, str]]:
    kinds = [
        (cluster_api.CLUSTER, cluster_class.KIND),
        (cluster_api.control_plane_version(api_version), cluster_class.TEMPLATE_KIND),
    ]
    return kinds if options.infrastructure else [*kinds, cluster_class.infrastructure_kind(api_version)]


def _require_infrastructure(kube: Kube, options: ClassOptions) -> None:
    """Raise NotFound for a template that is not there: Cluster API would only say that there is something in its log."""
    wanted = options.infrastructure
    if not wanted or kube.check_mode:  # there, a task before this one may be about to make it
        return
    if kube.get(wanted["api_version"], wanted["kind"], wanted["name"], options.namespace) is None:
        raise NotFound(
            f"There is no {wanted['kind']} {wanted['name']} of {wanted['api_version']} in namespace {options.namespace}",
            "Create it first, or leave infrastructure_template out for a RemoteCluster",
        )


def _ref(options: ClassOptions) -> Ref:
    return Ref(cluster_api.CLUSTER, cluster_class.KIND, options.name, options.namespace)


def _own(kube: Kube, options: ClassOptions, ref: Ref) -> Object | None:
    """What is there; None for nothing. Raises Conflict for somebody else's."""
    live = kube.get(*ref)
    if live is not None:
        cluster_class.refuse_foreign(options, live, FIELD_MANAGER)
    return live


def _users(kube: Kube, options: ClassOptions, warn: Warn) -> list[Object]:
    """The Clusters of the class."""
    try:
        clusters = kube.list(cluster_api.CLUSTER, "Cluster")
    except Forbidden as error:
        warn(f"Cannot see which Clusters of other namespaces use the class: {error}")
        clusters = kube.list(cluster_api.CLUSTER, "Cluster", options.namespace)
    return [cluster for cluster in clusters if cluster_class.uses(cluster, options)]


def _template(kube: Kube, live: Object, options: ClassOptions) -> Object | None:
    """The class's template as it is; None when there is none any more."""
    reference = (live["spec"].get("controlPlane") or {}).get("templateRef")
    if not reference:
        return None
    return kube.get(reference["apiVersion"], reference["kind"], reference["name"], options.namespace)


def _settle(
    kube: Kube, current: Object | None, options: ClassOptions, spec: Object, users: t.Sequence[Object], warn: Warn
) -> Object:
    """The spec for the template of a class that has Clusters. Raises HaError for what would break them."""
    before = current and current["spec"]["template"]
    if kine_source((before or {"spec": {}})["spec"])[0] != options.control_plane.data_source_secret:
        urls = _examine_sources(kube, options, users, warn)
        if not options.control_plane.allow_other_database:
            _refuse_moves(kube, urls)
    if not current or not before:
        return spec
    cluster_api_judge.refuse_change(before, {"spec": spec})
    metadata = {"name": "{cluster}", "namespace": "{namespace}"}
    each = {"apiVersion": current["apiVersion"], "metadata": metadata, "spec": spec}
    for warning in [*cluster_api_judge.warnings(before, each), *address_change.warnings(before, each, {})]:
        warn(warning)
    return t.cast("Object", cluster_run.keep_patches(before, {"spec": spec}, cluster_class.each(options), warn)["spec"])


def _rolled(template: Object | None, spec: Object) -> Object:
    """The spec, and what rolls all replicas when something changes in it that k0smotron would only put into ConfigMaps."""
    if template is None:
        return spec
    ours = live_changes.owned_fields(template, FIELD_MANAGER, "spec", "template", "spec")
    rolled = rolling.config_checksum(template["spec"]["template"], {"spec": spec}, ours)
    return merged(spec, {"kubeconfigSecretMetadata": {"annotations": {CONFIG_ANNOTATION: rolled}}}) if rolled else spec


def _examine_sources(
    kube: Kube, options: ClassOptions, users: t.Sequence[Object], warn: Warn
) -> list[tuple[Object, str | None]]:
    """Each Cluster with the URL to which it would turn, None where nobody knows it yet.

    Raises InvalidInput with what is wrong with any of the data sources.
    """
    urls, problems = [], []
    for cluster in users:
        if cluster_class.leaving(cluster):
            continue
        who = cluster_class.identity(cluster)
        try:
            found = examine(kube, cluster_class.of_cluster(options, cluster))
        except HaError as error:
            problems.append(f"{who}: {error}")
        else:
            urls.append((cluster, found.url))
            for warning in found.warnings:
                warn(f"{who}: {warning}")
    if problems:
        raise InvalidInput(
            f"All Clusters of the class would turn to another data source at the same time, and {len(problems)} of them have"
            f" none that works. {' '.join(problems)}",
            "Write each of these Secrets before data_source_secret changes",
        )
    return urls


def _refuse_moves(kube: Kube, urls: t.Iterable[tuple[Object, str | None]]) -> None:
    """Raise Conflict for a URL that would lead a Cluster that has run to another database."""
    api_version = newest_served(kube) or control_planes.API_VERSIONS[0]
    for cluster, url in urls:
        inner = kube.get(api_version, "Cluster", cluster["metadata"]["name"], cluster["metadata"]["namespace"])
        database_move.refuse_by_cluster(kube, inner, url)


def _rehearse(kube: Kube, wanted: Object) -> None:
    """Raise what the class would be refused for, before its templates are made."""
    try:
        kube.rehearse(wanted)
    except NotFound:
        if not kube.check_mode:  # there, the namespace or Cluster API itself may come into being only in the real run
            raise
    except Forbidden as error:
        if "ClusterTopology" not in error.message:
            raise
        raise Forbidden(
            "Cluster API takes no ClusterClass, because its feature gate ClusterTopology is off",
            "Run the role k0smotron.ha.cluster_api with CLUSTER_TOPOLOGY: true in cluster_api_variables",
        ) from None


def _other_classes(kube: Kube, options: ClassOptions) -> list[Object]:
    """The other classes of the namespace: they may name templates that were made for this one."""
    classes = kube.list(cluster_api.CLUSTER, cluster_class.KIND, options.namespace)
    return [each for each in classes if each["metadata"]["name"] != options.name]


def _templates(kube: Kube, options: ClassOptions, naming: t.Iterable[Object]) -> list[Ref]:
    """The templates that were made for the class and that none of `naming`, which are classes, names."""
    named = cluster_class.named_templates(naming)
    found: list[Ref] = []
    for api_version in control_planes.API_VERSIONS:
        for kind in _kinds(ClassOptions(control_plane=options.control_plane), api_version)[1:]:
            labeled = kube.list(*kind, options.namespace, f"{cluster_class.CLASS_LABEL}={options.name}")
            found += [Ref.of(obj) for obj in labeled]
        if found:
            break
    return [ref for ref in found if cluster_class.template_key(ref.api_version, ref.kind, ref.name) not in named]


def _await(kube: Kube, options: ClassOptions, template: Object, timeout: float) -> None:
    def control_plane(cluster: Object) -> Object | None:
        name = (cluster["spec"].get("controlPlaneRef") or {}).get("name")
        namespace = cluster["metadata"]["namespace"]
        return kube.get(template["apiVersion"], cluster_api.KIND, name, namespace) if name else None

    def probe() -> Verdict:
        live = kube.get(*_ref(options))
        users = _users(kube, options, lambda warning: None)
        return cluster_class.judge(template, live, [(cluster, control_plane(cluster)) for cluster in users])

    kube.wait(probe, timeout)


def remove(kube: Kube, options: ClassOptions, params: Params, warn: Warn) -> dict[str, t.Any]:
    """Delete the class with its templates; never one that has Clusters or is somebody else's."""
    _own(kube, options, _ref(options))
    cluster_class.refuse_use(options, _users(kube, options, warn))
    refs = [_ref(options), *_templates(kube, options, _other_classes(kube, options))]
    return changes_result(kube.delete(refs, params["wait_timeout"] if params["wait"] else 0))
