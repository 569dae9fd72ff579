# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not change on a live k0smotron Cluster, and why. PURE.

Everything refused here was seen to break a running control plane (k0smotron 1.10.9 and 2.1.0), or is what Kubernetes does not
support between versions; the rest may change.
"""

from __future__ import annotations

import copy
import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.k0s import OLDEST_K0S, image_parts
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import applies, mapping, merged, same_quantity

Object: t.TypeAlias = dict[str, t.Any]

RECREATE = "To change it, delete the control plane (state: absent) and create it again"


def refuse_change(live: Object, wanted: Object, field_manager: str) -> None:
    """Raise InvalidInput when applying `wanted` over `live` would break the running control plane.

    Both are Clusters of the same API version; field_manager is the name under which we apply.
    """
    refuse_owned(live)
    _refuse_labels(live, wanted, field_manager)
    refuse_spec_change(live["spec"], wanted["spec"])


def refuse_spec_change(live: Object, wanted: Object) -> None:
    """The same for two specs, of Clusters or of K0smotronControlPlanes."""
    _refuse_storage(live, wanted)
    _refuse_persistence(live, wanted)
    _refuse_downgrade(live, wanted)
    _refuse_skip(live, wanted)


def refuse_owned(live: Object) -> None:
    """Raise InvalidInput for a Cluster that somebody else's controller keeps as it wants it, such as Cluster API's."""
    for owner in live["metadata"].get("ownerReferences") or []:
        # k0smotron does not call itself the controller of the Cluster that it makes for Cluster API.
        if owner.get("controller") or owner["kind"] == "K0smotronControlPlane":
            raise InvalidInput(
                f"This Cluster belongs to {owner['kind']} {owner['name']}, which would undo every change",
                f"Change or delete the {owner['kind']} instead",
            )


def keep_patches(live: Object, wanted: Object) -> tuple[Object, bool]:
    """`wanted` with the StatefulSet's patches of the live Cluster, and whether that made a difference.

    k0smotron 2.1 takes these patches into account at creation and then ignores changes until something else changes
    the pods; at that moment a changed podManagementPolicy, which Kubernetes forbids, stops every further update.
    Patches of other parts, such as the Service, take effect at once and may change.
    """
    old, new = live["spec"].get("patches") or [], wanted["spec"].get("patches") or []
    fixed = [patch for patch in old if _of_stateful_set(patch)]
    if fixed == [patch for patch in new if _of_stateful_set(patch)]:
        return wanted, False
    kept = copy.deepcopy(wanted)
    patches = copy.deepcopy(fixed + [patch for patch in new if not _of_stateful_set(patch)])
    kept["spec"] = {key: value for key, value in kept["spec"].items() if key != "patches"}
    if patches:
        kept["spec"]["patches"] = patches
    return kept, True


def _of_stateful_set(patch: Object) -> bool:
    return bool(patch["target"]["kind"] == "StatefulSet")


def _refuse_labels(live: Object, wanted: Object, field_manager: str) -> None:
    """Labels go into the Service's selector at once, but never into the StatefulSet's (immutable): no endpoints."""
    old = live["metadata"].get("labels") or {}
    new = wanted["metadata"].get("labels") or {}
    added = {key for key, value in new.items() if old.get(key) != value}
    refuse_label_change(added | (owned(live, field_manager, "metadata", "labels") - new.keys()))


def refuse_label_change(labels: set[str]) -> None:
    """Raise InvalidInput unless `labels`, those that would change, is empty."""
    if labels:
        raise InvalidInput(
            f"The labels of a live Cluster must not change ({', '.join(sorted(labels))}): k0smotron would put "
            "them into the Service's selector but cannot put them into the StatefulSet's, and the API would lose all "
            "its endpoints",
            "Keep the labels as they were at creation; annotations may change. " + RECREATE,
        )


def owned(live: Object, field_manager: str, *path: str) -> set[str]:
    """The fields below a path that an earlier apply of ours set; leaving them out of the next apply would remove them."""
    return set(owned_fields(live, field_manager, *path))


def owned_fields(live: Object, field_manager: str, *path: str) -> Object:
    """The same as a tree, down to the leaves, which are True."""
    found: Object = {}
    for entry in applies(live, field_manager):
        fields = entry.get("fieldsV1") or {}
        for step in path:
            fields = fields.get(f"f:{step}", {})
        found = merged(found, mapping(_tree(fields)))
    return found


def _tree(fields: Object) -> Object | bool:
    return {key.removeprefix("f:"): _tree(each) for key, each in fields.items() if key.startswith("f:")} or True


def applied(live: Object, field_manager: str) -> bool:
    """Whether an apply of ours made or changed this object."""
    return any(True for _entry in applies(live, field_manager))


def refuse_foreign_budget(live: Object | None, field_manager: str) -> None:
    """Raise Conflict for a PodDisruptionBudget of our name that somebody else made: ours would not go together with it."""
    if live is not None and not applied(live, field_manager):
        raise Conflict(
            f"There is a PodDisruptionBudget {live['metadata']['name']} that this collection did not make",
            "Set pod_disruption_budget: false to leave it as it is, or remove it",
        )


def storage_kind(spec: Object) -> str:
    """Where a Cluster stores its state: `kine`, `etcd` or `nats`, in either API version's words."""
    if "storage" in spec:
        return str(spec["storage"].get("type") or "etcd")
    return "kine" if spec.get("kineDataSourceURL") or spec.get("kineDataSourceSecretName") else "etcd"


