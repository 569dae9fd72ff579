# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab command at a time on this machine."""

from __future__ import annotations

import socket
import time
import typing as t
from contextlib import contextmanager

from .errors import LabError

if t.TYPE_CHECKING:
    from .progress import Progress

# An abstract socket name: machine-wide, leaves no file, and the kernel frees it when its holder dies (unix(7)).
NAME = "\0k0smotron-ha-lab"


@contextmanager
def locked(progress: Progress, timeout: float = 1800) -> t.Iterator[None]:
    """Hold the lab's lock; wait up to ``timeout`` seconds for another command to end."""
    with socket.socket(socket.AF_UNIX) as holder:
        if not _taken(holder):
            with progress.step("wait for another lab command to end"):
                _wait(holder, timeout)
        yield


def _wait(holder: socket.socket, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not _taken(holder):
        if time.monotonic() > deadline:
            raise LabError(f"Another lab command has been running for {timeout:g} s.", "End it, then try again.")
        time.sleep(0.5)


def _taken(holder: socket.socket) -> bool:
    try:
        holder.bind(NAME)
    except OSError:
        return False
    return True
