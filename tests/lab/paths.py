# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything of the lab lies: one state folder with ``cache`` and ``run``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def default_root() -> Path:
    """The state folder when none is named: ``$XDG_CACHE_HOME`` or ``~/.cache``, then ``k0smotron-ha-lab``."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "k0smotron-ha-lab"


@dataclass(frozen=True)
class State:
    """The state folder. ``cache`` outlives ``down``; ``run`` is the running lab and goes with it."""

    root: Path

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.run / "logs"

    @property
    def pki(self) -> Path:
        return self.run / "pki"

    @property
    def volumes(self) -> Path:
        """One folder a PersistentVolume; every node sees it."""
        return self.run / "volumes"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig (mode 0600)."""
        return self.run / "kubeconfig"

    @property
    def playbook_variables(self) -> Path:
        return self.run / "lab-vars.yml"

    @property
    def settings(self) -> Path:
        """What ``up`` decided: number of nodes, where the programs are, images that were loaded."""
        return self.run / "lab.json"

    def machine(self, name: str) -> Path:
        return self.run / "machines" / name

    def containerd_socket(self, node: str) -> Path:
        return self.machine(node) / "containerd.sock"
