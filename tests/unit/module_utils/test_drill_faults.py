# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of a drill, as actions on pods."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import signal
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.drill import faults
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.faults import (
    FAULTS,
    Command,
    Delete,
    Pod,
    Promote,
    Run,
    Scene,
    Stop,
    Workload,
    fault,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from tests.lab import waiting

PRIMARY, STANDBY = Pod("dbs", "db-0"), Pod("dbs", "db-1")
REPLICAS = [Pod("cp", f"kmc-cp-{number}") for number in range(3)]
ZALANDO = Scene("zalando", "db", PRIMARY, STANDBY, REPLICAS)
MARIADB = dataclasses.replace(ZALANDO, provider="mariadb")
ELSEWHERE = Scene(None, "", None, None, REPLICAS)


@pytest.mark.parametrize(
    ("name", "pods", "grace"),
    [
        ("primary_deleted", [PRIMARY], 30),
        ("primary_pod_killed", [PRIMARY], 0),
        ("standby_deleted", [STANDBY], 30),
        ("replicas_killed", REPLICAS[1:], 0),
    ],
)
@pytest.mark.parametrize("provider", ["zalando", "cloudnativepg", "mariadb"])
def test_pods_are_deleted(name: str, pods: list[Pod], grace: int, provider: str) -> None:
    scene = dataclasses.replace(ZALANDO, provider=provider)
    assert fault(name).actions(scene, 60) == [Delete(pod, grace) for pod in pods]


@pytest.mark.parametrize(("provider", "folder"), [("zalando", "/pgroot/data/"), ("cloudnativepg", "/pgdata/")])
@pytest.mark.parametrize("name", ["primary_killed", "primary_hung"])
def test_the_server_process_is_found_by_its_own_note(name: str, provider: str, folder: str) -> None:
    [action] = fault(name).actions(dataclasses.replace(ZALANDO, provider=provider), 60)
    assert isinstance(action, Run)
    assert (action.pod, action.container) == (PRIMARY, "postgres")
    assert f"{folder}postmaster.pid" in action.command[-1]
    for command in (action.command, action.rehearsal):
        subprocess.run(["sh", "-n", "-c", command[-1]], check=True)
    assert action.rehearsal[-1].startswith("test -r /")
    assert ("setsid" in action.rehearsal[-1]) == ("setsid" in action.command[-1])


def states(pid: int) -> list[str]:
    """T for each of a process and its children that is stopped."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[0] for each in (str(pid), *children)]


@pytest.mark.parametrize("children", [0, 2])
def test_what_hangs_goes_on_by_itself(children: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without children kill has nobody to stop, as with those that end meanwhile: no reason to fail with a server that hangs."""
    note = tmp_path / "postmaster.pid"
    monkeypatch.setitem(faults._POSTMASTER, "zalando", str(note))
    [action] = fault("primary_hung").actions(ZALANDO, 2)
    assert isinstance(action, Run)
    with subprocess.Popen(["sh", "-c", "sleep 60 & " * children + "read -r word"], stdin=subprocess.PIPE) as server:
        note.write_text(f"{server.pid}\nmore\n")
        try:
            waiting.until(lambda: len(states(server.pid)) == children + 1, "a server with its children", 10)
            assert shell(action.command).returncode == 0
            assert set(states(server.pid)) == {"T"}
            waiting.until(lambda: "T" not in states(server.pid), "the end of the fault", 20)
        finally:
            children_now = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
            for pid in (*map(int, children_now), server.pid):
                os.kill(pid, signal.SIGKILL)


def test_a_switchover_is_asked_of_patroni() -> None:
    assert fault("switchover").actions(ZALANDO, 60) == [
        Run(PRIMARY, "postgres", ["patronictl", "switchover", "db", "--force"], ["patronictl", "list", "db"], "failed")
    ]


@pytest.mark.parametrize("provider", ["cloudnativepg", "mariadb"])
def test_a_switchover_is_asked_of_the_operator_where_that_is_who_decides(provider: str) -> None:
    scene = dataclasses.replace(ZALANDO, provider=provider)
    assert fault("switchover").actions(scene, 60) == [Promote(provider, "db", STANDBY)]


def test_the_operator_is_stopped_before_the_primary_goes() -> None:
    operator = Workload("ops", "the-operator")
    scene = dataclasses.replace(ZALANDO, operator=operator)
    assert fault("operator_down").actions(scene, 60) == [Stop(operator), Delete(PRIMARY, 0)]


@pytest.mark.parametrize("provider", ["zalando", "cloudnativepg"])
def test_sessions_that_take_all_connections_end_by_themselves(provider: str) -> None:
    [action] = fault("connections_exhausted").actions(dataclasses.replace(ZALANDO, provider=provider), 42)
    assert isinstance(action, Run)
    assert (action.pod, action.container) == (PRIMARY, "postgres")
    for command in (action.command, action.rehearsal):
        subprocess.run(["sh", "-n", "-c", command[-1]], check=True)
    assert "pg_sleep(42)" in action.command[-1]
    assert "pg_sleep" not in action.rehearsal[-1]
    assert "pgbench" in action.rehearsal[-1]


def disk_full(folder: Path, monkeypatch: pytest.MonkeyPatch, size: int = 2**60) -> Run:
    """The fault, with this folder for a volume."""
    monkeypatch.setitem(faults._VOLUME, "zalando", str(folder))
    [action] = fault("disk_full").actions(dataclasses.replace(ZALANDO, volume_bytes=size), 42)
    assert isinstance(action, Run)
    return action


def shell(command: t.Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_volume_is_filled_only_where_it_is_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with folders of hostPath: this one is on a disk that has far more room than was asked for."""
    refused = shell(disk_full(tmp_path, monkeypatch, size=2**20).rehearsal)
    assert refused.returncode == 1
    assert "they would be without room, too" in refused.stderr
    assert shell(disk_full(tmp_path, monkeypatch).rehearsal).returncode == 0
    assert shell(disk_full(tmp_path / "none", monkeypatch).rehearsal).returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_a_full_volume_gets_its_room_back_by_itself_by_the_drill_or_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = disk_full(tmp_path, monkeypatch)
    subprocess.run(["sh", "-n", "-c", action.command[-1]], check=True)
    file = tmp_path / "k0smotron-ha-drill-fill-1"
    assert "sleep 42; rm -f $file" in action.command[-1]
    file.write_text("full")
    with file.open() as held:  # by the process that would remove it later
        assert shell(action.undo).returncode == shell(action.undo).returncode == 0
        assert os.fstat(held.fileno()).st_size == 0
    assert not file.exists()
    [tidy] = faults.tidy("zalando", [STANDBY])
    assert tidy.pod == STANDBY
    assert shell(tidy.command).returncode == 0
    file.write_text("full")
    with file.open() as held:  # a drill goes on
        fcntl.flock(held, fcntl.LOCK_EX)
        assert shell(tidy.command).returncode == 1
        assert file.exists()
    assert shell(tidy.command).returncode == 0
    assert not file.exists()
    assert faults.tidy("mariadb", [STANDBY]) == []


def test_a_command_needs_no_database_that_we_know() -> None:
    scene = dataclasses.replace(ELSEWHERE, command=["cloud", "fail-over"])
    assert fault("command").actions(scene, 60) == [Command(["cloud", "fail-over"], 60)]


@pytest.mark.parametrize(
    ("name", "scene", "words"),
    [
        ("connections_exhausted", MARIADB, "is for PostgreSQL, and mariadb runs"),
        ("connections_exhausted", ELSEWHERE, "fault: none"),
        ("disk_full", MARIADB, "is for Zalando's operator"),
        ("disk_full", ELSEWHERE, "fault: none"),
        ("operator_down", ZALANDO, "No Deployment is known as the operator of zalando"),
        ("operator_down", ELSEWHERE, "fault: none"),
        ("command", ELSEWHERE, "fault_command, a list of words"),
        ("primary_killed", MARIADB, "fault: primary_pod_killed"),
        ("primary_hung", MARIADB, "fault: primary_pod_killed"),
        ("switchover", dataclasses.replace(ZALANDO, provider="innodbcluster"), "fault: primary_deleted"),
        ("switchover", dataclasses.replace(MARIADB, standby=None), "no synchronous standby"),
        ("switchover", ELSEWHERE, "none is known for this database"),
        ("primary_killed", ELSEWHERE, "fault: none"),
        ("primary_deleted", ELSEWHERE, "fault: none"),
        ("standby_deleted", dataclasses.replace(ZALANDO, standby=None), "no synchronous standby"),
        ("replicas_killed", dataclasses.replace(ZALANDO, replicas=REPLICAS[:1]), "replicas: 3"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_can(name: str, scene: Scene, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        fault(name).actions(scene, 60)


def test_a_drill_may_leave_the_fault_to_others() -> None:
    assert fault("none").actions(ELSEWHERE, 60) == []
    assert len({each.id for each in FAULTS}) == len(FAULTS)
