# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an InnoDBCluster goes: by its operator, which takes the finalizers off; its volume claims stay by themselves."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals.base import Kinds, Removal
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object


class InnoDBClusterRemoval(Removal):
    """Of an ``InnoDBCluster``. Its StatefulSet says nothing of claims, so Kubernetes leaves them (cluster_objects.py)."""

    provider = "innodbcluster"
    running_kinds: t.ClassVar[Kinds] = (("v1", "Pod"), ("apps/v1", "StatefulSet"), ("v1", "Service"))

    def refuse(self, live: Object, *, keep_data: bool) -> None:
        held = live["metadata"].get("finalizers")
        if held and not self.operator_runs():
            raise NotFound(
                f"Oracle's MySQL operator does not run in this cluster, and nobody else takes off {', '.join(held)}",
                "Run the role k0smotron.ha.mysql_operator first, with mysql_operator_provider: innodbcluster",
            )

    def secure_data(self, live: Object) -> None:
        """Nothing to do: the claims belong to nobody."""

    def stays(self, item: Object) -> bool:
        """The operator's own Secrets are the InnoDBCluster's and go with it."""
        return not item["metadata"].get("ownerReferences")
