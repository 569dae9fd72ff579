# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection's archive, let Galaxy's own importer judge it, and install it where the lab's tests use it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tools.common import BUILD, ROOT, environment

ARCHIVES = BUILD / "artifact"
INSTALLED = BUILD / "installed"
# make lint and make sanity run these two, with the collection's own settings.
IMPORTER_SETTINGS = "[galaxy-importer]\nRUN_ANSIBLE_LINT = False\nRUN_ANSIBLE_TEST = False\nRUN_FLAKE8 = False\n"


def build() -> Path:
    """The archive, built anew."""
    shutil.rmtree(ARCHIVES, ignore_errors=True)
    command = ["ansible-galaxy", "collection", "build", "--output-path", str(ARCHIVES)]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True)
    (archive,) = ARCHIVES.glob("*.tar.gz")
    return archive


def importer_complaints(archive: Path) -> list[str]:
    """What galaxy-importer has to say against the archive; empty when it would be taken."""
    settings = ARCHIVES / "galaxy-importer.cfg"
    settings.write_text(IMPORTER_SETTINGS, encoding="utf-8")
    variables = {**environment(), "GALAXY_IMPORTER_CONFIG": str(settings)}
    command = [sys.executable, "-m", "galaxy_importer.main", archive.name]
    done = subprocess.run(command, cwd=ARCHIVES, env=variables, check=False, capture_output=True, text=True)
    lines = (done.stdout + done.stderr).splitlines()
    complaints = [line for line in lines if line.startswith(("WARNING", "ERROR"))]
    return complaints or lines[-5:] * bool(done.returncode)


def install(archive: Path) -> None:
    """Install as a user would; the dependencies come with the ansible package here."""
    shutil.rmtree(INSTALLED, ignore_errors=True)
    command = ["ansible-galaxy", "collection", "install", str(archive), "--collections-path", str(INSTALLED)]
    variables = {**environment(), "ANSIBLE_COLLECTIONS_PATH": str(INSTALLED)}
    subprocess.run([*command, "--no-deps", "--force"], env=variables, check=True)


def main() -> int:
    """Build, judge, install."""
    archive = build()
    complaints = importer_complaints(archive)
    print("\n".join(complaints))
    if complaints:
        return 1
    install(archive)
    return 0


if __name__ == "__main__":
    sys.exit(main())
