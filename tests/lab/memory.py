# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory the lab takes."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from . import cgroups


def proportional_bytes(pids: t.Iterable[int]) -> int:
    """Sum of PSS: what is shared counts in parts (proc(5), smaps_rollup). Processes that are gone count nothing."""
    return sum(_of_one(pid) for pid in pids)


def parse_rollup(text: str) -> int:
    """Bytes from the text of /proc/PID/smaps_rollup."""
    found = re.search(r"^Pss:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _of_one(pid: int) -> int:
    try:
        return parse_rollup(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return 0


def of_machines(names: t.Iterable[str]) -> dict[str, int]:
    """Bytes a machine, its pods included."""
    return {name: proportional_bytes(cgroups.pids(name)) for name in names}
