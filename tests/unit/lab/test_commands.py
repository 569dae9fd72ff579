# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that run side by side end together."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from tests.lab.commands import Commands, side_by_side
from tests.lab.errors import LabError


def test_failure_shows_the_end_of_the_log(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"(?s)sh ended with code 3.*the reason"):
        Commands().run(["sh", "-c", "echo the reason >&2; exit 3"], tmp_path / "log")


def test_all_jobs_run(tmp_path: Path) -> None:
    commands = Commands()
    side_by_side(
        commands, [lambda: commands.run(["true"], tmp_path / "a"), lambda: commands.run(["true"], tmp_path / "b")]
    )
    assert (tmp_path / "a").exists()
    assert (tmp_path / "b").exists()


def test_first_failure_ends_the_others_and_is_the_one_reported(tmp_path: Path) -> None:
    commands = Commands()
    started = time.monotonic()
    with pytest.raises(LabError, match="false ended with code 1"):
        side_by_side(
            commands,
            [lambda: commands.run(["sleep", "60"], tmp_path / "a"), lambda: commands.run(["false"], tmp_path / "b")],
        )
    assert time.monotonic() - started < 30


def test_nothing_starts_after_stop(tmp_path: Path) -> None:
    commands = Commands()
    commands.stop()
    with pytest.raises(LabError, match="not started"):
        commands.run(["true"], tmp_path / "log")


def test_commands_end_when_their_starter_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    starter = (
        "from pathlib import Path; from tests.lab.commands import Commands;"
        f"Commands().run(['sh', '-c', 'echo $$; exec sleep 60'], Path({str(log)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", starter])
    try:
        _wait_for(lambda: log.exists() and log.read_text().strip())
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    child = int(log.read_text())
    _wait_for(lambda: not _alive(child))


def _wait_for(condition: t.Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    """A zombie has ended: whether it is reaped is the business of the machine's first process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
