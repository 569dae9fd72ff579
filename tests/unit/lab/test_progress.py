# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person and what a log gets to see."""

from __future__ import annotations

import io
import time

import pytest

from tests.lab.progress import Progress


def test_log_has_a_line_at_start_and_end() -> None:
    stream = io.StringIO()
    with Progress(stream).step("build"):
        pass
    assert stream.getvalue() == "start   build\ndone    build (0 s)\n"


def test_failure_is_named_and_goes_on() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError, match="broken"), Progress(stream).step("build"):
        raise ValueError("broken")
    assert stream.getvalue().splitlines()[-1] == "failed  build after 0 s"


def test_log_names_all_running_steps_from_time_to_time() -> None:
    stream = io.StringIO()
    progress = Progress(stream, beat=0.01)
    with progress.step("one"), progress.step("two"):
        deadline = time.monotonic() + 5
        while "running" not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "running one (0 s), two (0 s)\n" in stream.getvalue()


def test_terminal_redraws_one_line_and_keeps_the_result() -> None:
    stream = io.StringIO()
    progress = Progress(stream, terminal=True, beat=0.01)
    with progress.step("build"):
        deadline = time.monotonic() + 5
        while "..." not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    lines = stream.getvalue().split("\r\x1b[2K")
    assert lines[1] == "...     build (0 s)"
    assert lines[-1] == "done    build (0 s)\n"
