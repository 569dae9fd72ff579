# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pid files: only the very process that was remembered is ever ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.lab import cgroups, memory, process

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_process_is_remembered_and_ended(tmp_path: Path) -> None:
    sleeper = subprocess.Popen(SLEEP)
    file = tmp_path / "pid"
    process.write_pid_file(file, sleeper.pid)
    assert process.running(file) == sleeper.pid
    process.end(file)
    assert sleeper.wait() == -9
    assert not file.exists()


def test_another_process_under_a_recycled_pid_is_left_alone(tmp_path: Path) -> None:
    myself = process.identify(os.getpid())
    assert myself
    file = tmp_path / "pid"
    for other in (myself._replace(started=myself.started - 1), myself._replace(boot="another boot")):
        file.write_text(" ".join(str(word) for word in other))
        assert process.running(file) is None
        process.end(file)  # would end this very test


def test_a_zombie_and_a_broken_file_are_nobody(tmp_path: Path) -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process.identify(child.pid) is None
    child.wait()
    (tmp_path / "pid").write_text("half a line")
    assert process.running(tmp_path / "pid") is None
    assert process.running(tmp_path / "absent") is None


def test_stat_with_a_hostile_process_name() -> None:
    fields = " ".join(["S", "1", *("0" for _each in range(17)), "4711", "0"])
    assert process.parse_stat(f"42 (a) b ( c) {fields}") == ("S", 4711)


def test_cgroup_hierarchies_of_both_versions() -> None:
    mounts = "cgroup /sys/fs/cgroup/pids cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\nproc /proc proc rw 0 0\n"
    assert cgroups.parse_mounts(mounts + mounts) == [
        (Path("/sys/fs/cgroup/pids"), 1),
        (Path("/sys/fs/cgroup/unified"), 2),
    ]


def test_memory_of_this_process() -> None:
    assert memory.parse_rollup("Rss:  9 kB\nPss:    3 kB\nPss_Dirty: 1 kB\n") == 3 * 1024
    assert memory.proportional_bytes([os.getpid()]) > 1_000_000
