# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the other tools share: the environment that commands run in, the lab, and a line of progress."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
LAB = [sys.executable, "-m", "tests.lab"]


def environment() -> dict[str, str]:
    """The variables under which Ansible finds this collection, and the tools of this virtual environment come first."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "ANSIBLE_COLLECTIONS_PATH": str(BUILD / "collections"),
        "ANSIBLE_PIPELINING": "true",  # a module goes to Python's standard input, not through a file: a tenth off each task
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "LC_ALL": "C.UTF-8",  # Ansible refuses to start without a UTF-8 locale
    }


def lab_environment() -> dict[str, str]:
    """The variables of the running lab: KUBECONFIG and a PATH with its kubectl.

    ``tests.lab env`` prints them as shell lines, ``export NAME=value``.
    """
    printed = subprocess.run([*LAB, "env"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    words = (shlex.split(line) for line in printed.splitlines() if line.startswith("export "))
    pairs = (word.split("=", 1) for _export, *assignments in words for word in assignments)
    return {name: os.path.expandvars(value) for name, value in pairs}


@contextmanager
def timed(title: str) -> Iterator[None]:
    """Say what begins, and how long it took when it ends well."""
    started = time.monotonic()
    print(f"==> {title}", flush=True)
    yield
    print(f"==> {title}: done in {elapsed(started)}", flush=True)


def elapsed(started: float) -> str:
    """Time since a time.monotonic() value, in words."""
    return duration(time.monotonic() - started)


def duration(seconds: float) -> str:
    """Seconds in words: ``8 s``, ``2 min 05 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def run(command: t.Sequence[str], env: t.Mapping[str, str]) -> None:
    """Run a command at the root with its output shown; end with its exit code when it fails."""
    code = subprocess.run(command, cwd=ROOT, env=env, check=False).returncode
    if code:
        print(f"Failed with exit code {code}: {shlex.join(command)}", file=sys.stderr)
        sys.exit(code)
