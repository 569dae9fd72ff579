# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make drill``: every fault on a control plane of the lab, RUNS times each, added to what was measured before."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import typing as t
from datetime import UTC, datetime
from pathlib import Path

from tools import drill_record, quickstart
from tools.common import BUILD, LAB, ROOT, environment, run, timed
from tools.drill_record import FAULTS, NODE_FAULTS, PAGE, RUNS, Run

CERTIFICATES = BUILD / "drill"
OUTAGE_SECONDS = 60
UP_SECONDS = 600.0
DNS: t.Mapping[str, str | None] = {"any": None, "same-node": "PreferSameNode"}
"""Which CoreDNS pod the Service of the lab's DNS leads to: its trafficDistribution."""


Spec: t.TypeAlias = dict[str, t.Any]
"""What the database cluster's resource has beside what the role sets."""


class Datastore(t.NamedTuple):
    """An example of docs/examples, the faults that are impossible with it, and what the lab wants of it.

    In the variables NAME is the drills' name. extra is what the lab has only when it is asked for.
    """

    example: str
    impossible: t.Collection[str]
    variables: t.Mapping[str, str]
    extra: str = ""

    @property
    def spec(self) -> str:
        """The variable for the spec of its resource."""
        return "mysql_cluster_spec" if "mysql_cluster_name" in self.variables else "postgres_cluster_spec"


DATASTORES: t.Mapping[str, Datastore] = {
    "zalando": Datastore(
        "quickstart",
        (),
        # A disk, because a volume that is a folder is never full.
        {
            "postgres_cluster_name": "acid-NAME",
            "postgres_cluster_storage_class": "lab-disk",
            "postgres_cluster_volume_size": "1Gi",
        },
    ),
    "cloudnativepg": Datastore(
        "cloudnativepg",
        {"disk_full"},
        {"postgres_cluster_name": "NAME", "postgres_cluster_image": "{{ lab_cloudnativepg_image }}"},
        "cloudnativepg",
    ),
    "mariadb": Datastore(
        "mariadb",
        {"primary_killed", "primary_hung", "connections_exhausted", "disk_full"},
        # Not beside CloudNativePG's of the same name: each operator keeps its authority in a Secret NAME-ca.
        {"mysql_cluster_name": "NAME", "mysql_cluster_namespace": "mariadb-databases"},
        "mariadb",
    ),
}


