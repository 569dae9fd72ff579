# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes a hosted control plane; its data source Secret and its database stay."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import control_planes
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_observation import newest_served
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.changes import applied, refuse_owned
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.common import disruption_budget
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import FIELD_MANAGER, Kube, Ref, changes_result
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import require_dns_label
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Params: t.TypeAlias = t.Mapping[str, t.Any]

WHAT_STAYS = (
    "The database still holds everything of the hosted cluster, but its certificate authority (the Secrets {name}-ca, "
    "{name}-sa, {name}-proxy and {name}-etcd) is deleted with the control plane. A new control plane on this database "
    "needs these Secrets put back before it is created, or an empty database"
)


def own_budget(kube: Kube, options: ControlPlaneOptions) -> list[Ref]:
    """The PodDisruptionBudget, where there is one and it is ours."""
    ref = Ref.of(disruption_budget(options))
    live = kube.get(*ref)
    return [ref] if live and applied(live, FIELD_MANAGER) else []


def remove(kube: Kube, options: ControlPlaneOptions, params: Params, warn: t.Callable[[str], None]) -> dict[str, t.Any]:
    """Delete the Cluster and its PodDisruptionBudget; with `wait` until the replicas are gone. Raises HaError."""
    require_dns_label("The control plane's name", options.name)
    require_dns_label("The namespace", options.namespace)
    deadline = time.monotonic() + params["wait_timeout"]
    cluster = Ref(newest_served(kube) or control_planes.API_VERSIONS[0], "Cluster", options.name, options.namespace)
    live = kube.get(*cluster)
    if live is not None:
        refuse_owned(live)
        warn(WHAT_STAYS.format(name=options.name))
    changes = kube.delete([cluster, *own_budget(kube, options)], params["wait_timeout"] if params["wait"] else 0)
    if params["wait"] and not kube.check_mode:
        await_gone(kube, options, deadline)
    return changes_result(changes)


def await_gone(kube: Kube, options: ControlPlaneOptions, deadline: float) -> None:
    selector = control_planes.pod_selector(options.name)

    def probe() -> Verdict:
        pods = [pod["metadata"]["name"] for pod in kube.list("v1", "Pod", options.namespace, selector)]
        return Verdict(not pods, f"the control plane's pods still exist: {', '.join(pods)}")

    kube.wait(probe, max(0.0, deadline - time.monotonic()), lambda: kube.diagnose(options.namespace, selector))
