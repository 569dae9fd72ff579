# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upstream manifests as data: parse, order, override. PURE: text and objects in, objects out.

Nothing here changes an object that it was given: overrides return copies.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object, identity

try:
    import yaml

    # The C loader reads upstream's 5000-line CRDs about ten times as fast; not every PyYAML has it.
    _BASE: t.Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
except ImportError:  # kube_module.run() reports it: the kubernetes library needs PyYAML as well
    _BASE = object

NAMESPACE_RANK, CRD_RANK, BASICS_RANK, WORKLOAD_RANK, CUSTOM_RANK, WEBHOOK_RANK = range(6)
# What workloads need when they start.
BASICS = frozenset(
    {
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
        "ConfigMap",
        "Secret",
        "PriorityClass",
        "StorageClass",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "ResourceQuota",
        "LimitRange",
        "NetworkPolicy",
    }
)
ROLLED_OUT_KINDS = frozenset({"Deployment", "DaemonSet", "StatefulSet"})
CONFIG_CHECKSUM = "k0smotron.ha/config-checksum"
WEBHOOK_KINDS = frozenset({"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"})
# Groups without a dot, and these domains, are Kubernetes' own.
BUILT_IN_DOMAINS = (".k8s.io", ".kubernetes.io")
INTEGER = re.compile(r"^[-+]?(?:0|[1-9][0-9_]*|0o?[0-7_]+|0x[0-9a-fA-F_]+)$")
FLOAT = re.compile(r"^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9_]+(?:[eE][-+]?[0-9]+)?|\.(?:inf|nan))$")


class _Loader(_BASE):  # type: ignore[misc]
    """YAML as Kubernetes reads it: dates and `1:30` are text. PyYAML would make dates and base-60 numbers of them."""

    yaml_implicit_resolvers: t.ClassVar[dict[str, list[tuple[str, t.Any]]]] = {
        first: [
            (tag, {"tag:yaml.org,2002:int": INTEGER, "tag:yaml.org,2002:float": FLOAT}.get(tag, pattern))
            for tag, pattern in resolvers
            if tag != "tag:yaml.org,2002:timestamp"
        ]
        for first, resolvers in getattr(_BASE, "yaml_implicit_resolvers", {}).items()
    }


def parse(text: str, source: str) -> list[Object]:
    """The objects in a YAML or JSON text, Lists taken apart, empty documents left out. Raises InvalidInput."""
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f" at line {place.line + 1}" if place else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise InvalidInput(f"{source} is not valid YAML{line}: {problem}", "Check the address or path") from error
    objects = [obj for document in documents if document is not None for obj in _taken_apart(document)]
    for obj in objects:
        _check_object(obj, source)
    return objects


def _taken_apart(document: t.Any) -> list[t.Any]:
    if isinstance(document, dict) and str(document.get("kind", "")).endswith("List") and "items" in document:
        return document["items"] or []
    return [document]


def _check_object(obj: t.Any, source: str) -> None:
    is_object = isinstance(obj, dict) and obj.get("apiVersion") and obj.get("kind")
    if not is_object:
        raise InvalidInput(f"{source} holds something that is not a Kubernetes object", "Check the address or path")
    if not (obj.get("metadata") or {}).get("name"):
        raise InvalidInput(f"{source} holds a {obj['kind']} without metadata.name", "Give it a fixed name")


def rank(obj: t.Mapping[str, t.Any]) -> int:
    """Where an object stands in the order of installation."""
    kind = obj["kind"]
    if kind == "Namespace":
        return NAMESPACE_RANK
    if kind == "CustomResourceDefinition":
        return CRD_RANK
    if kind in WEBHOOK_KINDS:
        return WEBHOOK_RANK
    if _is_custom(obj):
        return CUSTOM_RANK
    return BASICS_RANK if kind in BASICS else WORKLOAD_RANK


def _is_custom(obj: t.Mapping[str, t.Any]) -> bool:
    group = str(obj["apiVersion"]).rpartition("/")[0]
    return "." in group and not f".{group}".endswith(BUILT_IN_DOMAINS)


def ordered(objects: t.Iterable[Object]) -> list[Object]:
    """In the order of installation; equals keep their order. Raises InvalidInput for an object that appears twice."""
    result = sorted(objects, key=rank)
    seen: set[tuple[str, str]] = set()
    for obj in result:
        key = (str(obj["apiVersion"]).rpartition("/")[0], identity(obj))
        if key in seen:
            raise InvalidInput(f"{identity(obj)} appears twice in the manifests", "Leave out one of the sources")
        seen.add(key)
    return result


def selects_otherwise(live: t.Mapping[str, t.Any] | None, wanted: Object) -> bool:
    """Whether a Deployment is there that selects other pods than wanted: the API server never takes a new selector.

    Other workloads are not looked at, because they may hold data that does not survive being made anew.
    """
    if live is None or wanted["kind"] != "Deployment":
        return False
    return _selector(live) != _selector(wanted)


def _selector(deployment: t.Mapping[str, t.Any]) -> Object:
    selector = deployment["spec"].get("selector") or {}
    return {field: terms for field, terms in selector.items() if terms}


