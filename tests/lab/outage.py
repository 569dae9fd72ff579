# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node is gone for a while: without power, or without its cable. A process of its own ends that, also when the caller dies."""

from __future__ import annotations

import subprocess
import sys
import typing as t
from pathlib import Path

from . import addresses, artifacts, lock, machine, network, node, settings
from .errors import LabError
from .images import PAUSE

if t.TYPE_CHECKING:
    from .addresses import Node
    from .paths import State
    from .progress import Progress

OVER = "over"
KINDS: t.Mapping[str, t.Callable[[State, Node], None]] = {
    "power": lambda state, each: machine.switch_off(state, each.name),
    "cable": lambda _state, each: network.pull(each.link),
}
MOST_SECONDS = 600
REPOSITORY = Path(__file__).parents[2]


def begin(state: State, kind: str, name: str, seconds: int, progress: Progress) -> None:
    """Take it away, and return. Who brings it back is there before it goes."""
    with lock.locked(progress):
        each = _find(state, name)
        if not machine.running(state, name):
            raise LabError(f"The node {name} is off already.", f"Bring it back: outage {OVER} {name}")
        _end_later(state, name, seconds)
        KINDS[kind](state, each)
    progress.say(f"{name} is without {kind} for {seconds} s")


def over(state: State, name: str, progress: Progress) -> None:
    """It has power and cable, whatever it was without."""
    with lock.locked(progress):
        each = _find(state, name)
        if machine.running(state, name):
            network.plug(each.link)
            return
        lab = settings.read(state)
        programs = artifacts.ensure(state.root, lab.extras, progress).bin
        node.machine(state, each, _nodes(state), programs, PAUSE).ensure()


def _end_later(state: State, name: str, seconds: int) -> None:
    end = [sys.executable, "-m", "tests.lab", "outage", OVER, name, "--state", str(state.root)]
    with (state.logs / f"outage-{name}.log").open("ab") as log:
        subprocess.Popen(
            ["sh", "-c", 'sleep "$1"; shift; exec "$@"', "sh", str(seconds), *end],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=REPOSITORY,
        )


def _find(state: State, name: str) -> Node:
    for each in _nodes(state):
        if each.name == name:
            return each
    raise LabError(f"This lab has no node '{name}'.", "See: status")


def _nodes(state: State) -> list[Node]:
    return [addresses.node(number) for number in range(1, settings.read(state).nodes + 1)]
