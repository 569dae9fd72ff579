# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run stages (one command each) side by side in lanes, say what happens, stop everything when one fails."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import signal
import subprocess
import threading
import time
import typing as t
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.common import BUILD, ROOT, elapsed
from tools.counts import Counts, count

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_MESSAGE = re.compile(r'\\*"msg\\*": ')
LOGS = BUILD / "logs"
HEARTBEAT = 60.0  # seconds of silence after which a running stage says that it is alive
TAIL = 60  # lines of a failed stage's log that are shown
COMPLAINT = 700  # characters of what a failed stage's last words are cut to
DEADLINE = 30 * 60.0  # seconds after which a stage counts as hung


@dataclass(frozen=True)
class Stage:
    """One command, and where it writes its JUnit XML files; without any, the stage itself counts as one test.

    ``variables`` is called when the stage starts, because the lab's environment exists only once the lab is up.
    ``complete`` means that a skipped test fails the stage: in the lab nothing may be left out.
    """

    name: str
    command: Sequence[str]
    variables: t.Callable[[], t.Mapping[str, str]]
    reports: Sequence[Path] = ()
    complete: bool = False
    is_test: bool = True

    @property
    def log(self) -> Path:
        """Where the command's output goes."""
        return LOGS / f"{self.name.replace(' ', '-').replace('/', '-')}.log"


@dataclass(frozen=True)
class Result:
    """What came of a stage; ``seconds`` is wall clock."""

    stage: Stage
    ok: bool
    counts: Counts
    seconds: float


class Runner:
    """Runs lanes of stages and keeps their results."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self._stop = threading.Event()
        self._started = time.monotonic()
        LOGS.mkdir(parents=True, exist_ok=True)

    @property
    def ok(self) -> bool:
        """Whether no stage failed so far."""
        return all(result.ok for result in self.results)

    def lanes(self, *lanes: Sequence[Stage], keep_going: bool = False) -> None:
        """Run each lane's stages in order, the lanes side by side; returns when all have ended.

        The first failure ends all lanes, unless told to keep going.
        """
        with ThreadPoolExecutor(max_workers=len(lanes)) as pool:
            running = [pool.submit(self._lane, lane, keep_going) for lane in lanes]
            try:
                for lane in running:
                    lane.result()
            except (
                BaseException
            ):  # Ctrl-C, or main()'s SIGTERM: stages run in sessions of their own and hear of neither
                self._stop.set()
                raise

    def _lane(self, stages: Sequence[Stage], keep_going: bool) -> None:
        for stage in stages:
            if self._stop.is_set():
                return
            result = self._run(stage)
            if result is not None:
                self.results.append(result)
                if not result.ok and not keep_going:
                    self._stop.set()

    def _run(self, stage: Stage) -> Result | None:
        """Run one stage; None when it was ended because another failed."""
        for report in stage.reports:
            for old in report.glob("*.xml") if report.is_dir() else [report]:
                old.unlink(missing_ok=True)
        began = time.monotonic()
        self._say(f"{stage.name} ...")
        code = self._wait(stage)
        if code is None:
            return None
        result = judge(stage, code, time.monotonic() - began)
        self._say(f"{stage.name}: {'ok' if result.ok else 'FAILED'}, {result.counts}, {elapsed(began)}")
        if not result.ok:
            self._explain(stage)
        return result

    def _wait(self, stage: Stage) -> int | None:
        """The command's exit code; None when it was ended because another stage failed."""
        with stage.log.open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                stage.command,
                cwd=ROOT,
                env=dict(stage.variables()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            began = spoke = time.monotonic()
            while process.poll() is None:
                if self._stop.wait(0.2):
                    end(process)
                    return None
                if time.monotonic() - began > DEADLINE:
                    end(process)
                    log.write(f"ended after {DEADLINE:.0f} s, for it seems to hang\n")
                    break
                if time.monotonic() - spoke > HEARTBEAT:
                    spoke = time.monotonic()
                    self._say(f"{stage.name}: {last_line(stage.log)}")
        return process.returncode

    def _explain(self, stage: Stage) -> None:
        lines = stage.log.read_text(encoding="utf-8", errors="replace").splitlines()
        shown = "\n".join(f"    {line}" for line in lines[-TAIL:])
        print(f"{shown}\n{stage.name} failed: {shlex.join(stage.command)}\nAll of its output: {stage.log}", flush=True)

    def _say(self, message: str) -> None:
        print(f"[{elapsed(self._started):>11}] {message}", flush=True)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a stage with all that it started in its own session; what does not listen is killed."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def judge(stage: Stage, code: int, seconds: float) -> Result:
    """Turn an exit code and the reports into a result. A stage that should have run tests and ran none has failed."""
    counts = count(stage.reports)
    ok = code == 0 and not counts.failed
    if stage.reports and not counts.passed + counts.failed:
        ok = False
    if stage.complete and counts.skipped:
        ok = False
    if not stage.reports and stage.is_test:
        counts = Counts(passed=int(ok), failed=int(not ok))
    elif not ok and not counts.failed:
        counts += Counts(failed=1)
    return Result(stage, ok, counts, seconds)


def last_line(log: Path) -> str:
    """The last line with a word in a log, shortened to a terminal's width."""
    return next((line[:100] for line in reversed(_plain(log)) if any(map(str.isalpha, line))), "no output yet")


def complaint(log: Path) -> str:
    """Which of Ansible's tasks failed last, and what it said, in one line; the log's last line where there is no such task."""
    lines = _plain(log)
    failed = [number for number, line in enumerate(lines) if line.startswith(("fatal: [", "failed: ["))]
    if not failed:
        return last_line(log)
    task = next((line for line in reversed(lines[: failed[-1]]) if line.startswith("TASK [")), "")
    said = itertools.takewhile(lambda line: not line.startswith(("TASK [", "PLAY RECAP")), lines[failed[-1] :])
    return f"{task} {_innermost(' '.join(said))}"[:COMPLAINT]


def _innermost(said: str) -> str:
    """From the message on that ended a playbook within the task, which hides in the task's stdout behind its command."""
    around, _fatal, within = said.rpartition("fatal: [")
    message = _MESSAGE.search(within) if around else None
    return within[message.start() :] if message else said


def _plain(log: Path) -> list[str]:
    """A log's lines without colors and frames."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [_COLOR.sub("", line).strip(" \t│") for line in lines]
