# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove the lab. Nothing here needs the lab to be whole: what a crash left over goes the same way.

Processes are found by control group, so lost pid files do not matter; mounts and network namespaces go with the
processes.
"""

from __future__ import annotations

import typing as t

from . import addresses, cgroups, disks, kernel, machine, network, shell

if t.TYPE_CHECKING:
    from .paths import State
    from .progress import Progress


def down(state: State, progress: Progress) -> None:
    """End all, and remove all but the cache."""
    if not state.run.exists() and not network.exists() and not cgroups.exists():
        return
    with progress.step("remove the lab"):
        for name in machine.known(state):
            machine.switch_off(state, name)
        cgroups.kill()
        cgroups.remove()
        disks.detach(state.volumes)
        network.remove_bridge()
        kernel.unload_modules(state)
        _remove_tree(state)


def remove_node(state: State, node: addresses.Node) -> None:
    """Take one node away for good; its object in Kubernetes is the caller's to delete."""
    machine.switch_off(state, node.name)
    network.disconnect(node)
    remove_folder(state, node.name)


def remove_folder(state: State, name: str) -> None:
    """Remove what a machine that is off has on its disk."""
    shell.run("rm", "--recursive", "--force", "--one-file-system", state.machine(name), timeout=300)


def _remove_tree(state: State) -> None:
    # rm is many times faster than shutil.rmtree on the hundred thousand files of a node's images.
    shell.run("rm", "--recursive", "--force", "--one-file-system", state.run, timeout=600)
