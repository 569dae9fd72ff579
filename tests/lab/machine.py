# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines of the lab: a process tree in namespaces of its own that can be switched on and off as a whole.

A machine is a folder ``run/machines/NAME`` with an executable file a program in ``programs/``, a first process
(machine.sh) and a control group. Nodes have a network of their own; the control plane uses the host's.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from . import cgroups, process
from .errors import LabError

if t.TYPE_CHECKING:
    from .paths import State

FIRST_PROCESS = Path(__file__).with_name("machine.sh")
OWN_GROUP = "system"  # the first process and the programs; kubelet puts the pods beside it


@dataclass(frozen=True)
class Machine:
    """``programs`` maps a name to its command line; ``connect`` gets a pid inside once the network is to be set up."""

    state: State
    name: str
    programs: t.Mapping[str, t.Sequence[object]]
    connect: t.Callable[[int], None] | None = None
    environment: t.Mapping[str, str] | None = None

    @property
    def folder(self) -> Path:
        return self.state.machine(self.name)

    def ensure(self) -> bool:
        """Switch the machine on unless it runs with these very programs; say whether that was needed."""
        if running(self.state, self.name) and self._written() == self._scripts():
            return False
        switch_off(self.state, self.name)
        self._write()
        self._start()
        return True

    def _scripts(self) -> dict[str, str]:
        exports = "".join(
            f"export {key}={shlex.quote(value)}\n" for key, value in sorted((self.environment or {}).items())
        )
        return {
            name: f"#!/bin/sh\n{exports}exec {shlex.join(str(word) for word in command)}\n"
            for name, command in self.programs.items()
        }

    def _written(self) -> dict[str, str]:
        folder = self.folder / "programs"
        return {file.name: file.read_text() for file in folder.iterdir()} if folder.is_dir() else {}

    def _write(self) -> None:
        folder = self.folder / "programs"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.state.logs.mkdir(parents=True, exist_ok=True)
        for name, script in self._scripts().items():
            (folder / name).write_text(script)
            (folder / name).chmod(0o700)

    def _start(self) -> None:
        cgroups.create(f"{self.name}/{OWN_GROUP}")
        log = self.state.logs / f"machine-{self.name}.log"
        with log.open("ab") as errors:
            first = subprocess.Popen(
                self._command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                preexec_fn=lambda: cgroups.join(f"{self.name}/{OWN_GROUP}"),
                cwd="/",
                env={**os.environ, "MACHINE_HOST_NETWORK": os.readlink("/proc/self/ns/net")},
            )
        assert first.stdin
        assert first.stdout
        process.write_pid_file(self.folder / "pid", first.pid)
        if first.stdout.readline() != b"ready\n":
            raise LabError(f"The machine '{self.name}' did not start; the reason is in {log}.")
        if self.connect:
            self.connect(first.pid)
        first.stdin.write(b"go\n")
        first.stdin.close()
        first.stdout.close()

    def _command(self) -> list[str]:
        own_network = ["--net"] if self.connect else []
        return [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "--uts",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            *own_network,
            "--",
            str(FIRST_PROCESS),
            str(self.state.root),
            self.name,
        ]


def running(state: State, name: str) -> int | None:
    """A pid in the machine's namespaces (all but the PID namespace), None when the machine is off."""
    return process.running(state.machine(name) / "pid")


def started(state: State, name: str) -> datetime:
    """When the machine was switched on, to the second below, as Kubernetes' times are."""
    written = (state.machine(name) / "pid").stat().st_mtime
    return datetime.fromtimestamp(int(written), UTC)


def known(state: State) -> list[str]:
    """Names of the machines that were made and not removed."""
    folder = state.run / "machines"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def switch_off(state: State, name: str) -> None:
    """End the machine as a power cut would; what is on its disk stays."""
    process.end(state.machine(name) / "pid")
    cgroups.kill(name)
    cgroups.remove(name)
