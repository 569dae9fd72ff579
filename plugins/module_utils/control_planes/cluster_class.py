# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ClusterClass whose Clusters are highly available control planes on k0smotron, each on a database of its own. Pure.

One template serves many Clusters. What differs by Cluster stands in it as a word in braces, and Cluster API puts the
Cluster's own value there, by patches of the class that are made here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import cluster_api
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.changes import applied
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.cluster_api import ClusterApiOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.cluster_api_judge import words
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.validate import validate as validate_one
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, conditions, require_dns_label
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

KIND = "ClusterClass"
TEMPLATE_KIND = f"{cluster_api.KIND}Template"
INFRASTRUCTURE_KIND = f"{cluster_api.INFRASTRUCTURE_KIND}Template"
CLASS_LABEL = "k0smotron.ha/cluster-class"
"""On the class, which is ours by it, and on the templates that are made here: by it the outdated ones are found again."""
CHECKSUM_VARIABLE = "dataSourceChecksum"
_CLUSTER, _NAMESPACE, _CHECKSUM = "{cluster}", "{namespace}", "{data-source-checksum}"
_VALUES: t.Mapping[str, str] = {
    _CLUSTER: "{{ .builtin.cluster.name }}",
    _NAMESPACE: "{{ .builtin.cluster.namespace }}",
    _CHECKSUM: f"{{{{ .{CHECKSUM_VARIABLE} }}}}",
}
_NAMING = {"template": "{{ .cluster.name }}"}
_DIGITS = 10
_NAME_LIMIT = 63 - len("-") - _DIGITS
_CLONED_FROM = "cluster.x-k8s.io/cloned-from-name"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassOptions:
    """What a class is asked for."""

    control_plane: ControlPlaneOptions
    """Of each Cluster. Its name and its namespace are those of the class; its version is each Cluster's own matter."""
    infrastructure: t.Mapping[str, str] | None = None
    """``api_version``, ``kind`` and ``name`` of a template for infrastructure; None for a RemoteCluster."""

    @property
    def name(self) -> str:
        return self.control_plane.name

    @property
    def namespace(self) -> str:
        return self.control_plane.namespace


def validate(options: ClassOptions) -> None:
    """Raise InvalidInput for the first option that will not do for several Clusters."""
    one = options.control_plane
    require_dns_label("The class's name", one.name, _NAME_LIMIT)
    if one.service_type == "NodePort":
        raise InvalidInput(
            "With service_type NodePort all Clusters of the class would want the same ports of the nodes",
            "Use LoadBalancer or ClusterIP, or the module control_plane for each Cluster",
        )
    ingress = one.spec.get("ingress") or {}
    for name, value, consequence in (
        ("data_source_secret", one.data_source_secret, "database"),
        ("external_address", one.external_address, "address"),
        ("spec.externalAddress", one.spec.get("externalAddress"), "address"),
        ("spec.ingress.apiHost", ingress.get("apiHost"), "address"),
        ("spec.ingress.konnectivityHost", ingress.get("konnectivityHost"), "address"),
    ):
        if value and _CLUSTER not in str(value):
            raise InvalidInput(
                f"{name} {value!r} is the same for all Clusters of the class, which would share one {consequence}",
                f"Write {_CLUSTER} where the Cluster's name belongs",
            )
    secret = (one.data_source_secret or "").replace(_CLUSTER, "cluster").replace(_NAMESPACE, "namespace")
    validate_one(dataclasses.replace(one, name="cluster", data_source_secret=secret))


def each(options: ClassOptions) -> ControlPlaneOptions:
    """The control plane of any Cluster of the class: with words in braces for what differs by Cluster."""
    one = dataclasses.replace(
        options.control_plane, name=_CLUSTER, namespace=_NAMESPACE, data_source_checksum=_CHECKSUM
    )
    return cluster_api.with_address(one)


def of_cluster(options: ClassOptions, cluster: Object) -> ControlPlaneOptions:
    """The same of one Cluster, as far as its data source goes: with its names in the Secret's and in the mounts."""
    name, namespace = cluster["metadata"]["name"], cluster["metadata"]["namespace"]
    texts = json.dumps([options.control_plane.data_source_secret, list(options.control_plane.mounts)])
    secret, mounts = json.loads(texts.replace(_CLUSTER, name).replace(_NAMESPACE, namespace))
    return dataclasses.replace(
        options.control_plane, name=name, namespace=namespace, data_source_secret=secret, mounts=mounts
    )


