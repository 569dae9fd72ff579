# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Cluster API without ClusterClasses is told about; the lab's has them."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import control_plane_template_run
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_errors import ApiError, Request, explain

# As Cluster API 1.11.4 and Kubernetes 1.34 say it.
GATE_OFF = (
    'admission webhook "validation.clusterclass.cluster.x-k8s.io" denied the request: spec: Forbidden: can be set only if'
    " the ClusterTopology feature flag is enabled"
)
OTHER = 'admission webhook "policy.example.org" denied the request: not on Fridays'


class Refuses:
    """A cluster that answers an apply with a webhook's refusal."""

    check_mode = False

    def __init__(self, message: str) -> None:
        self.message = message

    def rehearse(self, obj: dict[str, t.Any]) -> None:
        body = json.dumps({"kind": "Status", "message": self.message, "code": 403})
        raise explain(ApiError(403, body), Request("patch", "clusterclasses", "cluster.x-k8s.io", "ns", "ha"))


@pytest.mark.parametrize(("message", "said"), [(GATE_OFF, "CLUSTER_TOPOLOGY: true"), (OTHER, "not on Fridays")])
def test_the_feature_gate_is_told_from_other_refusals(message: str, said: str) -> None:
    cluster: t.Any = Refuses(message)
    with pytest.raises(Forbidden) as refused:
        control_plane_template_run._rehearse(cluster, {})
    assert said in str(refused.value)
