# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Cluster API and its providers speak the same version. PURE.

Upstream calls it the contract: a provider's custom resource definitions are labeled with the versions of Cluster API that
they are made for, and Cluster API finds them by the labels of the versions that it serves.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object

CORE_CRD = "clusters.cluster.x-k8s.io"
CONTRACT_LABEL = re.compile(r"cluster\.x-k8s\.io/(v[0-9]+(?:(?:alpha|beta)[0-9]+)?)")


def contracts(crd: t.Mapping[str, t.Any]) -> set[str]:
    """The contracts that a provider's custom resource definition is made for; none for what is no provider's."""
    labels = crd["metadata"].get("labels") or {}
    return {match[1] for match in map(CONTRACT_LABEL.fullmatch, labels) if match}


def is_provider(obj: t.Mapping[str, t.Any]) -> bool:
    """Whether an object is a custom resource definition of a provider."""
    return obj["kind"] == "CustomResourceDefinition" and bool(contracts(obj))


def core_among(objects: t.Iterable[Object]) -> Object | None:
    """Cluster API's definition of Cluster, where it is among the objects."""
    found = (obj for obj in objects if obj["kind"] == "CustomResourceDefinition")
    return next((obj for obj in found if obj["metadata"]["name"] == CORE_CRD), None)


def mismatch(objects: t.Iterable[Object], core: t.Mapping[str, t.Any], which: str = "in this cluster") -> str | None:
    """Why these providers cannot work with a Cluster API, whose definition of Cluster is `core`; None when they can."""
    served = {version["name"] for version in core["spec"]["versions"] if version.get("served")}
    for obj in filter(is_provider, objects):
        wanted = contracts(obj)
        if not wanted & served:
            return (
                f"{obj['metadata']['name']} is made for contract {', '.join(sorted(wanted))} of Cluster API, and the "
                f"Cluster API {which} serves {', '.join(sorted(served))}"
            )
    return None
