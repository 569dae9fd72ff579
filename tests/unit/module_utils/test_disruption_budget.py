# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PodDisruptionBudget of our name that somebody else made is neither changed nor deleted."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_removal, control_plane_run
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Ref
from tests.unit.module_utils.test_control_plane_created import PARAMS, Object, PredictingKube
from tests.unit.module_utils.test_fast_start import both

VERSION = "k0smotron.io/v1beta2"
WITHOUT = [{"pod_disruption_budget": False}, {"replicas": 1}]


def budget(manager: str) -> Object:
    made = {"manager": manager, "operation": "Apply" if manager == "k0smotron.ha" else "Update"}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "kmc-team-a", "namespace": "ns", "managedFields": [made]},
        "spec": {"minAvailable": 2},
    }


class RecordingKube(PredictingKube):
    """Remembers what would be applied and deleted."""

    def __init__(self, *there: Object) -> None:
        super().__init__(VERSION, *there)
        self.applied: t.Sequence[Object] = ()
        self.deleted: t.Sequence[Ref] = ()

    def apply(self, objects: t.Iterable[Object]) -> t.Any:
        self.applied = [*objects]
        return super().apply(self.applied)

    def delete(self, refs: t.Iterable[Ref], *_how: t.Any) -> t.Any:
        self.deleted = [*refs]
        return []


def present(module: t.Any, kube: RecordingKube, **more: t.Any) -> None:
    params = {**PARAMS, **more}
    module.present(kube, module.options_from(params), params, lambda _warning: None)


@both
@pytest.mark.parametrize("more", WITHOUT)
@pytest.mark.parametrize(("manager", "deleted"), [("kubectl-create", []), ("k0smotron.ha", ["kmc-team-a"])])
def test_one_that_is_not_wanted_goes_where_it_is_ours(
    module: t.Any, more: Object, manager: str, deleted: list[str]
) -> None:
    kube = RecordingKube(budget(manager))
    present(module, kube, **more)
    assert [ref.name for ref in kube.deleted] == deleted


@both
def test_one_of_somebody_else_is_told_before_anything_is_applied(module: t.Any) -> None:
    kube = RecordingKube(budget("kubectl-create"))
    with pytest.raises(Conflict, match=r"PodDisruptionBudget kmc-team-a .*pod_disruption_budget: false"):
        present(module, kube)
    assert not kube.applied
    present(module, RecordingKube(budget("k0smotron.ha")))
    present(module, RecordingKube())


@pytest.mark.parametrize(("manager", "kinds"), [("kubectl-create", 1), ("k0smotron.ha", 2)])
def test_it_outlives_the_control_plane_where_it_is_not_ours(manager: str, kinds: int) -> None:
    kube: t.Any = RecordingKube(budget(manager))
    options = control_plane_run.options_from(PARAMS)
    cluster_removal.remove(kube, options.control_plane, PARAMS, lambda _warning: None)
    assert len(kube.deleted) == kinds
    control_plane_run.remove(kube, options, PARAMS, lambda _warning: None)
    assert len(kube.deleted) == kinds
