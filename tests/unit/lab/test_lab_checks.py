# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lab cannot run it says so in one sentence."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import checks, packages
from tests.lab.__main__ import parser
from tests.lab.errors import LabError
from tests.lab.paths import REPOSITORY, State

GO = (1, 26)


@pytest.mark.parametrize(
    ("reason", "arguments"),
    [
        ("", ("linux", 0, set(), None, GO)),
        ("", ("linux", 0, {"runc"}, "/usr/bin/apt-get", GO)),
        ("it needs Linux, and this is darwin.", ("darwin", 0, set(), None, GO)),
        ("it needs root, since", ("linux", 1000, set(), None, GO)),
        ("the packages containerd, runc are missing", ("linux", 0, {"runc", "containerd"}, None, GO)),
        ("there is no program 'go'.", ("linux", 0, set(), None, None)),
        ("it needs Go 1.21 or later, and this is Go 1.19.", ("linux", 0, set(), None, (1, 19))),
    ],
)
def test_reason(reason: str, arguments: tuple[str, int, set[str], str | None, tuple[int, int] | None]) -> None:
    found = checks.why_not(*arguments)
    assert reason in found
    assert bool(reason) == bool(found)


@pytest.mark.parametrize(
    ("text", "version"),
    [("go version go1.26.8 linux/amd64", (1, 26)), ("go version devel +1 linux/amd64", (sys.maxsize, 0)), ("?", None)],
)
def test_go_version(text: str, version: tuple[int, int] | None) -> None:
    assert checks.parse_go_version(text) == version


@pytest.mark.parametrize("folder", ["/with blank/state", "/" + "long/" * 20, "/semi;colon"])
def test_folders_that_would_break_something(folder: str) -> None:
    with pytest.raises(LabError, match="--state"):
        checks.require_folder(State(Path(folder)))


def test_not_root_is_told_what_to_do_instead(tmp_path: Path) -> None:
    """The real command; root loses its user id in a user namespace without a mapping, and still may read its files."""
    not_root = ["unshare", "--user"] if os.geteuid() == 0 else []
    command = [*not_root, sys.executable, "-m", "tests.lab", "up", "--state", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR: The lab cannot run here: it needs root")
    assert done.stderr.count("\n") == 1
    assert "export KUBECONFIG=" in done.stderr


@pytest.mark.parametrize("count", ["0", "41", "three", "-1"])
def test_number_of_nodes(count: str) -> None:
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        parser().parse_args(["up", "--nodes", count])


def test_services_stay_off_and_the_administrators_policy_comes_back(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("the administrator's")
    with packages.services_stay_off(policy):
        assert subprocess.run([policy], check=False).returncode == 101  # "action forbidden" to invoke-rc.d
    assert policy.read_text() == "the administrator's"


def test_the_administrators_policy_survives_an_interrupted_run(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("the administrator's")
    interrupted = packages.services_stay_off(policy)
    interrupted.__enter__()
    with packages.services_stay_off(policy):
        pass
    assert policy.read_text() == "the administrator's"


def test_no_policy_leaves_no_policy(tmp_path: Path) -> None:
    with packages.services_stay_off(tmp_path / "policy-rc.d"):
        pass
    assert list(tmp_path.iterdir()) == []
