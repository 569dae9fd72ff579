# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volume provisioner runs from a copy of few modules, with the system's Python."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lab import control_plane
from tests.lab.control_plane import PYTHON


def test_the_copy_is_complete_and_independent_of_the_checkout(tmp_path: Path) -> None:
    copy = control_plane.copy_of_code(tmp_path)
    command = [PYTHON, "-c", "import tests.lab.volumes; print(tests.lab.volumes.__file__)"]
    done = subprocess.run(command, env={"PYTHONPATH": str(copy)}, cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(copy / "tests" / "lab" / "volumes.py")
