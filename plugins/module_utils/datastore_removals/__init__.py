# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes a database cluster, and its data only when that was asked for in so many words."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals.base import Removal
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals.cloudnativepg import CloudNativePGRemoval
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals.innodbcluster import InnoDBClusterRemoval
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals.mariadb import MariaDBRemoval
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals.zalando import ZalandoRemoval
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref, changes_result
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object, compare
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import require_dns_label
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import Datastore

REMOVALS: t.Mapping[str, type[Removal]] = {
    each.provider: each for each in (ZalandoRemoval, CloudNativePGRemoval, MariaDBRemoval, InnoDBClusterRemoval)
}


def remove(kube: Kube, store: Datastore, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Delete the custom resource and, with data: delete, everything that remembers the data. Raises HaError.

    Safe to repeat: an interrupted removal is finished by the next one.
    """
    require_dns_label("The datastore's name", store.options.name)
    require_dns_label("The namespace", store.options.namespace)
    deadline = time.monotonic() + params["wait_timeout"]
    waits, keep = params["wait"] and not kube.check_mode, params["data"] == "keep"
    # In check mode, too: what the real run would wait for is nothing to refuse.
    removal = REMOVALS[store.provider](kube, store, deadline if params["wait"] else None)
    cluster = Ref.of(store.desired()[0])
    live = kube.get(*cluster)
    if live is not None:
        removal.refuse(live, keep_data=keep)
    declared = removal.list_labeled(removal.declared_kinds)
    data = [item for item in removal.list_labeled(removal.data_kinds) if not keep or removal.stays(item)]
    records = [] if keep else removal.list_labeled(removal.record_kinds)
    if keep and live is not None and not kube.check_mode:
        removal.secure_data(live)
    # Not awaited one by one: whoever holds them may let go of them only once the database cluster is gone.
    kube.delete(map(Ref.of, declared))
    kube.delete([cluster], _left(deadline) if waits else 0)
    if waits:
        _await_gone(kube, removal)
    changes = [compare(item, None) for item in (live, *declared)]
    if not keep:
        # What the operator itself removes in the meantime is a change too.
        changes += [compare(item, None) for item in (*data, *records)]
        kube.delete(map(Ref.of, (*data, *records)), _left(deadline) if waits else 0)
    return {**changes_result(changes), "left": sorted(str(Ref.of(item)) for item in data) if keep else []}


def _left(deadline: float) -> float:
    return max(1.0, deadline - time.monotonic())


def _await_gone(kube: Kube, removal: Removal) -> None:
    """Wait until nothing runs any more, and stop what the operator forgets.

    Zalando's takes the pods from their StatefulSet and deletes them itself. When the custom resource goes while it is in
    the middle of a sync, it looks for pods of a cluster without a name, finds none, and leaves them to run for ever (seen
    with postgres-operator 1.15.1).
    """

    def probe() -> Verdict:
        left = removal.remnants()
        kube.delete(map(Ref.of, filter(_is_forgotten, left)))
        shown = ", ".join(str(Ref.of(item)) for item in left)
        return Verdict(not left, f"these have not been removed yet: {shown}")

    removal.wait(probe)


def _is_forgotten(item: Object) -> bool:
    """Say whether this is a pod that nothing owns any more."""
    return item["kind"] == "Pod" and not item["metadata"].get("ownerReferences")
