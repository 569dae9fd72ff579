# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of ``make drill``."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from tools.drill import FAULTS, certificates, table


def certificate(fault: str, gap: float, *, lost: int = 0) -> dict[str, t.Any]:
    measures = {
        "acknowledged": 100,
        "failed": 1,
        "unknown": 2,
        "writes_twice": 3,
        "write_gap": gap,
        "read_gap": gap + 1,
        "watch_gap": gap + 2,
    }
    rules = [{"id": "lost", "ok": not lost, "count": lost}]
    return {"fault": {"id": fault}, "passed": not lost, "measures": measures, "rules": rules}


def test_runs_of_a_fault_are_one_row() -> None:
    runs = [certificate("primary_killed", gap) for gap in (3.0, 1.0, 2.0, 9.5)]
    _header, _line, killed, hung = table([*runs, certificate("primary_hung", 60.0, lost=7)])
    assert killed == "| primary_killed | 4 | 4 | 400 | 0 | 4 | 8 | 12 | 2.0 / 9.5 / 9.5 | 10.5 | 11.5 |"
    assert hung == "| primary_hung | 1 | 0 | 100 | 7 | 1 | 2 | 3 | 60.0 / 60.0 / 60.0 | 61.0 | 62.0 |"


def test_a_fault_of_a_node_has_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "a-a-command.json").write_text(json.dumps(certificate("command", 30.0)))
    (found,) = certificates("node_lost", tmp_path)
    assert (found["fault"]["id"], found["measures"]["write_gap"]) == ("node_lost", 30.0)


def test_what_needs_somebody_else_is_not_drilled_by_itself() -> None:
    assert "primary_hung" in FAULTS
    assert not {"none", "command"} & {*FAULTS}
