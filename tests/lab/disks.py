# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that can be full: loop devices on files, which a node's kubelet formats and mounts."""

from __future__ import annotations

from pathlib import Path

from . import shell

IMAGE = "disk.img"
LOOPS = Path("/sys/block")


def attach(folder: Path, size: str) -> str:
    """Find or make the disk in ``folder``, with a size such as ``1Gi``; returns its device."""
    image = folder / IMAGE
    if not image.exists():
        shell.run("truncate", f"--size={size}B", image)
    return next(iter(_devices(folder)), "") or shell.run("losetup", "--find", "--show", image).strip()


def detach(folder: Path) -> None:
    """Take away the devices of all disks below ``folder``; one that is still mounted goes when it is not any more."""
    for device in _devices(folder):
        shell.run("losetup", "--detach", device)


def _devices(folder: Path) -> list[str]:
    """Of the disks below ``folder``; the kernel knows them, whatever became of the files."""
    files = LOOPS.glob("loop*/loop/backing_file")
    return [f"/dev/{each.parts[-3]}" for each in files if each.read_text().startswith(f"{folder}/")]
