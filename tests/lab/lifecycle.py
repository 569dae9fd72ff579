# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``up``: from whatever is there to a running lab.

- Nothing runs (first time, reboot, everything killed): left-overs are removed and a new cluster is made.
- Something runs: what is missing is started again and the cluster keeps its data.
- All is well: nothing happens.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from . import (
    addresses,
    artifacts,
    checks,
    control_plane,
    extras,
    kernel,
    kubeconfig,
    lock,
    machine,
    network,
    node,
    nodeimages,
    packages,
    settings,
    status,
    teardown,
    variables,
    waiting,
    worker,
)
from .addons import Addons
from .api import NotFound
from .errors import LabError
from .images import PAUSE
from .pki import Pki

if t.TYPE_CHECKING:
    from .addresses import Node
    from .artifacts import Artifacts
    from .paths import State
    from .progress import Progress

NODES = 3


def up(state: State, count: int | None, asked: t.Sequence[str], progress: Progress) -> None:
    """Make the lab run with ``count`` nodes; None: as many as it has, NODES for a new one.

    It gets the extras that are ``asked`` for, and keeps those that it has until ``down``.
    """
    checks.require_machine()
    checks.require_folder(state)
    with lock.locked(progress):
        require_owner(state)
        names = extras.wanted(settings.read(state).extras, asked)
        packages.ensure(progress, extras.packages(names))
        made = artifacts.ensure(state.root, names, progress)
        if not any(machine.running(state, name) for name in machine.known(state)):
            teardown.down(state, progress)
        nodes = [addresses.node(number) for number in range(1, (count or settings.read(state).nodes or NODES) + 1)]
        Start(state, made, names, nodes, progress).run()


def require_owner(state: State) -> None:
    """Raise LabError when another state folder's lab runs: there is one a machine."""
    owner = network.owner()
    if owner not in (None, str(state.root)):
        raise LabError(
            f"Another lab runs on this machine, with the state folder {owner}.",
            f"Remove it first: down --state {owner}",
        )


class Start:
    """One run of ``up``; every step does only what is missing."""

    def __init__(
        self, state: State, made: Artifacts, names: t.Sequence[str], nodes: t.Sequence[Node], progress: Progress
    ) -> None:
        self.state = state
        self.artifacts = made
        self.extras = names
        self.nodes = nodes
        self.progress = progress
        self.addons = Addons(state, made, len(nodes))
        self.api = control_plane.api(state)

    def run(self) -> None:
        self._prepare()
        if control_plane.machine(self.state, self.artifacts.bin).ensure():
            self.progress.say("control plane started")
        self._remove_surplus()
        self._start_nodes()
        worker.restart(self.state)
        for name in self.extras:
            if start := extras.EXTRAS[name].start:
                with self.progress.step(f"servers of {name}"):
                    start(self.state)
        with self.progress.step("API server"):
            waiting.until(self.api.ready, "the API server", 120, remedy="Its reason: lab logs apiserver.")
        with self.progress.step("nodes"):
            waiting.until(self._all_ready, "all nodes to be Ready", 120, remedy="See: lab status, lab logs kubelet-n1.")
        self.addons.apply()  # not before: the first node would get all the pods
        with self.progress.step("images"):
            archives = [self.artifacts.images, *self.artifacts.extra_images]
            nodeimages.ensure(self.state, [each.name for each in self.nodes], archives)
            nodeimages.load(self.state, [])
        with self.progress.step("DNS, volumes, LoadBalancer addresses"):
            self.addons.finish(self.api)
            waiting.until(self._all_well, "everything to be well", 120, interval=0.3, remedy="See: lab status.")

    def _prepare(self) -> None:
        """Folders, network, certificates and the files for the user."""
        state = self.state
        state.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        state.logs.mkdir(exist_ok=True)
        programs = str(self.artifacts.bin["kubectl"].parent)
        settings.change(state, nodes=len(self.nodes), programs=programs, extras=list(self.extras))
        kernel.ensure_modules(state)
        network.check_addresses()
        network.make_bridge(str(state.root))
        pki = Pki(state.pki)
        pki.ensure(self.nodes)
        kubeconfig.write(state.kubeconfig, pki, "admin")
        variables.write(state, self.artifacts, self.extras)

    def _start_nodes(self) -> None:
        names = [each.name for each in self.nodes]
        nodeimages.seed(self.state, names, [self.artifacts.images], self.progress)
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._start_node, self.nodes))

    def _start_node(self, each: Node) -> None:
        if node.machine(self.state, each, self.nodes, self.artifacts.bin, PAUSE).ensure():
            self.progress.say(f"node {each.name} started ({each.address})")
        else:
            network.update_peers(each, self.nodes, t.cast(int, machine.running(self.state, each.name)))

    def _remove_surplus(self) -> None:
        """Nodes of an earlier, larger lab."""
        wanted = {each.name for each in self.nodes}
        for number in range(1, addresses.MOST_NODES + 1):
            surplus = addresses.node(number)
            if surplus.name not in wanted and self.state.machine(surplus.name).exists():
                teardown.remove_node(self.state, surplus)
                self._forget(surplus)

    def _forget(self, gone: Node) -> None:
        waiting.until(self.api.ready, "the API server", 120)
        with suppress(NotFound):
            self.api.call("DELETE", f"/api/v1/nodes/{gone.name}")

    def _all_ready(self) -> bool:
        return all(status.report(self.state).nodes.values())

    def _all_well(self) -> bool:
        return status.report(self.state).code == status.WELL
