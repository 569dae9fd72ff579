# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel modules: loaded when they are missing, and unloaded again by ``down``."""

from __future__ import annotations

import typing as t
from pathlib import Path

from . import settings, shell
from .errors import LabError

if t.TYPE_CHECKING:
    from .paths import State

# br_netfilter: without it a pod reaches no Service whose endpoint is on its own node. It may be built in.
NEEDED: t.Mapping[str, t.Callable[[], bool]] = {
    "overlay": lambda: "\toverlay\n" in Path("/proc/filesystems").read_text(),
    "br_netfilter": lambda: Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists(),
}


def ensure_modules(state: State) -> None:
    """Load what is missing and remember it. Raises LabError when the kernel has no such module."""
    for name, there in NEEDED.items():
        if not there():
            shell.succeeds("modprobe", name)
            if not there():
                raise LabError(
                    f"This kernel has no module '{name}', and the lab's nodes need it.",
                    "Install your kernel's full set of modules.",
                )
            settings.change(state, modules=[*settings.read(state).modules, name])


def unload_modules(state: State) -> None:
    """Unload what `ensure_modules` loaded; a module that someone else uses by now stays."""
    for name in settings.read(state).modules:
        shell.succeeds("modprobe", "--remove", name)
