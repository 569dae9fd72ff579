# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab asks of the machine, checked before anything is made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import typing as t

from . import packages
from .errors import LabError

if t.TYPE_CHECKING:
    from .paths import State

INSTEAD = "Use a cluster that you have instead: export KUBECONFIG=<its kubeconfig file>."
LONGEST_SOCKET = 107  # bytes in sockaddr_un.sun_path before the final zero, unix(7)
OLDEST_GO = (1, 21)  # the first that fetches a newer Go when go.mod names one


def require_machine() -> None:
    """Raise LabError with one sentence, and what to do instead, where the lab cannot run."""
    reason = why_not(sys.platform, os.geteuid(), packages.missing(), shutil.which("apt-get"), _go_version())
    if reason:
        raise LabError(f"The lab cannot run here: {reason}", INSTEAD)


def why_not(platform: str, user: int, missing: t.Collection[str], apt: str | None, go: tuple[int, int] | None) -> str:
    """The first reason against this machine as half a sentence, empty when there is none. ``go`` is its version."""
    if platform != "linux":
        return f"it needs Linux, and this is {platform}."
    if user != 0:
        return "it needs root, since every node is a set of namespaces of its own."
    if missing and not apt:
        return f"the packages {', '.join(sorted(missing))} are missing, and there is no apt-get to install them with."
    if go is None:
        return "its programs are built from Go modules, and there is no program 'go'."
    if go < OLDEST_GO:
        return f"it needs Go {OLDEST_GO[0]}.{OLDEST_GO[1]} or later, and this is Go {go[0]}.{go[1]}."
    return ""


def _go_version() -> tuple[int, int] | None:
    if not shutil.which("go"):
        return None
    # Not in the repository: there, go.mod would make an older Go download and name a newer one.
    text = subprocess.run(["go", "version"], capture_output=True, text=True, check=False, cwd="/").stdout
    return parse_go_version(text)


def parse_go_version(text: str) -> tuple[int, int] | None:
    """(1, 26) from "go version go1.26.8 linux/amd64"; a development version counts as the newest."""
    found = re.search(r"\bgo(\d+)\.(\d+)", text)
    if found:
        return int(found[1]), int(found[2])
    return (sys.maxsize, 0) if "devel" in text else None


def require_folder(state: State) -> None:
    """Raise LabError when the state folder's name would break a socket or a configuration file."""
    longest = f"{state.containerd_socket('n99')}.ttrpc"
    if len(os.fsencode(longest)) > LONGEST_SOCKET:
        raise LabError(
            f"The name of the state folder {state.root} is too long for a socket in it.",
            "Choose a shorter one with --state.",
        )
    if not re.fullmatch(r"[\w./+@=-]+", str(state.root)):
        raise LabError(
            f"The name of the state folder {state.root!s} has blanks or special characters.",
            "Choose another one with --state.",
        )
