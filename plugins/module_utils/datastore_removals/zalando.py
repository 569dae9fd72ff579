# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a Zalando database cluster goes: by its operator, whose settings decide about the data."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_lookup import fetch
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals.base import Kinds, Removal
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import zalando_operator
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.operators import is_operator
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.zalando_judge import (
    first_can_lead,
    first_leads_alone,
    first_serves,
    leads_without_first,
    other_claims,
    reduced_to_first,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    WaitTimeout,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

SETTLE_SECONDS = 60.0
"""A switchover takes the instance that led before out of service for some seconds."""


class ZalandoRemoval(Removal):
    """Of a ``postgresql`` resource."""

    provider = "zalando"
    # Patroni's own memory of a cluster, in one kind or the other. The operator deletes what it knows of it; what it
    # leaves would tell a later cluster of this name that it has been initialized already, with other data.
    record_kinds: t.ClassVar[Kinds] = (("v1", "Endpoints"), ("v1", "ConfigMap"))
    # The Services go last, seconds after the pods (seen with postgres-operator 1.15.1).
    running_kinds: t.ClassVar[Kinds] = (("v1", "Pod"), ("apps/v1", "StatefulSet"), ("v1", "Service"))

    def refuse(self, live: Object, *, keep_data: bool) -> None:
        deployments = [each for each in self.kube.list("apps/v1", "Deployment") if is_operator(self.provider, each)]
        running = [operator for operator in zalando_operator.find_operators(deployments) if operator.running]
        if not running:
            raise NotFound(
                "No Zalando operator runs in this cluster, and without one nothing stops the database's pods once its "
                "custom resource is gone",
                "Run the role k0smotron.ha.postgres_operator first",
            )
        if keep_data:
            for operator in running:
                _refuse_data_loss(self.kube, operator)
            if not _is_going(live):
                self._refuse_older_data()
                self._refuse_haste(live)

    def _refuse_older_data(self) -> None:
        """Raise Conflict while another instance leads, or led last, and the first one stays out of service."""
        name = self.store.options.name
        others = other_claims(name, self.list_labeled((("v1", "PersistentVolumeClaim"),)))

        def settled() -> Verdict:
            records = self.list_labeled(self.record_kinds) if others else []
            leader = leads_without_first(name, self._pods(), records)
            return Verdict(not leader, f"{leader} has the newest data and {name}-0 is out of service")

        left = 0.0 if self.deadline is None else min(SETTLE_SECONDS, self.deadline - time.monotonic())
        try:
            self.kube.wait(settled, left)
        except WaitTimeout:
            verdict = settled()
            if not verdict.up:
                raise Conflict(
                    f"{verdict.reason}, but the database cluster would begin with {name}-0 when it comes back",
                    f"Bring {name}-0 back, or give data: delete",
                ) from None

    def _refuse_haste(self, live: Object) -> None:
        """Raise Conflict where other instances would have to be stopped first, and nobody waits for that."""
        name, pods = self.store.options.name, self._pods()
        alone = first_leads_alone(name, pods)
        ready = alone and reduced_to_first(live) is None
        if self.deadline is None and not ready and first_serves(name, pods):
            raise Conflict(
                alone.reason,
                "Run it again with wait: true, which stops the other instances first, or give data: delete",
            )

    def secure_data(self, live: Object) -> None:
        """Stop every instance but the first, which then leads, so that it has the newest data when the cluster is back.

        The operator stops the first one first. Another may take over for the moment that it has left, and when the first
        one starts again later both have gone on from the same point under the same timeline number: what the other one
        wrote is lost, and Patroni does not see that it cannot follow any more (seen with postgres-operator 1.15.1).
        """
        name = self.store.options.name
        # When the first one is out of service, no other one led last: refuse() has seen to that. Where nobody waits, there is
        # one instance: refuse() has seen to that, too.
        if self.deadline is None or _is_going(live) or not first_serves(name, self._pods()):
            return
        reduced = reduced_to_first(live)
        if reduced is not None:
            self.wait(lambda: first_can_lead(name, live["spec"], self._observed()))
            self.kube.patch(reduced)
        # Also where that was done before: by a run that was interrupted, perhaps, while another one led.
        self.wait(lambda: first_leads_alone(name, self._pods()))

    def _observed(self) -> dict[str, list[Object]]:
        return {ref.key: fetch(self.kube, ref) for ref in self.store.refs_for_judgement()}

    def _pods(self) -> list[Object]:
        return self.list_labeled((("v1", "Pod"),))


def _is_going(live: Object) -> bool:
    """Whether it is deleted already and only waits for its finalizers: the operator stops its pods, come what may."""
    return "deletionTimestamp" in live["metadata"]


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
