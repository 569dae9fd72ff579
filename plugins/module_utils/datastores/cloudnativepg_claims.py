# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volume claims of a CloudNativePG cluster, which of them has the newest data, and which its removal has released. Pure.

A Cluster owns its claims: Kubernetes deletes them with it. A claim without an owner, with the label of a cluster and with
the number of an instance, is adopted by the next Cluster of that name (v1.28.0, internal/controller/cluster_restore.go).
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

# The operator leaves a Cluster with this annotation alone (docs: labels_annotations).
LOOP_ANNOTATION = "cnpg.io/reconciliationLoop"
LOOP_DISABLED = "disabled"
INSTANCE_LABEL = "cnpg.io/instanceName"
# The operator reads the second one first, which is the older one.
ROLE_LABELS = ("cnpg.io/instanceRole", "role")
STATUS_ANNOTATION = "cnpg.io/pvcStatus"


def settled(live: Object) -> Verdict:
    """Is it certain which instance is the primary. Without one, that is what the labels of the claims say; see released()."""
    status = live.get("status") or {}
    current, target = status.get("currentPrimary"), status.get("targetPrimary")
    return Verdict(
        not current or current == target,
        f"the primary moves from {current} to {target}, and only the new one's volume has the newest data",
    )


def holds_data(claim: Object) -> bool:
    """Whether an instance was set up on this claim; on others its set-up goes on or has failed."""
    return (claim["metadata"].get("annotations") or {}).get(STATUS_ANNOTATION) == "ready"


def released(claim: Object, primary: str) -> Object:
    """A merge patch that takes a claim from its Cluster and says which role its instance had.

    A Cluster that was created again has no primary until the pod of one says so, and the labels say who led before: they
    stay as they are, as with the operator itself (pkg/reconciler/persistentvolumeclaim/metadata.go).
    """
    if not primary:
        return {"metadata": {"ownerReferences": None}}
    instance = (claim["metadata"].get("labels") or {}).get(INSTANCE_LABEL)
    role = "primary" if instance == primary else "replica"
    return {"metadata": {"ownerReferences": None, "labels": dict.fromkeys(ROLE_LABELS, role)}}


def is_left_alone(live: Object) -> bool:
    """Whether the operator was told to leave a Cluster alone, by an administrator or by a removal that was interrupted."""
    return (live["metadata"].get("annotations") or {}).get(LOOP_ANNOTATION) == LOOP_DISABLED


def way_on(live: Object, claims: t.Sequence[Object] | None) -> str:
    """What to do about such a Cluster, by its volume claims; None where nobody may see them.

    Of claims that it has lost to a removal, the operator would know nothing, and call the Cluster unrecoverable.
    """
    name, namespace = live["metadata"]["name"], live["metadata"]["namespace"]
    command = f"kubectl annotate clusters.postgresql.cnpg.io {name} -n {namespace} {LOOP_ANNOTATION}-"
    finish = "run state: absent again, with data: keep, and then state: present"
    if claims is None:
        return (
            f"Where each of its volume claims still has it as owner, take the annotation away: {command}. Where one has no owner"
            f" any more, {finish}"
        )
    if any(holds_data(claim) and not claim["metadata"].get("ownerReferences") for claim in claims):
        return f"A removal was interrupted, and has taken volume claims from it already: {finish}"
    return f"Once nobody wants that any more, take the annotation away: {command}"