def template_spec(options: ClassOptions, inner: Object) -> Object:
    """The K0smotronControlPlane's spec in the template; `inner` is the k0smotron Cluster of `each(options)`.

    Cluster API wants the version from each Cluster's topology, and writes it over the template's.
    """
    wrapped = ClusterApiOptions(control_plane=each(options), resource=_CLUSTER, infrastructure={})
    spec = cluster_api.control_plane(wrapped, inner, _version(inner))["spec"]
    return {key: value for key, value in spec.items() if key != "version"}


def desired(options: ClassOptions, spec: Object, api_version: str) -> list[Object]:
    """The objects to apply, the class last; `spec` is template_spec()'s.

    The template is named after what is in it: another content is another template, to which the class then turns. That
    is how Cluster API notices, which does not watch templates.
    """
    version = cluster_api.control_plane_version(api_version)
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:_DIGITS]
    template = _template(options, version, TEMPLATE_KIND, f"{options.name}-{digest}", spec)
    remote = [] if options.infrastructure else [_template(options, *infrastructure_kind(api_version), options.name, {})]
    infrastructure = _reference(remote[0]) if remote else _given(options.infrastructure or {})
    return [*remote, template, _class(options, template, infrastructure)]


def infrastructure_kind(api_version: str) -> tuple[str, str]:
    """API version and kind of the infrastructure's template, where no other is given."""
    return f"{cluster_api.INFRASTRUCTURE_GROUP}/{api_version.rpartition('/')[2]}", INFRASTRUCTURE_KIND


def _class(options: ClassOptions, template: Object, infrastructure: Object) -> Object:
    spec = {
        "controlPlane": {"templateRef": _reference(template), "naming": _NAMING},
        "infrastructure": {"templateRef": infrastructure, "naming": _NAMING},
        "variables": [_checksum_variable()],
        "patches": [_patch(template)],
    }
    return {"apiVersion": cluster_api.CLUSTER, "kind": KIND, "metadata": _metadata(options, options.name), "spec": spec}


def with_others(made: Object, live: Object | None) -> Object:
    """`made`, the class, with the variables and patches that others have added to it, in their order.

    To the API server each of the two is one value, so that what is left out of an apply goes (1.11.4, seen).
    """
    spec = dict(made["spec"])
    for field in ("variables", "patches"):
        ours = {entry["name"]: entry for entry in spec[field]}
        there = ((live or {}).get("spec") or {}).get(field) or []
        spec[field] = [*(ours.pop(entry["name"], entry) for entry in there), *ours.values()]
    return {**made, "spec": spec}


def template_key(api_version: str, kind: str, name: str) -> tuple[str, str, str]:
    """Which template: group, kind and name. The same one may be named in several API versions."""
    return api_version.rpartition("/")[0], kind, name


def named_templates(classes: t.Iterable[Object]) -> set[tuple[str, str, str]]:
    """template_key() of each template that these classes name, for whatever."""
    references = [reference for each in classes for reference in _references(each.get("spec"))]
    return {template_key(*(str(ref.get(key) or "") for key in ("apiVersion", "kind", "name"))) for ref in references}


def _references(value: t.Any) -> t.Iterator[Object]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "templateRef" and isinstance(inner, dict):
                yield inner
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _checksum_variable() -> Object:
    """What a Cluster says of its data source, so that its pods are replaced when that changes: they do not notice."""
    schema = {
        "type": "string",
        "default": "",
        "pattern": "^[0-9a-f]*$",
        "description": "The checksum that the module datasource_secret returned",
    }
    return {"name": CHECKSUM_VARIABLE, "required": False, "schema": {"openAPIV3Schema": schema}}


def _patch(template: Object) -> Object:
    """Puts each Cluster's values in. Whole fields, because a JSON patch of Cluster API cannot reach into lists."""
    spec = template["spec"]["template"]["spec"]
    texts = {field: json.dumps(value, sort_keys=True) for field, value in sorted(spec.items())}
    patches = [
        {"op": "replace", "path": f"/spec/template/spec/{field}", "valueFrom": {"template": _go_template(text)}}
        for field, text in texts.items()
        if any(word in text for word in _VALUES)
    ]
    selector = {
        "apiVersion": template["apiVersion"],
        "kind": template["kind"],
        "matchResources": {"controlPlane": True},
    }
    return {"name": "k0smotron-ha", "definitions": [{"selector": selector, "jsonPatches": patches}]}


