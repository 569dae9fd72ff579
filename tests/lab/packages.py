# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages that the lab runs: installed when missing, and without starting their services."""

from __future__ import annotations

import os
import shutil
import typing as t
from contextlib import contextmanager
from pathlib import Path

from . import node, shell
from .errors import LabError

if t.TYPE_CHECKING:
    from .progress import Progress

PROGRAMS = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "ip": "iproute2",
    "openssl": "openssl",
    "mmdebstrap": "mmdebstrap",
}
CNI_PACKAGE = "containernetworking-plugins"
SERVICE_POLICY = Path("/usr/sbin/policy-rc.d")  # asked by Debian's package scripts before they start a service
OUR_POLICY = "#!/bin/sh\n# k0smotron-ha-lab: starts no service while it installs packages\nexit 101\n"


def missing(more: t.Mapping[str, str] | None = None) -> set[str]:
    """Packages to install, with those of `more` programs: whoever brought one here by another way is left alone."""
    programs = {**PROGRAMS, **(more or {})}
    found = {package for program, package in programs.items() if not shutil.which(program)}
    return found if (node.cni_folder() / "bridge").exists() else found | {CNI_PACKAGE}


def ensure(progress: Progress, more: t.Mapping[str, str] | None = None) -> None:
    """Install what is missing with apt-get, from the machine's own sources."""
    wanted = sorted(missing(more))
    if wanted:
        with progress.step(f"install {', '.join(wanted)}"), services_stay_off():
            _install(wanted)


def _install(names: t.Sequence[str]) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *names)
    try:
        shell.run(*command, timeout=900, env=quiet)
    except LabError:  # the lists of packages may be old or absent
        shell.run("apt-get", "update", "--quiet", timeout=600, env=quiet)
        shell.run(*command, timeout=900, env=quiet)


@contextmanager
def services_stay_off(policy: Path = SERVICE_POLICY) -> t.Iterator[None]:
    """Forbid package scripts to start services; the administrator's own policy comes back afterwards."""
    aside = policy.with_name(policy.name + ".before-lab")
    if policy.exists() and policy.read_text() != OUR_POLICY:  # an interrupted run may have left ours
        policy.rename(aside)
    policy.write_text(OUR_POLICY)
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()
        if aside.exists():
            aside.rename(policy)
