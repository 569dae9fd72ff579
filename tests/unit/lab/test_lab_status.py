# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What status reports, and how the waits of ``up`` judge workloads."""

from __future__ import annotations

import typing as t

import pytest

from tests.lab import status
from tests.lab.addons import rolled_out

HEALTHY = status.Report(
    api="https://lab",
    kubeconfig="kubeconfig",
    extras=["one", "two"],
    load_balancers="a-b",
    machines={"control-plane": True, "n1": True},
    nodes={"n1": True},
    addresses={"n1": "192.0.2.1"},
    pods_not_ready=[],
    problem="",
    memory_mib={"control-plane": 600, "n1": 100},
)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, status.WELL),
        ({"pods_not_ready": ["default/mine-0: CrashLoopBackOff"]}, status.WELL),
        ({"pods_not_ready": ["kube-system/coredns-1: Pending"]}, status.UNWELL),
        ({"nodes": {"n1": False}}, status.UNWELL),
        ({"machines": {"control-plane": True, "n1": False}}, status.UNWELL),
        ({"problem": "The lab's API server does not answer."}, status.UNWELL),
        ({"machines": {"control-plane": False, "n1": False}}, status.DOWN),
        ({"machines": {}}, status.DOWN),
    ],
)
def test_exit_code(change: dict[str, t.Any], code: int) -> None:
    assert status.Report(**{**vars(HEALTHY), **change}).code == code


def test_text_names_what_is_wrong() -> None:
    shown = status.text(status.Report(**{**vars(HEALTHY), "nodes": {"n1": False}, "pods_not_ready": ["a/b: Pending"]}))
    assert "with problems" in shown
    assert "not ready: a/b: Pending" in shown
    assert "700 MiB" in shown
    assert "extras          one, two" in shown


def pod(phase: str, **more: t.Any) -> dict[str, t.Any]:
    return {"metadata": {"namespace": "a", "name": "b"}, "status": {"phase": phase, **more}}


NOON, LATER = "2026-01-02T12:00:00Z", "2026-01-02T12:00:05Z"


@pytest.mark.parametrize(
    ("well", "ready", "started", "switched_on"),
    [
        (True, "True", LATER, NOON),
        (False, "False", LATER, NOON),
        (False, "True", NOON, LATER),
        (False, "True", LATER, ""),
    ],
)
def test_a_running_pod(well: bool, ready: str, started: str, switched_on: str) -> None:
    """Its node was switched on at a time, or is off."""
    containers = [{"state": {"running": {"startedAt": started}}}]
    found = pod("Running", conditions=[{"type": "Ready", "status": ready}], containerStatuses=containers)
    assert status.pod_is_well(found, status.parse_time(switched_on) if switched_on else None) is well


@pytest.mark.parametrize(
    ("well", "ready", "said"), [(True, "True", LATER), (False, "Unknown", LATER), (False, "True", NOON)]
)
def test_a_node(well: bool, ready: str, said: str) -> None:
    found = {"status": {"conditions": [{"type": "Ready", "status": ready, "lastHeartbeatTime": said}]}}
    assert status.node_is_ready(found, status.parse_time(LATER)) is well


def test_pods_that_do_not_run() -> None:
    waiting = {"containerStatuses": [{"state": {"running": {}}}, {"state": {"waiting": {"reason": "ErrImagePull"}}}]}
    assert status.pod_is_well(pod("Succeeded"), None)
    assert status.describe(pod("Pending", **waiting)) == "a/b: ErrImagePull"
    assert status.describe(pod("Failed", reason="Evicted")) == "a/b: Evicted"
    assert status.describe(pod("Pending")) == "a/b: Pending"


@pytest.mark.parametrize(
    ("done", "numbers"),
    [
        (True, {"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2}),
        (False, {"observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": 2}),  # not looked at yet
        (False, {"observedGeneration": 2, "updatedReplicas": 1, "availableReplicas": 2}),
        (False, {"observedGeneration": 2}),
        (False, {}),
    ],
)
def test_deployment(done: bool, numbers: dict[str, int]) -> None:
    deployment = {"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": numbers}
    assert rolled_out(deployment) is done


@pytest.mark.parametrize(("done", "wanted", "available"), [(True, 3, 3), (False, 3, 2), (False, 0, 0)])
def test_daemon_set(done: bool, wanted: int, available: int) -> None:
    numbers = {"desiredNumberScheduled": wanted, "updatedNumberScheduled": wanted, "numberAvailable": available}
    daemon_set = {"kind": "DaemonSet", "metadata": {"generation": 1}, "status": {"observedGeneration": 1, **numbers}}
    assert rolled_out(daemon_set) is done
