# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that would not reach the pods by themselves. Pure.

k0smotron replaces pods when their template changes. Flags, addresses and k0sConfig stand in ConfigMaps only, which a replica
reads when it starts (1.10.9, generateConfig and generateEntrypointCM), so a checksum of them goes into the template.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.common import (
    CONFIG_ANNOTATION,
    pod_annotations,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.k0s_config import certificate_names
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, mapping, merged

_DIGITS = 32
_OF_INGRESS = ("apiHost", "konnectivityHost", "port")

# What k0smotron replaces, completes or strips in a k0sConfig (1.10.9 and 2.1.0, generateConfig and ReconcileDynamicConfig), and
# what stays of one that is not wanted any more: compared, it would differ in every run.
_REWRITTEN: Object = {
    "apiVersion": None,
    "kind": None,
    "metadata": {"name": None, "namespace": None},
    "spec": {
        "api": {"externalAddress": None, "port": None, "sans": None},
        "konnectivity": {"agentPort": None, "externalAddress": None},
        "network": {"controlPlaneLoadBalancing": None},
        "storage": None,
    },
}
_REWRITTEN_WITH_INGRESS: Object = {"spec": {"api": {"extraArgs": {"endpoint-reconciler-type": None}}}}


def config_checksum(live: Object, wanted: Object, ours: Object, copy: Object | None = None) -> str | None:
    """What the annotation of a live control plane has to be when `wanted` is applied; None for no annotation.

    It changes only when one of these fields does, and then always, also when the same edit of somebody else's is taken back
    again. So an update of this collection rolls nobody, a second run finds what the first one wrote, and a control plane
    has none until its first such change: a new one has nothing to be told from. `ours` are the fields of the live spec that
    we have set, as `changes.owned_fields` has them: that others go is not our doing. `copy` is the Cluster that k0smotron
    has made of `live`, when that is a K0smotronControlPlane.
    """
    there = pod_annotations(live).get(CONFIG_ANNOTATION)
    if not _differ(live.get("spec") or {}, wanted["spec"], ours) and not _edited(copy, wanted, there):
        return there
    fields = _fields(wanted["spec"], _rewritten(wanted["spec"]))
    text = json.dumps([there, fields, sorted(certificate_names(wanted["spec"]))], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _edited(copy: Object | None, wanted: Object, annotation: str | None) -> bool:
    """Whether somebody has edited k0smotron's Cluster, which with another annotation only waits for the newest settings."""
    if copy is None or pod_annotations(copy).get(CONFIG_ANNOTATION) != annotation:
        return False
    return _differ(copy["spec"], wanted["spec"], {})


def _differ(live: Object, wanted: Object, ours: Object) -> bool:
    rewritten = _rewritten(wanted)
    old, new, held = (_fields(spec, rewritten) for spec in (live, wanted, ours))
    named = set(certificate_names(wanted)) <= set(certificate_names(live))
    return _lost(held, new) or not _holds(old, new) or not named


def _lost(ours: t.Any, wanted: t.Any) -> bool:
    """Whether a field of ours is not wanted any more."""
    if isinstance(ours, dict):
        return any(_lost(each, mapping(wanted).get(key)) for key, each in ours.items())
    return wanted is None


def _holds(live: t.Any, wanted: t.Any) -> bool:
    """Whether everything wanted stands there, false and 0 included; others may have added to it."""
    if isinstance(wanted, dict):
        return all(_holds(mapping(live).get(key), each) for key, each in wanted.items())
    return bool(live == wanted)


def _rewritten(spec: Object) -> list[Object]:
    return [_REWRITTEN, *([_REWRITTEN_WITH_INGRESS] if spec.get("ingress") else [])]


def _fields(spec: Object, rewritten: t.Iterable[Object]) -> Object:
    """What stands in ConfigMaps only, in words that both API versions share."""
    config, ingress = mapping(spec.get("k0sConfig")), mapping(spec.get("ingress"))
    for overlay in rewritten if config else []:
        config = merged(config, overlay)
    found = {
        "flags": spec.get("controlPlaneFlags") or spec.get("controllerPlaneFlags"),
        "externalAddress": spec.get("externalAddress"),
        "serviceType": mapping(spec.get("service")).get("type"),
        "ingress": {key: ingress[key] for key in _OF_INGRESS if key in ingress},
        "k0sConfig": config,
    }
    return {field: value for field, value in found.items() if value}