def checksum(objects: t.Iterable[Object]) -> str:
    """SHA-256 of what a folder or kustomization holds, whatever the order and layout of its files."""
    texts = sorted(json.dumps(obj, sort_keys=True, separators=(",", ":")) for obj in objects)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def split_image(image: str) -> tuple[str, str]:
    """`host:5000/a/b:v1@sha256:..` -> (`host:5000/a/b`, `:v1@sha256:..`)."""
    name, at, digest = image.partition("@")
    last = name.rpartition("/")[2]
    _name, colon, tag = last.partition(":")
    suffix = colon + tag + at + digest
    return (image[: -len(suffix)] if suffix else image), suffix


def replace_images(objects: t.Sequence[Object], images: t.Mapping[str, str]) -> list[Object]:
    """The objects with other images.

    A key is a whole image, an image without its tag, or the last part of its name; the most exact key wins. A new
    image without tag or digest keeps the old one. An environment variable that tells a container its own image, from
    which CloudNativePG starts its instances, follows. Raises InvalidInput for a key that fits no image: it would be
    a mirror that is not used.
    """
    result = copy.deepcopy(list(objects))
    containers = [one for obj in result if rank(obj) != CRD_RANK for one in _containers(obj)]
    unused = set(images)
    for container in containers:
        key = _image_key(container["image"], images)
        if key is not None:
            unused.discard(key)
            _set_image(container, _new_image(container["image"], images[key]))
    if unused:
        present = ", ".join(sorted({one["image"] for one in containers})) or "none"
        raise InvalidInput(
            f"The manifests use no image {', '.join(sorted(unused))}", f"Name one of the images they use: {present}"
        )
    return result


def _set_image(container: Object, image: str) -> None:
    for variable in container.get("env") or []:
        if variable.get("value") == container["image"]:
            variable["value"] = image
    container["image"] = image


def _containers(node: t.Any) -> t.Iterator[Object]:
    """Every container under a node, in whatever kind of workload."""
    if isinstance(node, list):
        for item in node:
            yield from _containers(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("containers", "initContainers") and isinstance(value, list):
                yield from (item for item in value if isinstance(item, dict) and item.get("image"))
            else:
                yield from _containers(value)


def _image_key(image: str, images: t.Mapping[str, str]) -> str | None:
    name, _suffix = split_image(image)
    return next((key for key in (image, name, name.rpartition("/")[2]) if key in images), None)


def _new_image(old: str, new: str) -> str:
    return new if split_image(new)[1] else new + split_image(old)[1]


def override_config_maps(objects: t.Sequence[Object], overrides: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[Object]:
    """The objects with keys merged into the data of ConfigMaps, by the ConfigMap's name; null removes a key.

    Values become text, as a ConfigMap wants it; booleans become `true` and `false`. Raises InvalidInput for a
    ConfigMap that the manifests do not hold.
    """
    result = copy.deepcopy(list(objects))
    by_name = {obj["metadata"]["name"]: obj for obj in result if obj["kind"] == "ConfigMap"}
    for name, values in overrides.items():
        if name not in by_name:
            present = ", ".join(sorted(by_name)) or "none"
            raise InvalidInput(f"The manifests hold no ConfigMap {name}", f"Name one that they hold: {present}")
        data = {**(by_name[name].get("data") or {}), **{key: _as_text(value) for key, value in values.items()}}
        by_name[name]["data"] = {key: value for key, value in data.items() if value is not None}
    return result


def restarted_on_change(objects: t.Sequence[Object], names: t.Collection[str]) -> list[Object]:
    """The objects with workloads that start anew when the data of one of these ConfigMaps changes.

    Operators read their configuration once, at start; a new ConfigMap alone would change nothing.
    """
    result = copy.deepcopy(list(objects))
    data = {obj["metadata"]["name"]: obj.get("data") or {} for obj in result if obj["kind"] == "ConfigMap"}
    text = json.dumps({name: data[name] for name in names}, sort_keys=True)
    for obj in result if names else []:
        if obj["kind"] in ROLLED_OUT_KINDS:
            metadata = obj["spec"]["template"].setdefault("metadata", {})
            annotations = metadata.get("annotations") or {}
            metadata["annotations"] = {**annotations, CONFIG_CHECKSUM: hashlib.sha256(text.encode()).hexdigest()}
    return result


def without_aggregated_rules(objects: t.Sequence[Object]) -> list[Object]:
    """The objects with ClusterRoles that leave their rules to the cluster where the cluster aggregates them.

    Manifests say `rules: []` there: applied, it would take all rights away until the cluster gives them back.
    """

    def left(obj: Object) -> Object:
        is_aggregated = obj["kind"] == "ClusterRole" and obj.get("aggregationRule")
        return {key: value for key, value in obj.items() if key != "rules"} if is_aggregated else obj

    return [left(obj) for obj in objects]


def _as_text(value: t.Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def place(objects: t.Sequence[Object], namespace: str, is_namespaced: t.Callable[[Object], bool]) -> list[Object]:
    """The objects with a namespace where one is missing, as kubectl would add it."""

    def placed(obj: Object) -> Object:
        if obj["metadata"].get("namespace") or not is_namespaced(obj):
            return obj
        return {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}

    return [placed(obj) for obj in objects]


def scopes(objects: t.Iterable[Object]) -> dict[tuple[str, str], bool]:
    """(group, kind) -> whether it lives in namespaces, of the CRDs among the objects."""
    return {
        (obj["spec"]["group"], obj["spec"]["names"]["kind"]): obj["spec"]["scope"] == "Namespaced"
        for obj in objects
        if obj["kind"] == "CustomResourceDefinition"
    }
