# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every cluster needs on top of Kubernetes: names, volumes, addresses."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from . import cache, coredns, files, images, metallb, settings, shell, volumes, waiting
from .api import Api, Json

if t.TYPE_CHECKING:
    from .artifacts import Artifacts
    from .paths import State

API_GROUPS = {"Deployment": "/apis/apps/v1", "DaemonSet": "/apis/apps/v1"}
WORKLOADS = (
    ("Deployment", coredns.NAMESPACE, coredns.NAME),
    ("Deployment", metallb.NAMESPACE, "controller"),
    ("DaemonSet", metallb.NAMESPACE, "speaker"),
)


@dataclass(frozen=True)
class Addons:
    state: State
    artifacts: Artifacts
    nodes: int

    def apply(self) -> None:
        """Apply everything unless just this was applied before; MetalLB's pool has to wait, see `finish`."""
        if settings.read(self.state).addons != self._digest():
            self._kubectl_apply(json.dumps(_list(self._own_objects())))
            self._kubectl_apply(self._render_metallb())

    def finish(self, api: Api) -> None:
        """Wait until all of it runs, then let MetalLB give addresses away."""
        for kind, namespace, name in WORKLOADS:
            path = f"{API_GROUPS[kind]}/namespaces/{namespace}/{kind.lower()}s/{name}"
            waiting.until(lambda path=path: rolled_out(api.get(path)), f"{kind} {namespace}/{name}", 120)  # type: ignore[misc]
        if settings.read(self.state).addons != self._digest():
            pool = json.dumps(_list(metallb.pool()))
            waiting.until(lambda: self._kubectl_apply(pool), "MetalLB's webhook", 60, interval=0.3)
            settings.change(self.state, addons=self._digest())

    def _own_objects(self) -> list[Json]:
        image = images.coredns_name(self.artifacts.sources)
        return [*coredns.objects(image, replicas=min(2, self.nodes)), *volumes.storage_classes()]

    def _digest(self) -> str:
        kustomization = metallb.kustomization(self.artifacts.sources["metallb"].path)
        return cache.digest(json.dumps([self._own_objects(), kustomization, metallb.pool()]))

    def _render_metallb(self) -> str:
        folder = self.state.run / "metallb"
        folder.mkdir(exist_ok=True)
        files.write_json(folder / "kustomization.yaml", metallb.kustomization(self.artifacts.sources["metallb"].path))
        # The restrictor would keep kustomize from reading files outside of its own folder.
        return shell.run(self.artifacts.bin["kubectl"], "kustomize", "--load-restrictor=LoadRestrictionsNone", folder)

    def _kubectl_apply(self, objects: str) -> bool:
        shell.run(
            self.artifacts.bin["kubectl"],
            f"--kubeconfig={self.state.kubeconfig}",
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager=lab",
            "--filename=-",
            stdin=objects,
        )
        return True


def _list(objects: t.Sequence[Json]) -> Json:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def rolled_out(workload: Json) -> bool:
    """Whether a Deployment or DaemonSet runs its latest version on all the pods that it wants."""
    status: Json = workload.get("status", {})
    if status.get("observedGeneration") != workload["metadata"]["generation"]:
        return False
    if workload.get("kind") == "DaemonSet":
        wanted, numbers = status["desiredNumberScheduled"], ("updatedNumberScheduled", "numberAvailable")
        return wanted > 0 and all(status.get(number, 0) == wanted for number in numbers)
    wanted = workload["spec"]["replicas"]
    return all(status.get(number, 0) == wanted for number in ("updatedReplicas", "availableReplicas"))
