# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make test``, ``make test-all``, ``make lint``: the stages that prove the project, timed, with a closing line of counts."""

from __future__ import annotations

import os
import signal
import sys
import time
import typing as t
from collections.abc import Collection, Sequence

from tools.artifact import INSTALLED
from tools.common import BUILD, LAB, ROOT, duration, environment, lab_environment
from tools.counts import Counts, failures
from tools.sanity import REPORTS as SANITY_REPORTS
from tools.stages import Result, Runner, Stage, complaint

PYTHON = sys.executable
JUNIT = BUILD / "junit"
SCENARIOS = ROOT / "extensions" / "molecule"
PACKAGE = "ansible_collections.k0smotron.ha"
LIFECYCLE = "tests/integration/test_lab_lifecycle.py"
ON_THE_LAB = ("tests/integration/kube", "tests/integration/modules")
ONLY_IN_ALL = {
    "base/bad_data_source",
    "base/bad_input",
    "base/drill_killed",
    "base/installed_artifact",
    "base/rotation_killed",
    "base/worker",
    "empty/cluster_api_operator",
    "empty/guide_url",
    "empty/interrupted",
    "empty/k0smotron",
    "empty/postgres_operator",
    "own/managed_mysql",
}
"""Scenarios that ``make test`` leaves to ``make test-all``, because every feature in them has another real path there."""
BEGINNING = ("empty/site", "base/control_plane")
"""What a user does first. It leaves the operators, which the lanes after it share and none of them has to install."""
APART = (
    "tests/integration/kube",
    "tests/integration/modules/test_datastore_cloudnativepg.py",
    "tests/integration/modules/test_managed_database.py",
    "tests/integration/modules/test_manifests.py",
)
"""Tests that do not share Zalando's operator. CloudNativePG's run before the scenario that removes it, not beside."""


def without_cluster() -> dict[str, str]:
    """Nothing in these tests may reach the cluster of the user's shell: KUBECONFIG and K8S_AUTH_* are dropped."""
    return {k: v for k, v in environment().items() if k != "KUBECONFIG" and not k.startswith("K8S_AUTH_")}


def in_lab() -> dict[str, str]:
    """The same, the lab's KUBECONFIG and PATH, and the collection as installed from its archive, not the checkout."""
    return {**without_cluster(), **lab_environment(), "ANSIBLE_COLLECTIONS_PATH": str(INSTALLED)}


def for_plugins() -> dict[str, str]:
    """mypy reads the plugins under the name that Ansible imports them by."""
    return {**without_cluster(), "MYPYPATH": str(BUILD / "collections")}


def linters() -> list[Stage]:
    """Style, types and Ansible's own rules."""
    bare = without_cluster
    return [
        Stage("ruff check", ["ruff", "check", "."], bare),
        Stage("ruff format", ["ruff", "format", "--check", "."], bare),
        Stage("yamllint", ["yamllint", "--strict", "."], bare),
        Stage("mypy plugins", ["mypy", "-p", f"{PACKAGE}.plugins"], for_plugins),
        Stage(
            "mypy tests",
            ["mypy", "tools", "tests/lab", "tests/unit", "tests/integration", "tests/benchmarks", "tests/mutation"],
            for_plugins,
        ),
        Stage("ansible-lint", ["ansible-lint", "--strict"], bare),
        Stage("changelog", ["antsibull-changelog", "lint"], bare),
    ]


def pytest(name: str, *arguments: str, in_the_lab: bool = False) -> Stage:
    """A pytest run with its own JUnit file; in the lab no test may be skipped."""
    report = JUNIT / f"{name}.xml"
    command = [PYTHON, "-m", "pytest", f"--junitxml={report}", *arguments]
    return Stage(name, command, in_lab if in_the_lab else without_cluster, [report], complete=in_the_lab)


def quick() -> list[Stage]:
    """What needs no lab, fastest first."""
    sanity = Stage("sanity", [PYTHON, "-m", "tools.sanity"], without_cluster, [SANITY_REPORTS])
    return [pytest("unit", "tests/unit"), *linters(), sanity]


def selected(left_out: Collection[str]) -> list[str]:
    """What tells pytest to leave the tests marked with `matrix` to ``make test-all``."""
    return ["-m", "not matrix"] if left_out else []


