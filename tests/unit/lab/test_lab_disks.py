# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which loop devices are the lab's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import disks, shell

VOLUMES = Path("/state/run/volumes")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is run, on a machine with a disk of the lab, one whose file has gone, and two of others."""
    backing = {
        "loop0": "/home/somebody.img",
        "loop1": f"{VOLUMES}/pvc-1/disk.img",
        "loop2": f"{VOLUMES}-of-others/disk.img",
    }
    for name, file in {**backing, "loop3": f"{VOLUMES}/pvc-2/disk.img (deleted)"}.items():
        (tmp_path / name / "loop").mkdir(parents=True)
        (tmp_path / name / "loop" / "backing_file").write_text(f"{file}\n")
    (tmp_path / "loop4").mkdir()  # nothing is attached to it
    monkeypatch.setattr(disks, "LOOPS", tmp_path)
    said: list[str] = []

    def run(*argv: object) -> str:
        said.append(" ".join(map(str, argv)))
        return "/dev/loop9\n"

    monkeypatch.setattr(shell, "run", run)
    return said


def test_only_disks_below_the_folder_are_detached(commands: list[str]) -> None:
    disks.detach(VOLUMES)
    assert sorted(commands) == ["losetup --detach /dev/loop1", "losetup --detach /dev/loop3"]


def test_a_disk_that_is_attached_is_found(commands: list[str]) -> None:
    assert disks.attach(VOLUMES / "pvc-1", "1Gi") == "/dev/loop1"
    assert commands == [f"truncate --size=1GiB {VOLUMES}/pvc-1/disk.img"]


def test_a_new_disk_gets_a_device(commands: list[str], tmp_path: Path) -> None:
    (tmp_path / disks.IMAGE).touch()
    assert disks.attach(tmp_path, "1Gi") == "/dev/loop9"
    assert commands == [f"losetup --find --show {tmp_path}/disk.img"]
