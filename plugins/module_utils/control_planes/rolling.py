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
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, merged, same

_DIGITS = 32
ALSO_K0SMOTRONS = frozenset({"externalAddress", "k0sConfig"})
"""Fields that k0smotron fills in where they are left out: that a live one has them says nothing about who wanted them."""

# What k0smotron replaces, completes or strips in a k0sConfig (1.10.9, generateConfig and ReconcileDynamicConfig): compared, it
# would differ in every run.
_REWRITTEN: Object = {
    "spec": {
        "api": {"externalAddress": None, "port": None, "sans": None},
        "konnectivity": {"agentPort": None, "externalAddress": None},
        "network": {"controlPlaneLoadBalancing": None},
        "storage": None,
    }
}


def config_checksum(live: Object, wanted: Object, ours: t.Container[str]) -> str | None:
    """What the annotation of a live control plane has to be when `wanted` is applied; None for no annotation.

    It changes only when one of these fields does. So an update of this collection rolls nobody, a second run finds what the
    first one wrote, and a control plane has none until its first such change: a new one has nothing to be told from. Of the
    fields in ALSO_K0SMOTRONS, `ours` are those that we have set.
    """
    old, new = _fields(live["spec"]), _fields(wanted["spec"])
    gone = {field for field in old.keys() - new.keys() if field not in ALSO_K0SMOTRONS or field in ours}
    names_missing = _names(wanted["spec"]) - _names(live["spec"])
    if not gone and not names_missing and same(old, new):
        return pod_annotations(live).get(CONFIG_ANNOTATION)
    text = json.dumps([new, sorted(_names(wanted["spec"]))], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _fields(spec: Object) -> Object:
    """What stands in ConfigMaps only, in words that both API versions share."""
    config = spec.get("k0sConfig")
    found = {
        "flags": spec.get("controlPlaneFlags") or spec.get("controllerPlaneFlags"),
        "externalAddress": spec.get("externalAddress"),
        "serviceType": (spec.get("service") or {}).get("type"),
        "ingress": spec.get("ingress"),
        "k0sConfig": merged(config, _REWRITTEN) if config else None,
    }
    return {field: value for field, value in found.items() if value}


def _names(spec: Object) -> set[str]:
    """The names for the API's certificate in a k0sConfig, to which k0smotron adds its own."""
    api = ((spec.get("k0sConfig") or {}).get("spec") or {}).get("api") or {}
    return set(api.get("sans") or [])