def databases(left_out: Collection[str]) -> Stage:
    """kine_check and the DSN parser against real servers of their own and against real kine; needs the lab's programs."""
    elsewhere = [f"--ignore={path}" for path in (*ON_THE_LAB, LIFECYCLE)]
    return pytest("databases", "tests/integration", *elsewhere, *selected(left_out), in_the_lab=True)


def scenarios(group: str, left_out: Collection[str]) -> list[Stage]:
    """The molecule scenarios of a folder, each with a folder of its own for its files, so that they may run side by side."""
    found = sorted(f"{group}/{path.parent.name}" for path in (SCENARIOS / group).glob("*/molecule.yml"))
    return [scenario(name) for name in found if name not in (*left_out, *BEGINNING)]


def scenario(name: str) -> Stage:
    """One molecule scenario."""
    beside = {"MOLECULE_EPHEMERAL_DIRECTORY": str(BUILD / "molecule" / name), "LAB_IS_UP": "1"}
    return Stage(f"molecule {name}", ["molecule", "test", "-s", name], lambda: {**in_lab(), **beside})


def beginning() -> list[Stage]:
    """The archive that all others run, the lab, and what they share."""
    artifact = Stage("artifact", [PYTHON, "-m", "tools.artifact"], without_cluster)
    lab = Stage("lab up", [*LAB, "up", "--with", "all"], without_cluster, is_test=False)
    return [artifact, lab, *map(scenario, BEGINNING)]


def sharing(left_out: Collection[str]) -> list[Stage]:
    """What shares the operators, and for the scenarios one database; one after the other."""
    others = [f"--ignore={path}" for path in APART]
    modules = pytest("modules", "tests/integration/modules", *others, *selected(left_out), in_the_lab=True)
    return [modules, *scenarios("base", left_out)]


def own(left_out: Collection[str]) -> list[Stage]:
    """What has databases of its own, and can go on beside the others."""
    return [pytest("apart", *APART, *selected(left_out), in_the_lab=True), *scenarios("own", left_out)]


def empty(left_out: Collection[str]) -> list[Stage]:
    """Scenarios that take everything away first: nothing else on the lab runs beside them."""
    return scenarios("empty", left_out)


def end(left_out: Collection[str]) -> Stage:
    """Take the lab down, up, and down again: it has to leave the machine as it was, so nothing else may run beside it."""
    return pytest("lab lifecycle", LIFECYCLE, *selected(left_out), in_the_lab=True)


def summary(results: Sequence[Result], seconds: float) -> t.Iterator[str]:
    """A row a stage, the slowest last, what failed by name, and the line of counts that closes the run."""
    width = max((len(result.stage.name) for result in results), default=0)
    for result in sorted(results, key=lambda result: result.seconds):
        verdict = "ok" if result.ok else "FAILED"
        yield f"{result.stage.name.ljust(width)}  {verdict:6}  {result.seconds:6.0f} s  {result.counts}"
    for result in results:
        if not result.ok:
            reasons = failures(result.stage.reports) or [complaint(result.stage.log)]
            yield from (f"FAILED {result.stage.name}: {line}" for line in reasons)
    yield f"all in {duration(seconds)}"
    yield str(sum((result.counts for result in results), Counts()))


def main() -> int:
    """Run the tests; with the argument ``all`` the scenarios left out otherwise, too; with ``lint`` only the linters."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    only_lint = sys.argv[1:] == ["lint"]
    left_out: Collection[str] = ONLY_IN_ALL
    if sys.argv[1:] == ["all"]:
        left_out = ()
        os.environ["WHOLE_MATRIX"] = "yes"
    runner = Runner()
    if only_lint:
        runner.lanes(linters(), keep_going=True)
    else:
        runner.lanes(beginning(), quick())
        if runner.ok:  # a lab run is long: it tells everything at once
            # The second lane is the shorter one without the databases.
            runner.lanes(sharing(left_out), [*own(left_out), databases(left_out)], keep_going=True)
            runner.lanes(empty(left_out), keep_going=True)
            runner.lanes([end(left_out)])
    print("\n" + "\n".join(summary(runner.results, time.monotonic() - started)), flush=True)
    return 0 if runner.ok else 1


if __name__ == "__main__":
    sys.exit(main())
