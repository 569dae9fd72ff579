# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose objects are in a list, for tests of what a removal takes away and what it leaves."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals import remove
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import Datastore
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import merged
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Object = dict[str, t.Any]
OWNER = [{"kind": "Cluster", "name": "pg"}]


class StandInKube:
    """Objects in a list instead of a cluster. Deleting the custom resource deletes what it owns, as Kubernetes would."""

    custom_resource = "Cluster"
    selector = "cnpg.io/cluster=pg"

    def __init__(self, *objects: Object, check_mode: bool = False) -> None:
        self.objects = list(objects)
        self.check_mode = check_mode
        self.steps: list[str] = []

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        found = [item for item in self.objects if Ref.of(item) == Ref(api_version, kind, name, namespace)]
        return copy.deepcopy(found[0]) if found else None

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> list[Object]:
        assert kind == "Deployment" or (namespace == "ns" and label_selector in (None, self.selector))
        return [
            copy.deepcopy(item) for item in self.objects if (item["apiVersion"], item["kind"]) == (api_version, kind)
        ]

    def merge(self, ref: Ref, part: Object) -> None:
        self.steps.append(f"merge {ref}")
        [item] = [item for item in self.objects if Ref.of(item) == ref]
        item.update(merged(item, part))

    def delete(self, refs: t.Iterable[Ref], wait_timeout: float = 0) -> None:
        for ref in refs:
            self.steps.append(f"delete {ref}")
            gone = [item for item in self.objects if Ref.of(item) == ref]
            if gone and ref.kind == self.custom_resource:
                gone += [item for item in self.objects if item["metadata"].get("ownerReferences")]
            if not self.check_mode:
                self.objects = [item for item in self.objects if item not in gone]

    def wait(self, probe: t.Callable[[], Verdict], timeout: float, diagnose: t.Callable[[], str] = str) -> Verdict:
        for _attempt in range(2):
            verdict = probe()
            if verdict.up:
                return verdict
        raise WaitTimeout(verdict.reason)


def obj(kind: str, name: str, *, owned: bool = True, api_version: str = "v1", **metadata: t.Any) -> Object:
    owner = {"ownerReferences": OWNER} if owned else {}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "ns", **owner, **metadata}}


def removed(kube: StandInKube, store: Datastore, *, data: str = "keep", wait: bool = True) -> Object:
    return remove(t.cast(Kube, kube), store, {"wait": wait, "wait_timeout": 1, "data": data})
