# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files that programs of the lab may be reading."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path


def write(path: Path, text: str, mode: int = 0o644) -> Path:
    """Give ``path`` this content, whole or not at all, and return it; a file that has it already is not touched.

    kube-proxy ends itself when its configuration file is written to, even with what was in it before.
    """
    if not path.exists() or path.read_text() != text:
        unfinished = path.with_name(path.name + ".unfinished")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text)
        unfinished.rename(path)
    return path


def write_json(path: Path, content: t.Any, mode: int = 0o644) -> Path:
    """The same with JSON, which whoever expects YAML reads too."""
    return write(path, json.dumps(content, indent=1) + "\n", mode)