def _refuse_storage(live: Object, wanted: Object) -> None:
    old, new = storage_kind(live), storage_kind(wanted)
    if old != new:
        raise InvalidInput(
            f"A live Cluster cannot move from {old} to {new}: it would start again on an empty store, and everything "
            "in the hosted cluster would be gone from its API",
            f"Create a second control plane on {new} and move the workloads, or keep {old}",
        )


def _refuse_persistence(live: Object, wanted: Object) -> None:
    """The StatefulSet's volumeClaimTemplates are immutable: k0smotron would be stuck with `Forbidden`."""
    old, new = live.get("persistence") or {}, wanted.get("persistence") or {}
    old_type, new_type = old.get("type") or "emptyDir", new.get("type") or "emptyDir"
    claims_moved = old_type != new_type and "pvc" in (old_type, new_type)
    if claims_moved or not _covers(old.get("persistentVolumeClaim"), new.get("persistentVolumeClaim")):
        raise InvalidInput(
            "The persistence of a live Cluster cannot change: a StatefulSet's volume claims are fixed at creation, and "
            "k0smotron could never update this control plane again",
            "Keep the persistence as it is. " + RECREATE,
        )


def _covers(live: t.Any, wanted: t.Any) -> bool:
    """True when everything in `wanted` stands in `live`, quantities in whatever words (the server may have added defaults)."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(_covers(live.get(key), value) for key, value in wanted.items())
    if isinstance(live, str) and isinstance(wanted, str):
        return live == wanted or same_quantity(live, wanted)
    # An empty storageClassName is another one than none: none is the cluster's default.
    return wanted is None or bool(live == wanted)


def _refuse_downgrade(live: Object, wanted: Object) -> None:
    old, new = _minor(live.get("version")), _minor(wanted.get("version"))
    if old and new and new < old:
        raise InvalidInput(
            f"The control plane runs k0s {live['version']} and cannot go back to {wanted['version']}: Kubernetes "
            "does not support an older minor version on data that a newer one has written",
            f"Set a version of {old[0]}.{old[1]} or newer",
        )


def _refuse_skip(live: Object, wanted: Object) -> None:
    """A roll runs the old and the new version side by side, and Kubernetes wants all API servers within one minor version.

    k0smotron's webhook refuses it, too, but for Cluster API only.
    """
    old, new = _minor(live.get("version")), _minor(wanted.get("version"))
    if old and new and new[1] > old[1] + 1:
        raise InvalidInput(
            f"The control plane runs k0s {live['version']} and cannot go to {wanted['version']} at once: meanwhile API servers"
            " of both share one database, and Kubernetes supports one minor version at a time",
            _one_by_one(*old),
        )


def upgrades(live: Object, wanted: Object) -> bool:
    """Whether a spec goes on to a newer minor version."""
    old, new = _minor(live.get("version")), _minor(wanted.get("version"))
    return bool(old and new and new > old)


def refuse_stragglers(live: Object, wanted: Object, pods: t.Iterable[Object]) -> None:
    """Raise InvalidInput for an upgrade that a replica of an earlier, unfinished one would be too old for.

    What was declared says nothing about what runs: `live` and `wanted` are specs, `pods` the replicas as they are. An image
    with a tag of its owner's says nothing either.
    """
    new = _minor(wanted.get("version"))
    for pod in pods:
        image = next((each["image"] for each in pod["spec"]["containers"] if each["name"] == "controller"), "")
        _repository, tag = image_parts(image)
        runs = _minor(tag) if "-k0s." in tag else None
        if new and runs and new[1] > runs[1] + 1:
            raise InvalidInput(
                f"The pod {pod['metadata']['name']} still runs k0s {tag}, and would share its database with API servers of"
                f" {wanted['version']}: Kubernetes supports one minor version at a time",
                f"Let the upgrade to {live['version']} end first: declare that version, and go on when every replica runs it",
            )


def _one_by_one(major: int, minor: int) -> str:
    """How to get on from a minor version. Those that we do not set are left to kubectl."""
    remedy = f"Go minor by minor: to {major}.{minor + 1} first, and on from there when every replica runs it"
    if (major, minor + 1) >= OLDEST_K0S[:2]:
        return remedy
    return f"{remedy}; below {OLDEST_K0S.major}.{OLDEST_K0S.minor} by spec.version of the object itself, with kubectl"


def _minor(version: str | None) -> tuple[int, int] | None:
    """(major, minor) of `v1.33.1-k0s.0`; None for no version or one that is not understood."""
    match = re.match(r"v?(\d+)\.(\d+)", version or "")
    return (int(match[1]), int(match[2])) if match else None
