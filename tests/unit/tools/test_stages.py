# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner behind ``make test``: what counts as passed, and that a failure ends everything."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from tools import stages
from tools.check import summary
from tools.common import ROOT
from tools.counts import Counts, count, failures
from tools.stages import Runner, Stage, complaint, judge

REPORT = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"><failure/></testcase>
<testcase classname="tests.c" name="c"><error message="E: no&#10;more"/></testcase>
<testcase name="d"><skipped>needs a GPU</skipped></testcase>
<testcase name="e"><skipped>No tests applicable.</skipped></testcase>
</testsuite></testsuites>"""
ONE_PASSED = '<testsuite><testcase name="a"/></testsuite>'
ONE_SKIPPED = '<testsuite><testcase name="a"/><testcase name="b"><skipped/></testcase></testsuite>'


@pytest.fixture(autouse=True)
def _logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "LOGS", tmp_path / "logs")


def stage(name: str, script: str, **more: t.Any) -> Stage:
    return Stage(name, [sys.executable, "-c", script], lambda: os.environ, **more)


def test_counts_failures_errors_and_skips_but_not_what_does_not_apply(tmp_path: Path) -> None:
    (tmp_path / "one.xml").write_text(REPORT)
    assert count([tmp_path, tmp_path / "missing.xml"]) == Counts(passed=1, failed=2, skipped=1)


def test_names_what_failed_and_why(tmp_path: Path) -> None:
    (tmp_path / "one.xml").write_text(REPORT)
    assert failures([tmp_path]) == ["::b: no reason", "tests.c::c: E: no"]


@pytest.mark.parametrize(
    ("report", "code", "complete", "ok", "counts"),
    [
        (ONE_PASSED, 0, True, True, Counts(1)),
        (ONE_PASSED, 1, False, False, Counts(1, 1)),  # green tests, but the runner itself failed
        (ONE_SKIPPED, 0, False, True, Counts(1, 0, 1)),
        (ONE_SKIPPED, 0, True, False, Counts(1, 1, 1)),  # the lab may skip nothing
        ("<testsuite/>", 0, False, False, Counts(0, 1)),  # no test ran
        (None, 0, False, True, Counts(1)),
        (None, 2, False, False, Counts(0, 1)),
    ],
)
def test_judges_a_stage_by_exit_code_and_reports(
    tmp_path: Path, report: str | None, code: int, complete: bool, ok: bool, counts: Counts
) -> None:
    file = tmp_path / "report.xml"
    file.write_text(report or "")
    result = judge(stage("s", "", reports=[file] if report else (), complete=complete), code, 1.0)
    assert (result.ok, result.counts) == (ok, counts)


def test_a_failure_ends_the_other_lane_and_shows_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    runner = Runner()
    began = time.monotonic()
    runner.lanes(
        [stage("slow", "import time; time.sleep(60)"), stage("never", "")],
        [stage("broken", "import time; time.sleep(0.3); print('the reason'); raise SystemExit(3)")],
    )
    assert time.monotonic() - began < 20
    assert not runner.ok
    assert [result.stage.name for result in runner.results] == ["broken"]
    assert "the reason" in capsys.readouterr().out


def test_keeps_going_when_told_and_names_the_failure_before_the_sums(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    script = f"open({str(file)!r}, 'w').write({REPORT!r})"
    runner = Runner()
    runner.lanes([stage("broken", script, reports=[file]), stage("next", "")], keep_going=True)
    assert [(result.stage.name, result.ok) for result in runner.results] == [("broken", False), ("next", True)]
    assert list(summary(runner.results, 1.0))[-4:-2] == [
        "FAILED broken: ::b: no reason",
        "FAILED broken: tests.c::c: E: no",
    ]


def test_a_stage_that_hangs_is_ended_and_counts_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "DEADLINE", 0.5)
    runner = Runner()
    runner.lanes([stage("hung", "import time; time.sleep(60)")])
    assert [result.ok for result in runner.results] == [False]
    assert runner.results[0].seconds < 20
    assert "seems to hang" in runner.results[0].stage.log.read_text()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_ends_its_stages(tmp_path: Path, sent: signal.Signals) -> None:
    script = f"""
import os, signal, sys
from pathlib import Path
from tools import stages
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
stages.LOGS = Path({str(tmp_path)!r})
body = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
stages.Runner().lanes([stages.Stage("one", [sys.executable, "-c", body], lambda: os.environ)])
"""
    run = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.DEVNULL)
    log = tmp_path / "one.log"
    while not log.exists() or not log.read_text():
        time.sleep(0.05)
    run.send_signal(sent)
    assert run.wait(20) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(log.read_text()), 0)


def test_a_sign_of_life_is_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\x1b[2m│\x1b[0m TASK [one] ***\n\x1b[2m│\x1b[0m   ****\n\n")
    assert stages.last_line(log) == "TASK [one] ***"
    log.write_text("")
    assert stages.last_line(log) == "no output yet"


def test_what_failed_in_a_scenario_is_in_the_summary() -> None:
    log = [
        "TASK [early] **",
        "fatal: [localhost]: a",
        "...ignoring",
        "TASK [late] **",
        "[ERROR]: why",
        "failed: [localhost] (item=1)",
    ]
    said = "\n".join(
        f"\x1b[2m│\x1b[0m {line}" for line in [*log, "  => because", "TASK [rescue] **", "PLAY RECAP", "rc 2"]
    )
    runner = Runner()
    runner.lanes([stage("broken", f"print({said!r}); raise SystemExit(2)")], keep_going=True)
    assert list(summary(runner.results, 1.0))[-3] == (
        "FAILED broken: TASK [late] ** failed: [localhost] (item=1) => because"
    )


def test_the_last_line_is_the_sum_of_counts() -> None:
    runner = Runner()
    runner.lanes([stage("one", ""), stage("two", ""), stage("lab up", "", is_test=False)])
    lines = list(summary(runner.results, 65.0))
    assert lines[-2:] == ["all in 1 min 05 s", "2 passed, 0 failed"]


def failing_play(task: str, result: dict[str, t.Any]) -> str:
    return f"TASK [{task}] ***\nfatal: [localhost]: FAILED! => {json.dumps(result)}\n\nPLAY RECAP ***\nlocalhost : failed=1\n"


def test_complaint_names_the_task_and_its_message(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("TASK [Before]\nok: [localhost]\n" + failing_play("Create it", {"changed": False, "msg": "No name"}))
    assert complaint(log).startswith("TASK [Create it] *** fatal: [localhost]: FAILED!")
    assert "No name" in complaint(log)


def test_complaint_of_a_playbook_within_a_task_is_its_own_message(tmp_path: Path) -> None:
    log, long = tmp_path / "log", ["ansible-playbook"] + ["--extra-vars=x"] * 99
    within = failing_play("Drill", {"changed": True, "certificates": {}, "msg": "Nobody could write for 31 s"})
    log.write_text(failing_play("Run a drill", {"cmd": long, "stdout": within, "stdout_lines": within.splitlines()}))
    assert complaint(log).startswith("TASK [Run a drill] ***")
    assert "Nobody could write for 31 s" in complaint(log)
