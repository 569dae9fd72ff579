# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes a database cluster, and its data only when that was asked for in so many words."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import zalando_operator
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref, changes_result
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object, compare
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import Datastore

DATA_KINDS = ("PersistentVolumeClaim", "Secret")
# Patroni's own memory of a cluster, in one kind or the other. The operator deletes what it knows of it; what it leaves
# would tell a later cluster of this name that it has been initialized already, with other data.
RECORD_KINDS = ("Endpoints", "ConfigMap")
# The Services go last, seconds after the pods (seen with postgres-operator 1.15.1).
RUNNING_KINDS = (("v1", "Pod"), ("apps/v1", "StatefulSet"), ("v1", "Service"))


def remove(kube: Kube, store: Datastore, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Delete the custom resource and, with data: delete, everything that remembers the data. Raises HaError.

    Safe to repeat: an interrupted removal is finished by the next one.
    """
    cluster = Ref.of(store.desired()[0])
    namespace, selector = store.options.namespace, store.pod_selector()
    deadline = time.monotonic() + params["wait_timeout"]
    live = kube.get(*cluster)
    if live is not None:
        refuse_removal(kube, keep_data=params["data"] == "keep")
    delete_data = params["data"] == "delete"
    data = list_data(kube, namespace, selector, DATA_KINDS + RECORD_KINDS if delete_data else DATA_KINDS)
    changes = [compare(live, None)]
    waits = params["wait"] and not kube.check_mode
    if waits and live is not None and not delete_data:
        _stop_in_order(kube, store, live, deadline)
    kube.delete([cluster], max(1.0, deadline - time.monotonic()) if params["wait"] else 0)
    if waits:
        _await_gone(kube, namespace, selector, deadline)
    if delete_data:
        # What the operator itself removes in the meantime is a change too.
        changes += [compare(item, None) for item in data]
        kube.delete(map(Ref.of, data), max(1.0, deadline - time.monotonic()) if params["wait"] else 0)
        data = []
    return {**changes_result(changes), "left": sorted(str(Ref.of(item)) for item in data)}


def _stop_in_order(kube: Kube, store: Datastore, live: Object, deadline: float) -> None:
    """Stop every instance but the first, which then leads, so that it has the newest data when the cluster comes back.

    The operator stops the first one first. Another may take over for the moment that it has left, and when the first
    one starts again later both have gone on from the same point under the same timeline number: what the other one
    wrote is lost, and Patroni does not see that it cannot follow any more (seen with postgres-operator 1.15.1).
    """

    def pods() -> list[Object]:
        return kube.list("v1", "Pod", store.options.namespace, store.pod_selector())

    reduced = store.reduced_to_first(live, pods())
    if reduced is not None:
        kube.patch(reduced)
        kube.wait(
            lambda: store.first_leads_alone(pods()),
            deadline - time.monotonic(),
            lambda: kube.diagnose(store.options.namespace, store.pod_selector()),
        )


def list_data(kube: Kube, namespace: str, selector: str, kinds: t.Iterable[str]) -> list[Object]:
    """What belongs to a database cluster and outlives it."""
    return [item for kind in kinds for item in kube.list("v1", kind, namespace, selector)]


def refuse_removal(kube: Kube, *, keep_data: bool) -> None:
    """Raise unless an operator runs that will remove the pods and, with keep_data, leave the data alone."""
    operators = [one for one in zalando_operator.find_operators(kube.list("apps/v1", "Deployment")) if one.running]
    if not operators:
        raise NotFound(
            "No Zalando operator runs in this cluster, and without one nothing stops the database's pods once its "
            "custom resource is gone",
            "Run the role k0smotron.ha.postgres_operator first",
        )
    if keep_data:
        for operator in operators:
            _refuse_data_loss(kube, operator)


def _refuse_data_loss(kube: Kube, operator: zalando_operator.Operator) -> None:
    where = Ref(
        operator.settings_api_version, operator.settings_kind, operator.settings_name, operator.settings_namespace
    )
    settings = kube.get(*where)
    if settings is None:
        raise NotFound(
            f"The operator's settings ({where}) are not there, so it may delete the data", f"Restore {where}"
        )
    retention = zalando_operator.retention(settings)
    if not retention.keeps_everything:
        raise InvalidInput(
            f"Deleting this database cluster would delete its data too, because of the operator's settings in {where}: "
            + "; ".join(retention.why),
            "Run the role k0smotron.ha.postgres_operator, which sets them to keep data, or give data: delete",
        )
    selector = ",".join(f"{key}={value}" for key, value in operator.pod_labels.items())
    if zalando_operator.changed_after_start(settings, kube.list("v1", "Pod", operator.namespace, selector)):
        raise InvalidInput(
            f"{where} was changed after the operator started, and the operator still works by what it said before",
            f"Restart the operator (Deployment {operator.namespace}/{operator.name}), or give data: delete",
        )


def _await_gone(kube: Kube, namespace: str, selector: str, deadline: float) -> None:
    """Wait until nothing runs any more, and stop what the operator forgets.

    It takes the pods from their StatefulSet and deletes them itself. When the custom resource goes while it is in the
    middle of a sync, it looks for pods of a cluster without a name, finds none, and leaves them to run for ever (seen
    with postgres-operator 1.15.1).
    """

    def probe() -> Verdict:
        left = [item for kind in RUNNING_KINDS for item in kube.list(*kind, namespace, selector)]
        kube.delete(map(Ref.of, filter(_is_forgotten, left)))
        shown = ", ".join(str(Ref.of(item)) for item in left)
        return Verdict(not left, f"the operator has not removed these yet: {shown}")

    kube.wait(probe, max(0.0, deadline - time.monotonic()), lambda: kube.diagnose(namespace, selector))


def _is_forgotten(item: Object) -> bool:
    """Say whether this is a pod that belongs to no StatefulSet any more."""
    return item["kind"] == "Pod" and not item["metadata"].get("ownerReferences")
