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

from tools import quickstart
from tools.common import BUILD, ROOT, timed

CERTIFICATES = BUILD / "drill"
FAULTS = (
    "primary_killed",
    "primary_deleted",
    "primary_pod_killed",
    "primary_hung",
    "switchover",
    "standby_deleted",
    "replicas_killed",
)
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


def main() -> int:
    """Drill, and say whether any acknowledged write was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--retries", type=int, default=0, choices=(0, 1), help="how often clients try a request again")
    parser.add_argument("--faults", nargs="+", default=FAULTS, choices=FAULTS, metavar="FAULT")
    options = parser.parse_args()
    # A drill breaks things: on the lab, never on the cluster of the user's shell.
    os.environ.pop("KUBECONFIG", None)
    variables = quickstart.playbook("site")
    shutil.rmtree(CERTIFICATES, ignore_errors=True)
    found: list[Certificate] = []
    for number in range(1, options.runs + 1):
        folder = CERTIFICATES / f"{number:03d}"
        folder.mkdir(parents=True)
        drill = {
            "failover_drill_confirm": True,
            "failover_drill_faults": list(options.faults),
            "failover_drill_retries": options.retries,
            "failover_drill_folder": str(folder),
        }
        with timed(f"run {number} of {options.runs}"):
            command = ["ansible-playbook", "k0smotron.ha.failover_drill", "--extra-vars", json.dumps(drill)]
            # It fails when one drill did not pass; its certificate says why, and the others go on.
            subprocess.run(command, cwd=ROOT, env=variables, check=False)
        found += [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
        print("\n" + "\n".join(table(found)) + "\n", flush=True)
    missing = options.runs * len(options.faults) - len(found)
    if missing:
        print(f"{missing} drills ended without a certificate", file=sys.stderr)
    lost = any(not rule["ok"] for certificate in found for rule in certificate["rules"])
    return 1 if lost or missing else 0


if __name__ == "__main__":
    sys.exit(main())
