# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make lock``: write requirements-dev.txt, the exact packages that requirements-dev.in resolves to today."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "requirements-dev.in"
TARGET = ROOT / "requirements-dev.txt"


def resolve() -> str:
    """Install SOURCE into an empty virtual environment and return what is in it, one pin a line."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip"]
        subprocess.run([*pip, "install", "--quiet", "--requirement", str(SOURCE)], check=True)
        return subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Keep the license header of the source, replace the pins."""
    header = SOURCE.read_text(encoding="utf-8").splitlines()[:3]
    note = "# Made by `make lock` from requirements-dev.in: every package that `make` installs into .venv, pinned."
    TARGET.write_text("\n".join([*header, note, resolve()]), encoding="utf-8")


if __name__ == "__main__":
    main()