def _go_template(text: str) -> str:
    text = text.replace("{{", '{{ "{{" }}')
    for word, value in _VALUES.items():
        text = text.replace(word, value)
    return text


def _template(options: ClassOptions, api_version: str, kind: str, name: str, spec: Object) -> Object:
    metadata = _metadata(options, name)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": {"template": {"spec": spec}}}


def _metadata(options: ClassOptions, name: str) -> Object:
    return {"name": name, "namespace": options.namespace, "labels": {CLASS_LABEL: options.name}}


def _reference(obj: Object) -> Object:
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "name": obj["metadata"]["name"]}


def _given(infrastructure: t.Mapping[str, str]) -> Object:
    return {
        "apiVersion": infrastructure["api_version"],
        "kind": infrastructure["kind"],
        "name": infrastructure["name"],
    }


def _version(obj: Object) -> str:
    return str(obj["apiVersion"].rpartition("/")[2])


def uses(cluster: Object, options: ClassOptions) -> bool:
    """Whether a Cluster is built from this class."""
    reference = ((cluster.get("spec") or {}).get("topology") or {}).get("classRef") or {}
    namespace = reference.get("namespace") or cluster["metadata"]["namespace"]
    return (reference.get("name"), namespace) == (options.name, options.namespace)


def identity(cluster: Object) -> str:
    """How a Cluster is named to people."""
    return f"{cluster['metadata']['namespace']}/{cluster['metadata']['name']}"


def leaving(cluster: Object) -> bool:
    """Whether a Cluster is being deleted: nothing that changes in its class reaches it."""
    return bool(cluster["metadata"].get("deletionTimestamp"))


def refuse_foreign(options: ClassOptions, live: Object, field_manager: str) -> None:
    """Raise Conflict for the class, or a template of it, that somebody else made.

    field_manager is the name under which we apply: the class had no label of ours at first.
    """
    metadata = live["metadata"]
    if not applied(live, field_manager) and (metadata.get("labels") or {}).get(CLASS_LABEL) != options.name:
        raise Conflict(
            f"There is a {live['kind']} {metadata['name']} in namespace {options.namespace}, which this module did not make",
            f"Choose another name; or, if it shall be managed and removed from here on, label it {CLASS_LABEL}={options.name}",
        )


def refuse_use(options: ClassOptions, clusters: t.Sequence[Object]) -> None:
    """Raise InvalidInput for the removal of a class that has Clusters."""
    if clusters:
        raise InvalidInput(
            f"The ClusterClass {options.name} is used by {', '.join(map(identity, clusters))}",
            "Remove these Clusters first, or give them another class",
        )


def judge(template: Object, live: Object | None, clusters: t.Sequence[tuple[Object, Object | None]]) -> Verdict:
    """Has Cluster API taken the class over, and has each of its Clusters what the template says?

    Whether the replicas are done with it is another question; `clusters` holds each with its K0smotronControlPlane.
    """
    problem = _unready(live) or next(filter(None, (_behind(template, *pair) for pair in clusters)), None)
    return Verdict(not problem, problem or f"{len(clusters)} Clusters have the template {template['metadata']['name']}")


def _unready(live: Object | None) -> str | None:
    if live is None:
        return "There is no ClusterClass yet"
    status = live.get("status") or {}
    if status.get("observedGeneration") != live["metadata"].get("generation"):
        return f"Cluster API has not looked at the ClusterClass yet{words(live, 'RefVersionsUpToDate')}"
    if conditions(live).get("VariablesReady") != "True":
        return f"Cluster API does not take the ClusterClass's variables{words(live, 'VariablesReady')}"
    return None


def _behind(template: Object, cluster: Object, resource: Object | None) -> str | None:
    if _paused(cluster) or leaving(cluster):
        return None
    cloned = ((resource or {}).get("metadata") or {}).get("annotations") or {}
    if cloned.get(_CLONED_FROM) == template["metadata"]["name"]:
        return None
    return f"Cluster {identity(cluster)} does not have the template yet{words(cluster, 'TopologyReconciled')}"


def _paused(cluster: Object) -> bool:
    annotations = cluster["metadata"].get("annotations") or {}
    return bool((cluster.get("spec") or {}).get("paused")) or cluster_api.PAUSED in annotations
