# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are, as in k0s, and how two k0s processes of one container know of each other."""

from __future__ import annotations

import os
from pathlib import Path

PKI = Path("/var/lib/k0s/pki")
RUN = Path("/run/k0s")
PID_FILE = RUN / "k0s.pid"  # of the controller, from its first moment; the image's init reads it
READY_FILE = RUN / "ready"  # there once the API server has answered
CONFIG_FILE = RUN / "k0s.yaml"  # what the controller runs with
KINE_SOCKET = RUN / "kine" / "kine.sock:2379"  # etcd's client library wants a port in the name


class StandInError(Exception):
    """What is wrong, as a sentence for the pod's log."""


def controller_runs() -> bool:
    """Whether the controller is alive and its API has been up."""
    if not (READY_FILE.exists() and PID_FILE.exists()):
        return False
    try:
        os.kill(int(PID_FILE.read_text()), 0)
    except ProcessLookupError:
        return False
    return True