class Drills:
    """Drills of one control plane on the lab."""

    def __init__(self, name: str, datastore: str, retries: int, domain: str, dns: str, spec: Spec) -> None:
        """Make the control plane that is drilled; it stays, and so does the lab."""
        self._datastore, self._retries, self._domain, self._dns, self._spec = datastore, retries, domain, dns, spec
        self._control_plane = f"{name}-{datastore}"
        chosen = DATASTORES[datastore]
        if chosen.extra:
            run([*LAB, "up", "--with", chosen.extra], environment())
        example = ROOT / "docs" / "examples" / f"{chosen.example}.yml"
        variables = {key: value.replace("NAME", name) for key, value in chosen.variables.items()}
        named = {
            "control_plane_name": self._control_plane,
            "control_plane_datastore_domain": domain,
            chosen.spec: spec,
        }
        output = CERTIFICATES / self._control_plane
        self._variables = quickstart.playbook("site", example, {**named, **variables}, output)
        distribution = json.dumps({"spec": {"trafficDistribution": DNS[dns]}})
        lead = ["kubectl", "patch", "service", "kube-dns", "--namespace=kube-system", f"--patch={distribution}"]
        run(lead, self._variables)
        self._commit = _output(["git", "describe", "--always"], self._variables).strip() + _dirty(self._variables)

    def make(self, fault: str) -> Run:
        """One run of the playbook. It fails when the drill did not pass; its certificate says why."""
        self._await_up()
        folder = Path(tempfile.mkdtemp(prefix=f"{self._datastore}-{fault}-", dir=CERTIFICATES))
        about = {
            "commit": self._commit,
            "datastore": self._datastore,
            "fault": fault,
            "retries": self._retries,
            "domain": self._domain,
            "dns": self._dns,
            "spec": self._spec,
            "load": round(os.getloadavg()[0], 1),
        }
        options = {
            "failover_drill_name": self._control_plane,
            "failover_drill_confirm": True,
            "failover_drill_faults": ["command" if fault in NODE_FAULTS else fault],
            "failover_drill_folder": str(folder),
            "failover_drill_retries": self._retries,
            **(self._outage(fault) if fault in NODE_FAULTS else {}),
        }
        command = ["ansible-playbook", "k0smotron.ha.failover_drill", "--extra-vars", json.dumps(options)]
        subprocess.run(command, cwd=ROOT, env=self._variables, check=False)
        for written in folder.glob("*.json"):
            return drill_record.run(json.loads(written.read_text(encoding="utf-8")), **about)
        return {"when": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **about}

    def _await_up(self) -> None:
        """Until what the last fault broke is whole again: a drill refuses what is not. It says so itself after a while."""
        until = time.monotonic() + UP_SECONDS
        while time.monotonic() < until:
            about = self._about()
            if about["up"] and about["datastore"]["up"]:
                return
            time.sleep(2)

    def _about(self) -> dict[str, t.Any]:
        ask = ["ansible", "localhost", "-m", "k0smotron.ha.cluster_info", "-a", f"name={self._control_plane}"]
        said = _output(ask, self._variables)
        about: dict[str, t.Any] = json.loads(said[said.index("{") :])["control_planes"][0]
        return about

    def _outage(self, fault: str) -> dict[str, t.Any]:
        """Variables of a drill that takes away the node on which the primary is now."""
        node = self._about()["datastore"]["leader"]["node"]
        command = [*LAB, "outage", NODE_FAULTS[fault], node, f"--seconds={OUTAGE_SECONDS}"]
        return {
            "failover_drill_command": ["env", f"--chdir={ROOT}", *command],
            # A moment more: whoever ends the outage has to do so while clients are at work.
            "failover_drill_fault_seconds": OUTAGE_SECONDS + 10,
        }


def _dirty(variables: t.Mapping[str, str]) -> str:
    """What this command itself writes into the tree makes it no other one."""
    others = [f":!{path.relative_to(ROOT)}" for path in (RUNS, PAGE)]
    return "-dirty" if _output(["git", "status", "--porcelain", "--", ".", *others], variables) else ""


def _output(command: t.Sequence[str], variables: t.Mapping[str, str]) -> str:
    return subprocess.run(command, cwd=ROOT, env=variables, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> int:
    """Drill, and say whether any rule was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--name", default="drill", help="of control plane and database: drills at the same time need one each"
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--retries", type=int, default=0, choices=(0, 1), help="how often clients try a request again")
    parser.add_argument("--domain", default="", help="of the database's whole name in the URL")
    parser.add_argument("--dns", default="any", choices=[*DNS], help="which CoreDNS pod a replica asks")
    parser.add_argument("--datastore", default="zalando", choices=[*DATASTORES])
    parser.add_argument("--spec", default={}, type=json.loads, help="more of the database cluster's resource, as JSON")
    parser.add_argument(
        "--faults", nargs="*", default=[], choices=FAULTS, metavar="FAULT", help="all that are possible"
    )
    options = parser.parse_args()
    impossible = DATASTORES[options.datastore].impossible
    names = options.faults or [fault for fault in FAULTS if fault not in impossible]
    # A drill breaks things: on the lab, never on the cluster of the user's shell.
    os.environ.pop("KUBECONFIG", None)
    drills = Drills(options.name, options.datastore, options.retries, options.domain, options.dns, options.spec)
    runs: list[Run] = []
    for number in range(1, options.runs + 1):
        for fault in names:
            with timed(f"{fault}, run {number} of {options.runs}"):
                runs.append(drills.make(fault))
                drill_record.keep(runs[-1])
    print("\n" + PAGE.read_text(encoding="utf-8"))
    return 0 if all(run.get("broken") == [] for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
