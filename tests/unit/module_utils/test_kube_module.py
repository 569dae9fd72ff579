# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module does not need it does not load: the libraries cost more time and memory than most of what it does."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

MODULE = "ansible_collections.k0smotron.ha.plugins.modules.kine_check"


@pytest.mark.parametrize("library", ["kubernetes", "psycopg", "pymysql"])
def test_kine_check_starts_without(library: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = f"import sys, {MODULE}; sys.exit({library!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], env=environment, check=False).returncode == 0
