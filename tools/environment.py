# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the virtual environment and the collection path that every make target uses.

Run by whatever ``python3`` the machine has, so only the standard library and no syntax newer than Python 3.8.
Each step is stamped with what it was made from, so a second call takes milliseconds.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
COLLECTIONS = ROOT / ".build" / "collections"
REQUIREMENTS = ROOT / "requirements-dev.txt"
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")  # what the pages for people are looked at with
OLDEST_PYTHON = (3, 11)  # what ansible-core 2.19 runs on


def say(message: str) -> None:
    """One line of progress, at once even when the output is a pipe."""
    print("==> " + message, flush=True)


def refuse_old_python() -> None:
    """Stop with a sentence when this Python cannot run ansible-core."""
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        sys.exit(
            f"Python {wanted} or newer is needed and {sys.executable} is {sys.version.split()[0]}: "
            "install it, then run `make PYTHON=python3.11 ...` with its name."
        )


def apt_install(*packages: str) -> None:
    """Install Debian packages, or stop with their names where that takes somebody else."""
    names = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"Missing on this machine, install it and run again: {names}.")
    say(f"installing {names}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], check=True, env=quiet, stdout=subprocess.DEVNULL)
    command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages]
    subprocess.run(command, check=True, env=quiet, stdout=subprocess.DEVNULL)


def make_venv() -> None:
    """Create .venv and install the pinned requirements, unless that was done from the same pins and the same Python."""
    stamp = VENV / "installed-from"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    started = time.monotonic()
    say("making .venv with the pinned requirements (about a minute)")
    if subprocess.run([sys.executable, "-c", "import ensurepip"], stderr=subprocess.DEVNULL, check=False).returncode:
        apt_install("python3-venv")  # Debian and Ubuntu ship venv without ensurepip
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip.append("--no-compile")  # 60 000 files, of which few are ever imported
    subprocess.run([*pip, "--requirement", str(REQUIREMENTS)], check=True)
    stamp.write_text(wanted)
    say(f".venv is ready ({time.monotonic() - started:.0f} s)")


def link_collection() -> None:
    """Ansible finds a collection only below ansible_collections/<namespace>/<name>: link that place to the checkout."""
    link = COLLECTIONS / "ansible_collections" / "k0smotron" / "ha"
    if not link.is_symlink() or link.resolve() != ROOT:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT)


def install_test_packages() -> None:
    """Real servers, real proxies and a browser for kine_check's tests, without the services that Debian starts."""
    here = {
        ("postgresql-15",): any(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        ("pgbouncer",): Path("/usr/sbin/pgbouncer").exists(),
        ("pgpool2",): Path("/usr/sbin/pgpool").exists(),
        ("mariadb-server-core", "mariadb-client-core"): Path("/usr/sbin/mariadbd").exists(),
        ("galera-4",): Path("/usr/lib/galera/libgalera_smm.so").exists(),
        (BROWSERS[0], "fonts-dejavu-core"): any(map(shutil.which, BROWSERS)),  # about 100 MB to download
    }
    missing = [package for packages, found in here.items() if not found for package in packages]
    if not missing:
        return
    settings = Path("/etc/postgresql-common/createcluster.d/k0smotron-ha-tests.conf")
    if os.geteuid() == 0:
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text("create_main_cluster = false\n")
    try:
        apt_install(*missing)
    finally:
        settings.unlink(missing_ok=True)
    for service in {"pgbouncer", "pgpool2"}.intersection(missing):
        stop_service(service)


def stop_service(name: str) -> None:
    """Stop a service that its package has started; there is none to stop where nothing manages services."""
    if Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "disable", "--quiet", "--now", name], check=False)


def main() -> None:
    """Set up what is missing; --tests adds what only the tests need."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", action="store_true", help="also install the packages that only the tests need")
    arguments = parser.parse_args()
    refuse_old_python()
    make_venv()
    link_collection()
    if arguments.tests:
        install_test_packages()


if __name__ == "__main__":
    main()
