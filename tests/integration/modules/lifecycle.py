# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real database cluster and a real control plane on it, and witnesses that ask them directly."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import shlex
import ssl
import subprocess
import typing as t
from pathlib import Path

from cryptography import x509

from tests.integration.modules.runner import Modules, get, kubectl, names
from tests.lab import waiting
from tests.lab.errors import LabError

POSTGRESQL = "postgresqls.acid.zalan.do"
CLUSTER = "clusters.k0smotron.io"
DATA_SOURCE_KEY = "K0SMOTRON_KINE_DATASOURCE_URL"
OWNER = "k0smotron"
START_SECONDS = 400
# What k0smotron merges its own settings into, and a false, which others leave out.
K0S_CONFIG = {
    "k0sConfig": {
        "apiVersion": "k0s.k0sproject.io/v1beta1",
        "kind": "ClusterConfig",
        "spec": {
            "api": {"extraArgs": {"profiling": "false"}, "sans": ["old.example", "life.example"]},
            "telemetry": {"enabled": False},
        },
    }
}


@dataclasses.dataclass
class Database:
    """Two instances with one database for kine."""

    modules: Modules
    namespace: str
    name: str = "acid-life"

    def run(self, *, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
        params = {
            "name": self.name,
            "namespace": self.namespace,
            "volume_size": "1Gi",
            "databases": [{"name": "kine", "owner": OWNER}],
            "wait_timeout": START_SECONDS,
            **more,
        }
        return self.modules.run("datastore", check=check, **params)

    @property
    def selector(self) -> str:
        return f"application=spilo,cluster-name={self.name}"

    def url(self, password: str | None = None, query: str = "sslmode=require") -> str:
        """The DSN."""
        return f"postgres://{OWNER}:{password or self.password()}@{self.name}.{self.namespace}:5432/kine?{query}"

    def psql(self, statement: str, database: str = "postgres") -> str:
        """Ask the leader, as the superuser; the leader is found by Patroni's label."""
        pods = json.loads(
            kubectl("get", "pods", "-n", self.namespace, "-l", f"{self.selector},spilo-role=master", "-o", "json")
        )
        [leader] = [pod["metadata"]["name"] for pod in pods["items"]]
        command = ["psql", "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-Atc", statement]
        return kubectl("exec", "-n", self.namespace, leader, "-c", "postgres", "--", *command).strip()

    def switchover(self) -> None:
        """Make the other instance the leader."""
        [leader] = names("pods", self.namespace, f"{self.selector},spilo-role=master")
        command = ["patronictl", "switchover", self.name, "--force"]
        kubectl("exec", "-n", self.namespace, leader, "-c", "postgres", "--", *command)
        wanted = [f"{self.name}-{1 - int(leader[-1])}"]
        waiting.until(
            lambda: names("pods", self.namespace, f"{self.selector},spilo-role=master") == wanted, "a leader", 60
        )

    def failure(self) -> list[str]:
        """A program: the primary sends nothing more, hangs five seconds later, and is killed when the standby leads.

        What it took in these five seconds is lost, if it did not wait for the standby. It hangs, because a pod that is killed
        may be back before its leader lock has run out.
        """
        [leader] = names("pods", self.namespace, f"{self.selector},spilo-role=master")
        [standby] = names("pods", self.namespace, f"{self.selector},spilo-role=replica")
        senders = 'psql -U postgres -Atc "SELECT pid FROM pg_stat_replication"'
        hang = f"kill -s STOP $({senders}) && sleep 5 && kill -s STOP -- -1"
        leads = "jsonpath={.metadata.labels.spilo-role}=master"
        steps = (
            ["exec", leader, "-c", "postgres", "--", "sh", "-c", hang],
            ["wait", f"pod/{standby}", f"--for={leads}", "--timeout=60s"],
            ["delete", "pod", leader, "--grace-period=0", "--force"],
        )
        return ["sh", "-c", " && ".join(shlex.join(["kubectl", "-n", self.namespace, *step]) for step in steps)]

    def close(self) -> None:
        """Let nobody in as the owner; those who are in are thrown out."""
        self.psql(f"ALTER ROLE {OWNER} NOLOGIN")
        self.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{OWNER}'")  # noqa: S608

    def open(self) -> None:
        """Let the owner in again."""
        self.psql(f"ALTER ROLE {OWNER} LOGIN")

    def password(self) -> str:
        secret = get("secret", f"{OWNER}.{self.name}.credentials.postgresql.acid.zalan.do", self.namespace)
        assert secret
        return base64.b64decode(secret["data"]["password"]).decode()


@dataclasses.dataclass
class Plane:
    """Two replicas that start fast, on a node port, with the data source Secret `source`."""

    modules: Modules
    namespace: str
    version: str
    name: str = "life"

    def run(self, *, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
        params = {
            "name": self.name,
            "namespace": self.namespace,
            "version": self.version,
            "replicas": 2,
            "service_type": "NodePort",
            "api_port": 32743,
            "konnectivity_port": 32732,
            "resources": {},
            "annotations": {"tests.k0smotron.ha/start": "fast"},
            "data_source_secret": "source",
            "wait_timeout": START_SECONDS,
            **more,
        }
        return self.modules.run("cluster", check=check, **params)

    def roll(self, **more: t.Any) -> None:
        """A run that replaces every replica, and a second one that finds nothing to do."""
        before = self.pods()
        result = self.run(**more)
        assert not result.get("failed"), result["msg"]
        assert result["verdict"]["up"]
        after = self.pods()
        assert before.keys() == after.keys()
        assert not set(before.values()) & set(after.values())
        assert self.run(**more)["diff"] == []
        assert self.pods() == after

    def info(self) -> dict[str, t.Any]:
        [record] = self.modules.ok("cluster_info", name=self.name, namespace=self.namespace)["control_planes"]
        return t.cast("dict[str, t.Any]", record)

    def is_whole(self) -> bool:
        """Whether it and its database are up."""
        record = self.info()
        return bool(record["up"] and record["datastore"]["up"])

    def drill(self, **more: t.Any) -> dict[str, t.Any]:
        """Options of a short failover drill on it."""
        short = {"fault": "none", "fault_seconds": 15, "warm_up": 4, "after": 3, "allow_disruption": True}
        return {"name": self.name, "namespace": self.namespace, **short, **more}

    def drills(self, folder: Path, *faults: str) -> subprocess.Popen[str]:
        """The playbook at work: short drills, none of whose gaps is allowed."""
        options = {
            "name": self.name,
            "namespace": self.namespace,
            "confirm": True,
            "faults": faults,
            "folder": str(folder),
        }
        short = {"fault_seconds": 5, "warm_up": 4, "after": 2, "max_write_gap": 0.001}
        given = json.dumps({f"failover_drill_{key}": value for key, value in {**options, **short}.items()})
        command = ["ansible-playbook", "k0smotron.ha.failover_drill", "-e", given]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def pods(self) -> dict[str, str]:
        """uid of each replica by name."""
        selector = f"app=k0smotron,cluster={self.name},component=cluster"
        pods = json.loads(kubectl("get", "pods", "-n", self.namespace, "-l", selector, "-o", "json"))["items"]
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in pods}

    def certificate_names(self) -> set[str]:
        """The names in the certificate of a replica's API."""
        live = get(CLUSTER, self.name, self.namespace)
        assert live
        pem = ssl.get_server_certificate((live["spec"]["externalAddress"], live["spec"]["service"]["apiPort"]))
        extensions = x509.load_pem_x509_certificate(pem.encode()).extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return {str(name.value) for name in names}

    def cut_connections(self, pod: str) -> None:
        """What a replica's kine sends to the database is lost from now on, but on connections that it makes anew.

        So it is when the node of the database's primary has gone, and another instance leads.
        """
        address = kubectl("get", "pod", pod, "-n", self.namespace, "-o", "jsonpath={.status.podIP}")
        inside = next(
            each for each in map(_network, _processes("kine")) if address in _output(*each, "hostname", "-I").split()
        )
        connections = _output(*inside, "ss", "-Htn", "state", "established", "dport = :5432").splitlines()
        ports = [line.split()[2].rpartition(":")[2] for line in connections]
        rules = "".join(f"-I OUTPUT -p tcp --sport {port} -j DROP\n" for port in ports)
        # At once: connections that kine makes meanwhile would be left.
        _output(*inside, "sh", "-c", f"echo '*filter\n{rules}COMMIT' | iptables-restore --noflush")

    def remembered(self, folder: Path) -> str:
        """What a control plane of one replica has of ConfigMaps in its memory, as its watches and lists do."""
        return self.kubectl(folder, "get", "--raw", "/api/v1/namespaces/default/configmaps?resourceVersion=0")

    def kubectl(self, folder: Path, *arguments: str) -> str:
        """kubectl against the hosted API, by the kubeconfig that k0smotron wrote.

        Raises LabError with what kubectl says, as an API does not always answer while a fault lasts.
        """
        secret = get("secret", f"{self.name}-kubeconfig", self.namespace)
        assert secret
        path = folder / "hosted.kubeconfig"
        path.write_bytes(base64.b64decode(secret["data"]["value"]))
        environment = {**os.environ, "KUBECONFIG": str(path)}
        done = subprocess.run(
            ["kubectl", *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            raise LabError(f"kubectl {shlex.join(arguments)}, of {self.name}: {done.stderr.strip()}")
        return done.stdout


def operator() -> str:
    """Of Zalando's operator: how many replicas it has to have, whether one is ready, and what a drill wrote on it."""
    live = get("deployment", "postgres-operator", "default")
    assert live
    ready = "ready" if live["status"].get("readyReplicas") else "down"
    had = live["metadata"]["annotations"].get("k0smotron.ha/drill-replicas", "nothing")
    return f"{live['spec']['replicas']} {ready}, noted {had}"


def _processes(name: str) -> t.Iterator[str]:
    """The ids of this machine's processes of that name; the lab's nodes are among them."""
    for each in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if each.read_text().strip() == name:
                yield each.parent.name


def _network(process: str) -> list[str]:
    """Begins a command that is run in the network of the process."""
    return ["nsenter", f"--target={process}", "--net"]


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
