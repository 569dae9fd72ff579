# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the lab is, for people and for programs."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from . import addresses, control_plane, coredns, extras, machine, memory, metallb, settings, worker
from .errors import LabError

if t.TYPE_CHECKING:
    from .api import Json
    from .paths import State

OWN_NAMESPACES = (coredns.NAMESPACE, metallb.NAMESPACE)
WELL, UNWELL, DOWN = 0, 1, 3  # exit codes; 3 as `systemctl status` has it
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Report:
    """``machines``: name -> running, and where in ``addresses`` unless it is the host; ``nodes``: name -> ready.

    ``memory_mib``: machine -> PSS sum, pods included.
    """

    api: str
    kubeconfig: str
    extras: list[str]
    load_balancers: str
    machines: dict[str, bool]
    nodes: dict[str, bool]
    addresses: dict[str, str]
    pods_not_ready: list[str]
    problem: str
    memory_mib: dict[str, int]

    @property
    def code(self) -> int:
        if not any(self.machines.values()):
            return DOWN
        own = [pod for pod in self.pods_not_ready if pod.split("/")[0] in OWN_NAMESPACES]
        well = all(self.machines.values()) and all(self.nodes.values()) and not own and not self.problem
        return WELL if well else UNWELL

    @property
    def summary(self) -> str:
        return {WELL: "running", UNWELL: "running, with problems", DOWN: "not running"}[self.code]

    def as_dict(self) -> dict[str, t.Any]:
        return {"status": self.summary, **asdict(self)}


def report(state: State) -> Report:
    """Ask processes and the API server; an API server that does not answer is a problem, no error."""
    lab = settings.read(state)
    count = lab.nodes
    nodes = [addresses.node(number) for number in range(1, count + 1)]
    others = {**worker.machines(state), **extras.machines(lab.extras)}
    names = [control_plane.NAME, *(each.name for each in nodes), *others] if count else []
    machines = {name: machine.running(state, name) is not None for name in names}
    live: dict[str, bool] = {}
    pods: list[str] = []
    problem = ""
    if machines.get(control_plane.NAME):
        try:
            live, pods = _ask(state, [each.name for each in nodes if machines[each.name]])
        except LabError as error:
            problem = str(error)
    return Report(
        api=addresses.API_URL,
        kubeconfig=str(state.kubeconfig),
        extras=lab.extras,
        load_balancers=addresses.LOAD_BALANCERS,
        machines=machines,
        nodes={each.name: live.get(each.name, False) for each in nodes},
        addresses={**{each.name: each.address for each in nodes}, **others},
        pods_not_ready=pods,
        problem=problem,
        memory_mib={},
    )


def with_memory(found: Report) -> Report:
    """The same with ``memory_mib``, which takes a while to add up."""
    sizes = memory.of_machines(found.machines)
    return replace(found, memory_mib={name: size // MEBIBYTE for name, size in sizes.items()})


def _ask(state: State, names: t.Collection[str]) -> tuple[dict[str, bool], list[str]]:
    api = control_plane.api(state)
    since = {name: machine.started(state, name) for name in names}
    nodes = {
        name: node_is_ready(each, since[name]) for each in api.items("/api/v1/nodes") if (name := _name(each)) in since
    }
    pods = api.items("/api/v1/pods")
    return nodes, [describe(pod) for pod in pods if not pod_is_well(pod, since.get(pod["spec"].get("nodeName", "")))]


def _name(thing: Json) -> str:
    return str(thing["metadata"]["name"])


# When a node dies, the API server goes on telling what kubelet said last, for 40 s about the node. So what is older
# than the node's machine does not count.


def node_is_ready(node: Json, since: datetime) -> bool:
    """Whether kubelet has said so since the node was switched on."""
    ready = _ready_condition(node)
    return ready is not None and parse_time(ready["lastHeartbeatTime"]) >= since


def pod_is_well(pod: Json, since: datetime | None) -> bool:
    """Finished with success, or ready with containers that were started since its node was switched on."""
    if pod["status"].get("phase") == "Succeeded":
        return True
    containers = pod["status"].get("containerStatuses", [])
    running = [each["state"]["running"]["startedAt"] for each in containers if "running" in each.get("state", {})]
    fresh = since is not None and all(parse_time(started) >= since for started in running)
    return fresh and _ready_condition(pod) is not None


def _ready_condition(thing: Json) -> Json | None:
    conditions: list[Json] = thing.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == "Ready" and each["status"] == "True"), None)


def parse_time(text: str) -> datetime:
    """A time as Kubernetes writes it: RFC 3339, UTC, whole seconds."""
    return datetime.fromisoformat(text)


def describe(pod: Json) -> str:
    """``namespace/name: reason``, the reason from a waiting container where there is one."""
    states = [each.get("state", {}) for each in pod["status"].get("containerStatuses", [])]
    reasons = [each["waiting"].get("reason", "") for each in states if "waiting" in each]
    reason = next(filter(None, reasons), pod["status"].get("reason") or pod["status"].get("phase", "Unknown"))
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}: {reason}"


def text(found: Report) -> str:
    """The report as lines for a person."""
    if found.code == DOWN:
        return "The lab is not running. Start it: up"
    lines = [
        f"The lab is {found.summary}.",
        f"  API server      {found.api}",
        f"  kubeconfig      {found.kubeconfig}",
        f"  LoadBalancers   {found.load_balancers}",
        f"  extras          {', '.join(found.extras) or 'none'}",
    ]
    for name, running in found.machines.items():
        where = found.addresses.get(name, addresses.BRIDGE_ADDRESS)
        how = "off" if not running else "not Ready" if not found.nodes.get(name, True) else "ok"
        lines.append(f"  {name:<15} {how:<10} {where:<15} {found.memory_mib.get(name, 0):>6} MiB")
    lines.append(f"  {'memory in all':<42} {sum(found.memory_mib.values()):>6} MiB")
    lines += [f"  not ready: {pod}" for pod in found.pods_not_ready] or ["  all pods are ready"]
    return "\n".join(lines + ([f"  {found.problem}"] if found.problem else []))
