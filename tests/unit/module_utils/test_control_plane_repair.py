# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k0smotron's own Cluster is brought back to the K0smotronControlPlane as it lives, with the server's defaults."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import control_plane_run
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import merged
from tests.unit.module_utils.test_control_plane_created import PARAMS, Object, PredictingKube
from tests.unit.module_utils.test_fast_start import VERSION, declare, inner


class MergingKube(PredictingKube):
    """Remembers what the applied objects become."""

    def __init__(self, *there: Object) -> None:
        super().__init__(VERSION, *there)
        self.applied: list[Object] = []

    def apply(self, objects: t.Iterable[Object]) -> t.Any:
        made = [merged(self.get(*Ref.of(each)) or {}, each) for each in objects]
        self.applied += made
        return super().apply(made)


def test_a_default_that_somebody_has_edited_comes_back() -> None:
    first, _warned = declare(control_plane_run)
    live = merged(first, {"spec": {"image": "quay.io/k0sproject/k0s"}})
    edited = merged(inner(live), {"spec": {"image": "mine/k0s"}})
    for there, repaired in ((edited, True), (inner(live), False)):
        kube: t.Any = MergingKube(live, there)
        control_plane_run.present(kube, control_plane_run.options_from(PARAMS), PARAMS, lambda _warning: None)
        assert (kube.applied[-1] == inner(live)) is repaired
