# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a control plane is there already, which decides how strictly the role control_plane looks at its database."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_run, control_plane_run
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import API_VERSIONS
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.arguments import ARGUMENTS
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Change, Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import compare

Object = dict[str, t.Any]
Changes = list[Change]
CLUSTER_API: Object = {
    "infrastructure": None,
    "pod_cidrs": [],
    "service_cidrs": [],
    "service_domain": None,
    "paused": False,
}
PARAMS = {
    **{name: option.get("default") for name, option in ARGUMENTS.items()},
    **CLUSTER_API,
    "name": "team-a",
    "namespace": "ns",
    "data_source_secret": "kine",
}


class PredictingKube:
    """Check mode over objects in a list; of k0smotron one API version is served."""

    check_mode = True

    def __init__(self, api_version: str, *objects: Object) -> None:
        self.api_version = api_version
        self.objects = list(objects)

    def serves(self, api_version: str, kind: str) -> bool:
        return not api_version.startswith("k0smotron.io/") or api_version == self.api_version

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        wanted = Ref(api_version, kind, name, namespace)
        return next((item for item in self.objects if Ref.of(item) == wanted), None)

    def list(self, *_which: t.Any) -> list[Object]:
        return []

    def apply(self, objects: t.Iterable[Object]) -> Changes:
        return [compare(self.get(*Ref.of(item)), item) for item in objects]

    def delete(self, refs: t.Iterable[Ref], *_how: t.Any) -> Changes:
        return [compare(self.get(*ref), None) for ref in refs]


class AppliedKube(PredictingKube):
    """Remembers what would be applied."""

    def apply(self, objects: t.Iterable[Object]) -> Changes:
        self.objects = list(objects)
        return [compare(None, item) for item in self.objects]


def standalone(kube: PredictingKube) -> Object:
    options = cluster_run.options_from(PARAMS)
    return cluster_run.present(t.cast(Kube, kube), options, PARAMS, lambda _warning: None)


def in_cluster_api(kube: PredictingKube) -> Object:
    options = control_plane_run.options_from(PARAMS)
    return control_plane_run.present(t.cast(Kube, kube), options, PARAMS, lambda _warning: None)


@pytest.mark.parametrize("api_version", API_VERSIONS)
@pytest.mark.parametrize("present", [standalone, in_cluster_api])
def test_it_is_created_once(present: t.Callable[[PredictingKube], Object], api_version: str) -> None:
    empty = AppliedKube(api_version)
    assert present(empty)["created"] is True
    made = [item for item in empty.objects if item["kind"] in ("Cluster", "K0smotronControlPlane")]
    assert present(PredictingKube(api_version, *made))["created"] is False
    if present is in_cluster_api:  # the Cluster alone has no control plane yet
        assert len(made) == 2
        assert present(PredictingKube(api_version, *made[:-1]))["created"] is True
