# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own control groups, in every hierarchy the machine has.

Everything the lab starts lives in ``k0smotron-ha-lab/<machine>/...``; so a process is known to be the lab's by its
group, whatever became of pid files. kubelet makes the pods' groups below ``<machine>`` itself (its cgroupRoot) and
wants the group to exist in every version 1 hierarchy.
"""

from __future__ import annotations

import os
import signal
import typing as t
from contextlib import suppress
from pathlib import Path

from . import waiting

LAB = "k0smotron-ha-lab"
CONTROLLERS_OF_KUBELET = ("cpu", "cpuset", "memory", "pids", "io", "hugetlb")


class Hierarchy(t.NamedTuple):
    root: Path
    version: int


def parse_mounts(text: str) -> list[Hierarchy]:
    """The hierarchies in the text of /proc/mounts, each once."""
    versions = {"cgroup": 1, "cgroup2": 2}
    rows = [line.split() for line in text.splitlines()]
    return list(dict.fromkeys(Hierarchy(Path(row[1]), versions[row[2]]) for row in rows if row[2] in versions))


def hierarchies() -> list[Hierarchy]:
    return parse_mounts(Path("/proc/mounts").read_text())


def exists() -> bool:
    """Whether the lab has a control group in any hierarchy."""
    return any((hierarchy.root / LAB).is_dir() for hierarchy in hierarchies())


def create(group: str) -> None:
    """Make ``group`` (a path below the lab's group) in every hierarchy, ready to take processes."""
    for hierarchy in hierarchies():
        folder = hierarchy.root
        for part in (LAB, *group.split("/")):
            if hierarchy.version == 2:
                _hand_down_controllers(folder)
            folder = folder / part
            folder.mkdir(exist_ok=True)
            _copy_cpuset(folder)


def _hand_down_controllers(folder: Path) -> None:
    """Version 2: let the children of ``folder`` have the controllers that kubelet needs, as far as there are any."""
    available = (folder / "cgroup.controllers").read_text().split()
    wanted = " ".join(f"+{name}" for name in CONTROLLERS_OF_KUBELET if name in available)
    if wanted:
        (folder / "cgroup.subtree_control").write_text(wanted)


def _copy_cpuset(folder: Path) -> None:
    """Version 1: a new cpuset is empty and takes no process until it has CPUs and memory nodes (cpuset(7))."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = folder / name
        parent = folder.parent / name
        if file.exists() and parent.exists() and not file.read_text().strip():
            file.write_text(parent.read_text())


def join(group: str) -> None:
    """Move the calling process into ``group``, in every hierarchy; what it starts stays there."""
    for hierarchy in hierarchies():
        (hierarchy.root / LAB / group / "cgroup.procs").write_text(str(os.getpid()))


def pids(group: str = "") -> set[int]:
    """All processes in ``group`` and below it, in any hierarchy."""
    found: set[int] = set()
    for hierarchy in hierarchies():
        for file in (hierarchy.root / LAB / group).rglob("cgroup.procs"):
            found |= _read_pids(file)
    return found


def _read_pids(file: Path) -> set[int]:
    try:
        return {int(word) for word in file.read_text().split()}
    except OSError:  # the group was removed meanwhile
        return set()


def kill(group: str = "", timeout: float = 30) -> None:
    """End every process in ``group`` and below; repeat, since some start others while we look."""

    def nobody_left() -> bool:
        left = pids(group)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    waiting.until(nobody_left, "the end of the lab's processes", timeout, interval=0.05)


def remove(group: str = "", timeout: float = 10) -> None:
    """Remove ``group`` and what is below it everywhere; the kernel keeps a group a moment longer than its processes."""

    def gone() -> bool:
        left = [hierarchy for hierarchy in hierarchies() if not _remove_tree(hierarchy.root / LAB / group)]
        return not left

    waiting.until(gone, f"the removal of control group {LAB}/{group}", timeout, interval=0.05)


def _remove_tree(top: Path) -> bool:
    folders = [top, *(folder for folder in top.rglob("*") if folder.is_dir())] if top.is_dir() else []
    for folder in sorted(folders, key=lambda each: len(each.parts), reverse=True):
        try:
            folder.rmdir()
        except OSError:
            return False
    return True
