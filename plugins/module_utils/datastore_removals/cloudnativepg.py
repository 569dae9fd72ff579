# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a CloudNativePG database cluster goes: with everything that it owns, its volume claims too unless we take them away."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals.base import Kinds, Removal
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import cloudnativepg_claims
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.cloudnativepg_claims import (
    LOOP_ANNOTATION,
    LOOP_DISABLED,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, Forbidden, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict


class CloudNativePGRemoval(Removal):
    """Of a ``Cluster``. Kubernetes itself stops the pods, which it owns, so no operator has to run."""

    provider = "cloudnativepg"
    declared_kinds: t.ClassVar[Kinds] = (("postgresql.cnpg.io/v1", "Database"),)
    running_kinds: t.ClassVar[Kinds] = (("v1", "Pod"), ("batch/v1", "Job"), ("v1", "Service"))

    def refuse(self, live: Object, *, keep_data: bool) -> None:
        settled = cloudnativepg_claims.settled(live)
        if keep_data and self.deadline is None and not settled:
            raise Conflict(settled.reason, "Run it again once one instance is the primary, or give data: delete")

    def secure_data(self, live: Object) -> None:
        """Take the volume claims from the Cluster, and write down on them whose data is the newest.

        The operator adopts them when a Cluster of this name is created again, and makes the one that is labeled so the
        primary (v1.28.0, internal/controller/cluster_restore.go). The label follows a failover only later, and not at
        all once the operator was told to leave the Cluster alone, so it is set here. It is told so because claims that
        suddenly belong to nobody would make it create new ones.
        """
        cluster = Ref.of(live)
        self._await_settled(cluster)
        self.kube.merge(cluster, {"metadata": {"annotations": {LOOP_ANNOTATION: LOOP_DISABLED}}})
        primary = self._await_settled(cluster)
        for claim in self.list_labeled((("v1", "PersistentVolumeClaim"),)):
            if cloudnativepg_claims.holds_data(claim):
                self.kube.merge(Ref.of(claim), cloudnativepg_claims.released(claim, primary))

    def _await_settled(self, cluster: Ref) -> str:
        """The name of the primary, once no failover or switchover is under way."""
        live: Object = {}

        def probe() -> Verdict:
            live.update(self.kube.get(*cluster) or {})
            return cloudnativepg_claims.settled(live)

        seconds = 0.0 if self.deadline is None else self.deadline - time.monotonic()
        self.kube.wait(probe, seconds, lambda: "Wait for it, or give data: delete")
        return str((live.get("status") or {}).get("currentPrimary") or "")

    def obstacle(self, live: Object) -> InvalidInput | None:
        if not cloudnativepg_claims.is_left_alone(live):
            return None
        claims: list[Object] | None = None
        with contextlib.suppress(Forbidden):  # who makes this database need not be allowed to see volume claims
            claims = self.list_labeled((("v1", "PersistentVolumeClaim"),))
        return InvalidInput(
            f"The operator was told to leave this Cluster alone ({LOOP_ANNOTATION}: {LOOP_DISABLED})",
            cloudnativepg_claims.way_on(live, claims),
        )

    def remnants(self) -> list[Object]:
        """Without the pods and the Service of a Pooler, which has this label, too, and outlives the Cluster."""
        found = super().remnants()
        return [item for item in found if (item["metadata"].get("labels") or {}).get("cnpg.io/podRole") != "pooler"]

    def stays(self, item: Object) -> bool:
        if item["kind"] == "PersistentVolumeClaim":
            return cloudnativepg_claims.holds_data(item)
        return not item["metadata"].get("ownerReferences")
