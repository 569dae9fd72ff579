# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make quickstart`` and ``make verify``: run a playbook on the lab, or on $KUBECONFIG, and show what came of it."""

from __future__ import annotations

import json
import os
import sys
import time
import typing as t
from pathlib import Path

from tools.common import BUILD, LAB, ROOT, elapsed, environment, lab_environment, run, timed
from tools.table import next_steps, table

OUTPUT = BUILD / "quickstart"
VARIABLES = ROOT / "docs" / "examples" / "quickstart.yml"
SUMMARY = OUTPUT / "summary.json"


def cluster() -> tuple[dict[str, str], list[Path]]:
    """Where to run: the environment and the files of extra variables. Starts the lab unless KUBECONFIG is set."""
    if os.environ.get("KUBECONFIG"):
        print(f"==> using the cluster of KUBECONFIG={os.environ['KUBECONFIG']}", flush=True)
        return environment(), []
    with timed("lab"):
        run([*LAB, "up"], environment())
    variables = {**environment(), **lab_environment()}
    return variables, [Path(variables["KUBECONFIG"]).parent / "lab-vars.yml"]


def playbook(
    name: str, example: Path = VARIABLES, more: t.Mapping[str, t.Any] | None = None, output: Path = OUTPUT
) -> dict[str, str]:
    """Run one of the collection's playbooks with an example's variables; returns the environment it ran in.

    What it writes, of one control plane alone, is in the folder output.
    """
    variables, files = cluster()
    output.mkdir(parents=True, exist_ok=True)
    outputs = {
        "control_plane_kubeconfig_path": str(output / "kubeconfig"),
        "control_plane_summary_path": str(output / SUMMARY.name),
    }
    extra = [f"@{file}" for file in (example, *files)] + [json.dumps({**outputs, **(more or {})})]
    with timed(f"ansible-playbook k0smotron.ha.{name}"):
        command = ["ansible-playbook", f"k0smotron.ha.{name}"]
        run([*command, *(word for item in extra for word in ("--extra-vars", item))], variables)
    return variables


def main() -> None:
    """Run the playbook named by the first argument (site by default), then print the table and what to try next."""
    started = time.monotonic()
    variables = playbook(sys.argv[1] if len(sys.argv) > 1 else "site")
    summary = json.loads(SUMMARY.read_text(encoding="utf-8"))
    print("\n" + table(summary))
    print(next_steps(summary, variables["KUBECONFIG"], variables["PATH"]))
    print(f"\nDone in {elapsed(started)}.")


if __name__ == "__main__":
    main()
