# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab comes up from any state and leaves nothing behind.

Takes the running lab down, if there is one, and ends without a lab. The tests follow on each other; ``make test`` keeps
that the lab comes up after a run that was killed, and that it leaves nothing.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.node_images import database_image
from tests.lab import (
    addresses,
    cgroups,
    control_plane,
    elsewhere,
    extras,
    machine,
    process,
    programs,
    settings,
    waiting,
)
from tests.lab.api import NotFound
from tests.lab.paths import REPOSITORY, State, default_root

STATE = State(default_root())
NAMESPACE = "/api/v1/namespaces/default"
NOISY = (
    "nf_conntrack_count",
    "nf_conntrack_expect",
    "kernel/random",
    "ns_last_pid",
    "kernel/pty",
)  # change by themselves
LABELS = {"app": "lifecycle"}
DATABASES = {"postgres": "SELECT datname FROM pg_database", "mariadb": "SHOW DATABASES"}


def lab(*arguments: str, timeout: float = 300) -> str:
    """Run the lab's command as a user would; its output goes to pytest's capture when it fails."""
    command = [sys.executable, "-m", "tests.lab", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Machine(t.NamedTuple):
    """What the lab could leave on the machine, each as a set of lines."""

    mounts: set[str]
    links: set[str]
    addresses: set[str]
    routes: set[str]
    packet_filter: set[str]
    settings: set[str]
    control_groups: set[str]
    folders: set[str]
    shared_memory: set[str]
    disks: set[str]


def look() -> Machine:
    return Machine(
        mounts={" ".join(line.split()[3:5]) for line in Path("/proc/self/mountinfo").read_text().splitlines()},
        links=_names(json.loads(_output("ip", "-json", "link", "show")), "ifname"),
        addresses=_names(json.loads(_output("ip", "-json", "address", "show")), "addr_info"),
        routes=set(_output("ip", "route", "show", "table", "all").splitlines()),
        packet_filter=_packet_filter(),
        settings=set(_kernel_settings()),
        control_groups={str(path) for each in cgroups.hierarchies() for path in each.root.iterdir() if path.is_dir()},
        folders={str(path) for top in ("/run", "/var/lib", "/var/log", "/etc", "/opt") for path in Path(top).glob("*")},
        # Key and id: the rest of a line is when and by whom it was used last, and somebody else's server goes on.
        shared_memory={
            *(" ".join(line.split()[:2]) for line in Path("/proc/sysvipc/shm").read_text().splitlines()),
            *os.listdir("/dev/shm"),  # noqa: S108
        },
        disks={file.read_text() for file in Path("/sys/block").glob("loop*/loop/backing_file")},
    )


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _names(rows: list[dict[str, t.Any]], key: str) -> set[str]:
    values = (row[key] for row in rows)
    return {each if isinstance(each, str) else str([part.get("local") for part in each]) for each in values}


def _packet_filter() -> set[str]:
    rules = _output("iptables-save") + _output("ip6tables-save")
    return {line.split("[")[0] for line in rules.splitlines() if not line.startswith("#")}


def _kernel_settings() -> t.Iterator[str]:
    """Every readable setting below net, vm and kernel, as path=value."""
    for file in (path for part in ("net", "vm", "kernel") for path in Path("/proc/sys", part).rglob("*")):
        if file.is_file() and not any(noise in str(file) for noise in NOISY):
            try:
                yield f"{file}={file.read_text().strip()}"
            except OSError:  # write-only
                continue


class Living(t.NamedTuple):
    """The lab's processes, and the namespaces that are theirs alone."""

    processes: set[process.Identity]
    namespaces: set[str]


def living() -> Living:
    mine = {os.readlink(path) for path in Path("/proc/self/ns").iterdir()}
    pids = cgroups.pids()
    spaces = {space for pid in pids for space in _namespaces(pid)} - mine
    return Living({found for pid in pids if (found := process.identify(pid))}, spaces)


def _namespaces(pid: int | str) -> set[str]:
    try:
        return {os.readlink(path) for path in Path(f"/proc/{pid}/ns").iterdir()}
    except OSError:
        return set()


def assert_gone(before: Machine, lived: Living) -> None:
    """The machine is as it was, and neither processes nor namespaces of the lab are left."""
    for what, then, now in zip(Machine._fields, before, look(), strict=True):
        assert now == then, f"{what}: new {sorted(now - then)}, gone {sorted(then - now)}"
    assert not {each for each in lived.processes if process.identify(each.pid) == each}
    everywhere = {space for path in Path("/proc").glob("[0-9]*") for space in _namespaces(path.name)}
    assert not lived.namespaces & everywhere
    assert not STATE.run.exists()


def kill_everything() -> None:
    """What a CI system does to a job: kill -9, all at once, nothing in order."""
    for pid in cgroups.pids():
        with suppress(ProcessLookupError):  # a machine's first process takes others with it
            os.kill(pid, signal.SIGKILL)
    waiting.until(lambda: not cgroups.pids(), "the end of the lab's processes", 20)


def make_workload() -> str:
    """A web server on a volume, behind a LoadBalancer Service; returns the address to answer at."""
    image = database_image(control_plane.api(STATE).items("/api/v1/nodes"))
    container = {
        "name": "web",
        "image": image,
        "command": ["python3", "-m", "http.server", "8000", "--directory", "/data"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "lifecycle"}}]
    ports = [{"port": 80, "targetPort": 8000}]
    _create("persistentvolumeclaims", claim)
    _create("pods", {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 1})
    _create("services", {"type": "LoadBalancer", "selector": LABELS, "ports": ports})
    return waiting.until(_load_balancer, "an address for the Service", 60)


