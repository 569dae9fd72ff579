# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the long build commands side by side: output to a log file, and none outlives the others' failure."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import typing as t
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress

from .errors import LabError

if t.TYPE_CHECKING:
    from pathlib import Path

# The kernel sends this when the thread that started the command is gone, even when this process was killed with -9.
UNTIL_WE_DIE = ("setpriv", "--pdeathsig", "TERM", "--")
LAST_LINES = 15  # of a failed command's log, shown with the error


class Commands:
    """Starts commands on behalf of several threads, and can end all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(
        self, command: t.Sequence[str], log: Path, *, cwd: Path | None = None, env: t.Mapping[str, str] | None = None
    ) -> None:
        """Run to the end; raises LabError with the last lines of `log` when the exit code is not 0."""
        with log.open("ab") as output:
            process = self._start(command, output, cwd, env)
            try:
                code = process.wait()
            finally:
                with self._lock:
                    self._processes.discard(process)
        if code != 0:
            lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
            raise LabError("\n".join([f"{command[0]} ended with code {code}; the end of {log}:", *lines]))

    def stop(self) -> None:
        """End what runs and refuse to start more: another thread has failed."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                with suppress(ProcessLookupError):  # ended just now
                    os.killpg(process.pid, signal.SIGTERM)

    def _start(
        self, command: t.Sequence[str], output: t.BinaryIO, cwd: Path | None, env: t.Mapping[str, str] | None
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stopped:
                raise LabError(f"{command[0]} was not started, because another step failed.")
            process = subprocess.Popen(
                [*UNTIL_WE_DIE, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
            self._processes.add(process)
            return process


def side_by_side(commands: Commands, jobs: t.Sequence[t.Callable[[], None]]) -> None:
    """Run `jobs` in a thread each; the first failure (or Ctrl-C) stops the commands of all and is raised."""
    with ThreadPoolExecutor(max_workers=len(jobs)) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            finished, unfinished = wait(futures, return_when=FIRST_EXCEPTION)
            failure = next((error for error in (future.exception() for future in finished) if error), None)
            if unfinished:
                commands.stop()
            if failure:
                raise failure
        except BaseException:
            commands.stop()
            raise
