# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An upgrade does not begin while a replica still runs what was before an upgrade that has not ended."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from tests.unit.module_utils.test_control_plane_created import PARAMS, AppliedKube, Object
from tests.unit.module_utils.test_fast_start import both, inner

VERSION = "k0smotron.io/v1beta2"


class KubeWithPods(AppliedKube):
    """It has a pod for each image."""

    images: t.Sequence[str] = ()

    def list(self, *which: t.Any) -> t.Any:
        containers = [
            [{"name": "proxy", "image": "p:v1.1"}, {"name": "controller", "image": each}] for each in self.images
        ]
        pods = [
            {"metadata": {"name": f"kmc-team-a-{index}"}, "spec": {"containers": each}}
            for index, each in enumerate(containers)
        ]
        return pods if which[1] == "Pod" else []


def apply(module: t.Any, version: str, images: t.Sequence[str] = (), *there: Object) -> Object:
    params = {**PARAMS, "version": version}
    kube: t.Any = KubeWithPods(VERSION, *there)
    kube.images = images
    module.present(kube, module.options_from(params), params, lambda _warning: None)
    made: Object = next(item for item in kube.objects if "replicas" in item.get("spec", {}))
    return made


@both
@pytest.mark.parametrize(
    ("version", "images", "pod"),
    [
        ("v1.36.3-k0s.2", ["k0s:v1.35.2-k0s.0", "r:5000/k0s:v1.35.2-k0s.0"], None),
        (
            "v1.36.3-k0s.2",
            ["k0s:v1.35.2-k0s.0", "r:5000/k0s:v1.34.4-k0s.0"],
            "kmc-team-a-1 still runs k0s v1.34.4-k0s.0",
        ),
        ("v1.36.3-k0s.2", ["k0s@sha256:0", "corp/k0s:2025.10.1", "r:5000/k0s:1.0", "r:5000/k0s"], None),
        (
            "v1.36.3-k0s.2",
            ["k0s:v1.34.4-k0s.0@sha256:0"],
            "kmc-team-a-0 still runs k0s v1.34.4-k0s.0",
        ),
        ("v1.35.3-k0s.0", ["k0s:v1.33.1-k0s.0"], None),
    ],
)
def test_replicas_of_an_upgrade_that_has_not_ended(
    module: t.Any, version: str, images: list[str], pod: str | None
) -> None:
    made = apply(module, "v1.35.2-k0s.0")
    there = [inner(made), *([made] if made["kind"] != "Cluster" else [])]
    if pod is None:
        assert apply(module, version, images, *there)["spec"]["version"] == version
        return
    with pytest.raises(InvalidInput, match=f"{pod}.*Let the upgrade to v1.35.2-k0s.0 end first"):
        apply(module, version, images, *there)
