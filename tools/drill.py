# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make drill``: every fault on the lab's quickstart control plane, RUNS times each, and a table of what its clients saw."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import typing as t
from collections import defaultdict
from pathlib import Path

from ansible_collections.k0smotron.ha.plugins.module_utils.drill import faults
from tools import quickstart
from tools.common import BUILD, LAB, ROOT, timed

CERTIFICATES = BUILD / "drill"
FAULTS = [fault.id for fault in faults.FAULTS if fault.id not in ("none", "command")]
NODE_FAULTS = {"node_lost": "power", "node_partitioned": "cable"}
"""Faults of the lab alone: what the node of the database's primary is without for OUTAGE_SECONDS."""
OUTAGE_SECONDS = 60
PRIMARY = ("-n", "default", "-l", "cluster-name=acid-minimal-cluster,spilo-role=master")
HEADER = (
    "fault",
    "runs",
    "passed",
    "writes",
    "lost",
    "failed",
    "unknown",
    "tried twice",
    "write gap p50 / p99 / max",
    "read gap max",
    "watch gap max",
)

Certificate: t.TypeAlias = t.Mapping[str, t.Any]


def table(certificates: t.Sequence[Certificate]) -> t.Iterator[str]:
    """The rows of a Markdown table, one a fault in the order of their first run; gaps in seconds, percentiles by nearest rank."""
    by_fault: defaultdict[str, list[Certificate]] = defaultdict(list)
    for certificate in certificates:
        by_fault[certificate["fault"]["id"]].append(certificate)
    yield f"| {' | '.join(HEADER)} |"
    yield f"|---{'|---:' * (len(HEADER) - 1)}|"
    for fault, found in by_fault.items():
        yield f"| {' | '.join([fault, *_cells(found)])} |"


def _cells(found: t.Sequence[Certificate]) -> t.Iterator[str]:
    measures = [certificate["measures"] for certificate in found]
    rules = [{rule["id"]: rule for rule in certificate["rules"]} for certificate in found]
    gaps = sorted(each["write_gap"] for each in measures)
    yield str(len(found))
    yield str(sum(certificate["passed"] for certificate in found))
    yield str(sum(each["acknowledged"] for each in measures))
    yield str(sum(rule["lost"]["count"] for rule in rules))
    yield str(sum(each["failed"] for each in measures))
    yield str(sum(each["unknown"] for each in measures))
    yield str(sum(each["writes_twice"] for each in measures))
    yield " / ".join(f"{gap:.1f}" for gap in (_rank(gaps, 50), _rank(gaps, 99), gaps[-1]))
    yield f"{max(each['read_gap'] for each in measures):.1f}"
    yield f"{max(each['watch_gap'] for each in measures):.1f}"


def _rank(ordered: t.Sequence[float], percent: int) -> float:
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]


def outage(fault: str, variables: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Variables of a drill that takes away the node on which the primary is now."""
    ask = ["kubectl", "get", "pods", *PRIMARY, "-o", "jsonpath={.items[0].spec.nodeName}"]
    node = subprocess.run(ask, env=variables, check=True, capture_output=True, text=True).stdout
    command = [*LAB, "outage", NODE_FAULTS[fault], node, f"--seconds={OUTAGE_SECONDS}"]
    return {
        "failover_drill_command": ["env", f"--chdir={ROOT}", *command],
        # A moment more: whoever ends the outage has to do so while clients are at work.
        "failover_drill_fault_seconds": OUTAGE_SECONDS + 10,
    }


def drill(name: str, folder: Path, variables: t.Mapping[str, str], more: t.Mapping[str, t.Any]) -> None:
    """One run of the playbook. It fails when the drill did not pass; its certificate says why, and the others go on."""
    folder.mkdir(parents=True)
    options = {
        "failover_drill_confirm": True,
        "failover_drill_faults": ["command" if name in NODE_FAULTS else name],
        "failover_drill_folder": str(folder),
        **more,
    }
    command = ["ansible-playbook", "k0smotron.ha.failover_drill", "--extra-vars", json.dumps(options)]
    subprocess.run(command, cwd=ROOT, env=dict(variables), check=False)


def certificates(name: str, folder: Path) -> list[Certificate]:
    """What a run wrote, under its name here."""
    found: list[Certificate] = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return [{**written, "fault": {**written["fault"], "id": name}} for written in found]


def main() -> int:
    """Drill, and say whether any acknowledged write was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--retries", type=int, default=0, choices=(0, 1), help="how often clients try a request again")
    parser.add_argument(
        "--faults", nargs="+", default=[*FAULTS, *NODE_FAULTS], choices=[*FAULTS, *NODE_FAULTS], metavar="FAULT"
    )
    options = parser.parse_args()
    # A drill breaks things: on the lab, never on the cluster of the user's shell.
    os.environ.pop("KUBECONFIG", None)
    variables = quickstart.playbook("site")
    shutil.rmtree(CERTIFICATES, ignore_errors=True)
    found: list[Certificate] = []
    for number in range(1, options.runs + 1):
        folder = CERTIFICATES / f"{number:03d}"
        with timed(f"run {number} of {options.runs}"):
            for name in options.faults:
                more = outage(name, variables) if name in NODE_FAULTS else {}
                drill(name, folder / name, variables, {"failover_drill_retries": options.retries, **more})
                found += certificates(name, folder / name)
        print("\n" + "\n".join(table(found)) + "\n", flush=True)
    missing = options.runs * len(options.faults) - len(found)
    if missing:
        print(f"{missing} drills ended without a certificate", file=sys.stderr)
    lost = any(not rule["ok"] for certificate in found for rule in certificate["rules"])
    return 1 if lost or missing else 0


if __name__ == "__main__":
    sys.exit(main())
