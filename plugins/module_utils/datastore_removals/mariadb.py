# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a MariaDB goes: its volume claims stay by themselves, and the first instance has to have the newest data."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_observation import observe
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals.base import Kinds, Removal
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import mariadb_data, mariadb_judge
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb import DECLARED, MariaDB, refers
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object


class MariaDBRemoval(Removal):
    """Of a ``MariaDB``. Its Databases, Users and Grants have finalizers, which only the operator takes off."""

    provider = "mariadb"
    declared_kinds: t.ClassVar[Kinds] = tuple((MariaDB.api_version, kind) for kind in DECLARED.values())
    running_kinds: t.ClassVar[Kinds] = (("v1", "Pod"), ("apps/v1", "StatefulSet"), ("v1", "Service"))

    def refuse(self, live: Object, *, keep_data: bool) -> None:
        if not self.operator_runs():
            raise NotFound(
                "No mariadb-operator runs in this cluster, and without one the finalizers of the MariaDB's Databases, Users"
                " and Grants stay for ever",
                "Run the role k0smotron.ha.mysql_operator first",
            )
        settled = mariadb_data.first_leads(live)
        if keep_data and self.deadline is None and not settled:
            raise Conflict(
                settled.reason, "Run it again with wait: true, which moves the primary, or give data: delete"
            )

    def secure_data(self, live: Object) -> None:
        """Make the first instance the primary: a MariaDB that is created again begins with that one."""
        if self.deadline is None or mariadb_data.first_leads(live):
            return
        cluster = Ref.of(live)
        if mariadb_data.asked_to_lead(live) != 0:
            self.wait(lambda: mariadb_judge.may_move(live["spec"], observe(self.kube, self.store)))
            self.kube.merge(cluster, mariadb_data.FIRST_TO_LEAD)
        self.wait(lambda: mariadb_data.first_leads(self.kube.get(*cluster) or {}))

    def remnants(self) -> list[Object]:
        """With what the operator declared itself, without labels: its finalizers, too, need the operator.

        What other people declared stays, whatever becomes of the MariaDB, until they remove it.
        """
        namespace, name, labels = self.store.options.namespace, self.store.options.name, self.store.labels()
        declared = [item for kind in self.declared_kinds for item in self.kube.list(*kind, namespace)]
        ours = (
            item for item in declared if refers(item, name, namespace) and mariadb_data.goes_with(item, name, labels)
        )
        return [*self.list_labeled(self.running_kinds), *ours]

    def list_labeled(self, kinds: Kinds) -> list[Object]:
        """Without what only looks like ours: these labels are everybody's. With the one Secret that has none."""
        found = [item for item in super().list_labeled(kinds) if mariadb_data.is_ours(item, self.store.options.name)]
        if ("v1", "Secret") in kinds:
            unlabeled = f"repl-password-{self.store.options.name}"
            secret = self.kube.get("v1", "Secret", unlabeled, self.store.options.namespace)
            found += [secret] if secret else []
        return found
