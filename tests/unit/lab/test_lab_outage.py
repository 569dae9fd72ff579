# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An outage of a node: that it ends is certain before it begins."""

from __future__ import annotations

import subprocess
import time
import typing as t
from pathlib import Path

import pytest

from tests.lab import __main__ as command_line
from tests.lab import outage, settings
from tests.lab.errors import LabError
from tests.lab.paths import State
from tests.lab.progress import Progress


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """A lab of two nodes, of which the first is on; nobody else uses the machine's lock."""
    found = State(tmp_path)
    found.logs.mkdir(parents=True)
    settings.change(found, nodes=2)
    monkeypatch.setattr("tests.lab.lock.NAME", f"\0{tmp_path}")
    monkeypatch.setattr("tests.lab.machine.running", lambda _state, name: 1 if name == "n1" else None)
    return found


def test_who_ends_an_outage_is_there_before_it_begins(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    monkeypatch.setitem(
        t.cast("dict[str, t.Any]", outage.KINDS), "cable", lambda _state, each: steps.append(f"pull {each.link}")
    )
    monkeypatch.setattr(outage, "_end_later", lambda _state, name, seconds: steps.append(f"end {name} in {seconds} s"))
    outage.begin(state, "cable", "n1", 7, Progress())
    assert steps == ["end n1 in 7 s", "pull k0slab-n1"]


def test_the_end_comes_by_itself(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/echo")
    started = time.monotonic()
    outage._end_later(state, "n1", 1)
    assert time.monotonic() - started < 0.9
    log = state.logs / "outage-n1.log"
    while not log.read_text().endswith("\n") and time.monotonic() < started + 20:
        time.sleep(0.05)
    assert log.read_text() == f"-m tests.lab outage over n1 --state {state.root}\n"


@pytest.mark.parametrize(("name", "words"), [("n2", "off already"), ("n3", "no node 'n3'"), ("w1", "no node 'w1'")])
def test_what_is_not_there_cannot_go(state: State, monkeypatch: pytest.MonkeyPatch, name: str, words: str) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    with pytest.raises(LabError, match=words):
        outage.begin(state, "power", name, 1, Progress())


@pytest.mark.parametrize("seconds", ["0", "601", "many"])
def test_an_outage_is_bounded(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.parser().parse_args(["outage", "power", "n1", "--seconds", seconds])
    assert "no number from 1 to 600" in capsys.readouterr().err
