# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outside oracle: real kine, and the Go program of tests/oracle that asks kine's own code and drives it.

Both lie in the lab's cache of built programs and are compiled when they are not there: kine is the one of the lab.
"""

from __future__ import annotations

import functools
import json
import subprocess
import typing as t
from pathlib import Path

from tests.lab import artifacts, programs
from tests.lab.cache import Cache
from tests.lab.commands import Commands
from tests.lab.paths import State, default_root
from tests.lab.progress import Progress

FOLDER = Path(__file__).parents[1] / "oracle"
INPUTS = ("compactions.go", "drive.go", "dsn.go", "go.mod", "go.sum", "links.s", "main.go", "starts.go", "watch.go")
ORACLE = programs.Module("Test oracle", FOLDER, INPUTS, {"oracle": "oracle"})
# What a program gets to see of this machine: none of the PG* variables, which pgx would read.
NO_ENVIRONMENT: t.Final[dict[str, str]] = {}


@functools.cache
def program(name: str) -> Path:
    """The path of the lab's or the oracle's program, compiled when it is not in the cache."""
    module = next(module for module in (*programs.MODULES, ORACLE) if name in module.programs)
    cache = Cache(State(default_root()).cache)
    with cache.locked():
        return artifacts.compiled(cache, module, Commands(), Progress()) / name


def read_dsns(dsns: t.Sequence[str]) -> list[dict[str, t.Any]]:
    """How kine reads each DSN: user, password, database, attempts and settings, or error. See tests/oracle/dsn.go."""
    lines = "".join(json.dumps(dsn) + "\n" for dsn in dsns)
    command = [str(program("oracle")), "dsn"]
    done = subprocess.run(command, input=lines, env=NO_ENVIRONMENT, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def drive(address: str, seconds: float) -> dict[str, t.Any]:
    """What the kine at ``address`` does for an API server. See Seen in tests/oracle/drive.go."""
    return _asked("drive", address, seconds)


def starts(address: str, seconds: float) -> dict[str, t.Any]:
    """What API servers never hear of that start while others write. See Starts in tests/oracle/starts.go."""
    return _asked("starts", address, seconds)


def _asked(question: str, address: str, seconds: float) -> dict[str, t.Any]:
    command = [str(program("oracle")), question, address]
    done = subprocess.run(command, env=NO_ENVIRONMENT, capture_output=True, text=True, check=True, timeout=seconds)
    return t.cast("dict[str, t.Any]", json.loads(done.stdout))