def _create(kind: str, spec: dict[str, t.Any]) -> None:
    body = {"metadata": {"name": "lifecycle", "labels": LABELS}, "spec": spec}
    waiting.until(lambda: control_plane.api(STATE).call("POST", f"{NAMESPACE}/{kind}", body), f"new {kind}", 30)


def _load_balancer() -> str:
    service = control_plane.api(STATE).get(f"{NAMESPACE}/services/lifecycle")
    return next((str(each["ip"]) for each in service["status"]["loadBalancer"].get("ingress", [])), "")


def answers(address: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@pytest.fixture(scope="module", name="before")
def _before() -> t.Iterator[Machine]:
    lab("down")
    yield look()
    lab("down")


def test_up_makes_a_lab_that_serves(before: Machine) -> None:
    lab("up", timeout=1800)  # cold, it builds everything
    lab("status")
    address = make_workload()
    waiting.until(lambda: answers(address), "the Service's answer", 60)
    assert not look().mounts - before.mounts, "mounts belong into the machines' own namespaces"


@pytest.mark.matrix
def test_second_up_does_nothing() -> None:
    lasting = living().processes
    time.sleep(1)
    lasting &= living().processes  # without probes and other short runs
    started = time.monotonic()
    lab("up")
    assert time.monotonic() - started < 15
    assert lasting <= living().processes


@pytest.mark.matrix
def test_extras_come_when_asked_for_and_stay() -> None:
    assert not any(_images_of_extras(node) for node in _nodes())
    lab("up", "--with", "all", timeout=900)
    variables = STATE.playbook_variables.read_text()
    assert "cloudnativepg_operator_source" in variables
    assert "lab_elsewhere" in variables
    lab("up")
    assert settings.read(STATE).extras == [*extras.EXTRAS]
    assert STATE.playbook_variables.read_text() == variables
    images = [name for extra in extras.EXTRAS.values() for recipe in extra.recipes(_sources()) for name in recipe.names]
    assert all(sorted(_images_of_extras(node)) == sorted(images) for node in _nodes())


def _sources() -> dict[str, programs.Source]:
    return programs.sources([*programs.MODULES, *(extra.module for extra in extras.EXTRAS.values() if extra.module)])


def _nodes() -> list[str]:
    return [addresses.node(number).name for number in range(1, settings.read(STATE).nodes + 1)]


def _images_of_extras(node: str) -> list[str]:
    listed = _output("ctr", f"--address={STATE.containerd_socket(node)}", "--namespace=k8s.io", "images", "list", "-q")
    parts = ("cloudnative-pg", "mariadb", "cluster-api")
    return [name for name in listed.splitlines() if any(part in name for part in parts) and "@" not in name]


@pytest.mark.matrix
def test_a_killed_program_comes_back_by_itself() -> None:
    name = f"--hostname-override={addresses.node(1).name}"
    kubelet = next(
        pid
        for pid in cgroups.pids(addresses.node(1).name)
        if name in _command_line(pid) and "kubelet" in _command_line(pid)[0]
    )
    os.kill(kubelet, signal.SIGKILL)
    waiting.until(lambda: any(name in _command_line(pid) for pid in cgroups.pids() - {kubelet}), "kubelet", 10)
    lab("status")


def _command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return [""]


@pytest.mark.matrix
@pytest.mark.parametrize("name", [addresses.node(2).name, control_plane.NAME])
def test_up_switches_a_dead_machine_on_again_and_keeps_the_data(name: str) -> None:
    pid = machine.running(STATE, name)
    assert pid
    os.kill(pid, signal.SIGKILL)
    report = subprocess.run(
        [sys.executable, "-m", "tests.lab", "status", "--json"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (report.returncode, json.loads(report.stdout)["machines"][name]) == (1, False)
    lab("up")
    lab("status")
    assert control_plane.api(STATE).get(f"{NAMESPACE}/persistentvolumeclaims/lifecycle")["status"]["phase"] == "Bound"
    waiting.until(lambda: answers(_load_balancer()), "the Service's answer", 90)


@pytest.mark.matrix
@pytest.mark.parametrize("kind", elsewhere.PAIRS)
@pytest.mark.parametrize("lost", ["primary", "standby"])
def test_a_server_elsewhere_comes_back_with_its_data(kind: str, lost: str) -> None:
    pair = elsewhere.PAIRS[kind](STATE)
    pair.sql(pair.primary, f"CREATE DATABASE without_{lost}")
    pid = machine.running(STATE, getattr(pair, lost).name)
    assert pid
    os.kill(pid, signal.SIGKILL)
    lab("up")
    assert pair.follows()
    assert f"without_{lost}" in pair.sql(pair.primary, DATABASES[kind])


@pytest.mark.matrix
def test_nodes_can_be_added_and_removed() -> None:
    extra = addresses.node(settings.read(STATE).nodes + 1)
    lab("up", "--nodes", extra.name.removeprefix("n"))
    assert extra.name in {each["metadata"]["name"] for each in control_plane.api(STATE).items("/api/v1/nodes")}
    lab("up", "--nodes", str(settings.read(STATE).nodes - 1))
    with pytest.raises(NotFound):
        control_plane.api(STATE).get(f"/api/v1/nodes/{extra.name}")
    assert not STATE.machine(extra.name).exists()


def test_down_leaves_the_machine_as_it_was(before: Machine) -> None:
    lived = living()
    assert len(lived.namespaces) > 3
    lab("down")
    assert_gone(before, lived)


def test_up_after_everything_was_killed() -> None:
    lab("up", "--with", elsewhere.NAME)
    kill_everything()
    lab("up")
    lab("status")
    assert all(pair(STATE).follows() for pair in elsewhere.PAIRS.values())


@pytest.mark.matrix
@pytest.mark.parametrize("seconds", [0.7, 1, 3, 6])  # 0.7: while images are linked
def test_up_after_up_was_killed(seconds: float) -> None:
    """From nothing, so that every moment of a start is a possible one."""
    lab("down")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.lab", "up"], cwd=REPOSITORY, stderr=subprocess.DEVNULL
    ) as killed:
        time.sleep(seconds)
        killed.kill()
    lab("up")
    lab("status")


def test_down_after_everything_was_killed(before: Machine) -> None:
    lived = living()
    kill_everything()
    lab("down")
    assert_gone(before, lived)
