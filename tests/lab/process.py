# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that outlive the command which started them, known by pid file.

A pid alone is recycled by the kernel, so a pid file holds three words: the pid, the process's start time in clock ticks
since boot (field 22 of /proc/PID/stat, proc(5)) and the boot id. All three must match before anything is ended.
"""

from __future__ import annotations

import os
import signal
import typing as t
from pathlib import Path

from . import waiting


class Identity(t.NamedTuple):
    pid: int
    started: int
    boot: str


def parse_stat(text: str) -> tuple[str, int]:
    """State letter and start time from the text of /proc/PID/stat; the name in it may hold blanks and brackets."""
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def identify(pid: int) -> Identity | None:
    """Who runs as ``pid`` now; None when nobody does (a zombie is nobody)."""
    try:
        state, started = parse_stat(Path(f"/proc/{pid}/stat").read_text())
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (OSError, IndexError):
        return None
    return None if state in "ZX" else Identity(pid, started, boot)


def write_pid_file(path: Path, pid: int) -> None:
    """Remember the running process ``pid``; a process that is already gone leaves no file."""
    identity = identify(pid)
    if identity:
        path.write_text(" ".join(str(word) for word in identity) + "\n")


def running(path: Path) -> int | None:
    """The pid of the very process that was remembered in ``path``, None when it is gone."""
    try:
        pid, started, boot = path.read_text().split()
        remembered = Identity(int(pid), int(started), boot)
    except (OSError, ValueError):
        return None
    return remembered.pid if identify(remembered.pid) == remembered else None


def end(path: Path, timeout: float = 20) -> None:
    """Kill the process remembered in ``path``, wait until it is gone and forget it."""
    pid = running(path)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
        waiting.until(lambda: running(path) is None, f"the end of process {pid}", timeout, interval=0.02)
    path.unlink(missing_ok=True)
