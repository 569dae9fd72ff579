# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator of a drilled database: stopped for a while, and started again in any case.

How many replicas it had is written on its Deployment by the request that takes them away. So a drill that is killed leaves an
operator that the next drill of any of its databases starts again.
"""

from __future__ import annotations

import contextlib

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import operators
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.faults import Workload
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_turn import Turn, turn
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

HAD = "k0smotron.ha/drill-replicas"
"""An annotation: how many replicas a Deployment had before a drill stopped it."""
MOVE_SECONDS = 60.0
"""How long its pods may take to go, and to come back."""


def find(kube: Kube, provider: str) -> Workload | None:
    """The Deployment that runs the databases of this provider; None when it is not one that we can tell."""
    found = [each for each in kube.list("apps/v1", "Deployment") if operators.is_operator(provider, each)]
    if len(found) > 1:
        names = ", ".join(str(Ref.of(each)) for each in found)
        raise InvalidInput(f"More than one operator could be the one that runs this database: {names}")
    return Workload(found[0]["metadata"]["namespace"], found[0]["metadata"]["name"]) if found else None


def rehearse(kube: Kube, operator: Workload) -> None:
    """Raise HaError when it may not be stopped, or is stopped already; nothing happens."""
    deployment = _deployment(kube, operator)
    replicas = _replicas(deployment) or _had(deployment)  # of a drill that was killed, also a moment ago
    if not replicas:
        raise InvalidInput(f"{_ref(operator)} has no replicas, so there is nothing to stop", "Scale it up first")
    kube.merge(_ref(operator), _stopped(replicas), dry_run=True)


def stop(kube: Kube, operator: Workload) -> None:
    """Returns when none of its pods is there any more."""
    deployment = _deployment(kube, operator)
    kube.merge(_ref(operator), _stopped(_replicas(deployment) or _had(deployment) or 0))
    labels = deployment["spec"]["selector"].get("matchLabels") or {}
    selector = ",".join(f"{key}={value}" for key, value in labels.items())

    def gone() -> Verdict:
        left = [pod["metadata"]["name"] for pod in kube.list("v1", "Pod", operator.namespace, selector)]
        return Verdict(not left, f"the pods {', '.join(left)} of {_ref(operator)} are still there")

    kube.wait(gone, MOVE_SECONDS)


def start(kube: Kube, operator: Workload) -> None:
    """Give back what `stop` took; nothing happens where it took nothing. Returns when a pod is ready."""
    try:
        kube.wait(lambda: _started(kube, operator), MOVE_SECONDS)
    except HaError as error:
        raise HaError(
            f"{_ref(operator)}, which the drill stopped, is not back: {error.message}",
            f"Run kubectl scale deployment {operator.name} -n {operator.namespace} --replicas=N;"
            f" its annotation {HAD} says how many it had, where it has not been started yet",
        ) from error


def _started(kube: Kube, operator: Workload) -> Verdict:
    """Begun anew by each look, because a request on the way there may fail."""
    deployment = _deployment(kube, operator)
    had = _had(deployment)
    if had is not None:
        part: Object = {"metadata": {"annotations": {HAD: None}}}
        if not _replicas(deployment):  # else somebody else started it, and his number counts
            part["spec"] = {"replicas": had}
        kube.merge(_ref(operator), part)
        deployment = _deployment(kube, operator)
    return Verdict(operators.is_ready(deployment) or not _replicas(deployment), "no pod of it is ready")


def restore(kube: Kube, operator: Workload) -> None:
    """Start it again when a drill that was killed has stopped it. Raises Conflict while the drill that did so goes on."""
    if not is_stopped(kube, operator):
        return
    with turn_of(kube, operator):
        start(kube, operator)


def is_stopped(kube: Kube, operator: Workload) -> bool:
    """Whether a drill has stopped it, and has not started it yet."""
    return _had(_deployment(kube, operator)) is not None


def turn_of(kube: Kube, operator: Workload) -> contextlib.AbstractContextManager[Turn]:
    """One drill at a time stops it, whichever of its databases it drills."""
    return turn(kube, operator.name, operator.namespace, of="this database's operator")


def _deployment(kube: Kube, operator: Workload) -> Object:
    found = kube.get(*_ref(operator))
    if found is None:
        raise NotFound(f"{_ref(operator)}, the database's operator, is gone", "Install the operator again")
    return found


def _ref(operator: Workload) -> Ref:
    return Ref("apps/v1", "Deployment", operator.name, operator.namespace)


def _replicas(deployment: Object) -> int:
    return int(deployment["spec"].get("replicas", 1))


def _had(deployment: Object) -> int | None:
    written = (deployment["metadata"].get("annotations") or {}).get(HAD, "")
    return int(written) if written.isdecimal() else None


def _stopped(replicas: int) -> Object:
    return {"metadata": {"annotations": {HAD: str(replicas)}}, "spec": {"replicas": 0}}
