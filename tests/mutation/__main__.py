# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Break each check of kine_check on purpose: a check that no test misses is not tested.

Runs the tests once for each mutant, and names those that no test notices.

python -m tests.mutation [--only CHECK] [TESTS...]
"""

from __future__ import annotations

import argparse
import collections
import functools
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

# pytest finds the collection by its own settings, but not early enough for a plugin.
COLLECTIONS = str(Path(__file__).resolve().parents[2] / ".build" / "collections")
UNIT = Path("tests/unit/module_utils/kine")
# Those that notice nearly all mutants are started alone first: pytest collects all tests before it runs one.
RULES = sorted(map(str, UNIT.glob("test_rules*.py")))


def run(tests: list[str], mutant: str | None) -> int:
    """Return pytest's exit code, of the first test that fails or of all."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": COLLECTIONS}
    if mutant:
        command += ["-p", "tests.mutation.plugin"]
        environment["KINE_CHECK_MUTANT"] = mutant
    return subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode


def main() -> int:
    """Return 0 when every mutant makes a test fail, and the unbroken checks none."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="mutants of this check only")
    parser.add_argument("tests", nargs="*", help=f"what to run, {UNIT} by default")
    arguments = parser.parse_args()
    stages = [arguments.tests] if arguments.tests else [RULES, [str(UNIT)]]
    if run(stages[-1], None) != pytest.ExitCode.OK:
        sys.exit("The tests fail without a mutant, so they say nothing about any.")
    sys.path.insert(0, COLLECTIONS)
    from tests.mutation.plugin import databases, mutants

    wanted = [mutant for mutant in mutants() if arguments.only in ("", mutant.split(":")[1])]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = pool.map(functools.partial(_noticed, stages), wanted)
        noticed = dict(zip(wanted, answers, strict=True))
    total = collections.Counter(name for mutant in wanted for name in databases(mutant))
    missed = collections.Counter(name for mutant in wanted if not noticed[mutant] for name in databases(mutant))
    print("mutants noticed:", ", ".join(f"{name} {count - missed[name]}/{count}" for name, count in total.items()))
    return bool(missed)


def _noticed(stages: list[list[str]], mutant: str) -> bool:
    started = time.monotonic()
    noticed = any(_fails(tests, mutant) for tests in stages)
    print(f"{'noticed' if noticed else 'NOT NOTICED':<12} {mutant:<36} {time.monotonic() - started:4.0f} s", flush=True)
    return noticed


def _fails(tests: list[str], mutant: str) -> bool:
    code = run(tests, mutant)
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        sys.exit(f"pytest itself failed with code {code} for {mutant}.")
    return code == pytest.ExitCode.TESTS_FAILED


if __name__ == "__main__":
    sys.exit(main())
