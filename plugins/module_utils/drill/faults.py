# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill does to a database or a control plane, as actions that a Kubernetes API can carry out. Pure.

`Stop` has to be undone; whatever else stands still goes on by itself, in the pod, also when the drill is killed. What does so in
a container that may restart is undone as well.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.k0smotron.ha.plugins.module_utils.drill import sessions, volume
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

POD_GRACE_SECONDS = 30
_POSTMASTER = {
    "zalando": "/home/postgres/pgdata/pgroot/data/postmaster.pid",
    "cloudnativepg": "/var/lib/postgresql/data/pgdata/postmaster.pid",
}
"""Where PostgreSQL notes its process in the images of each operator (Spilo's PGROOT; CloudNativePG's PGDATA)."""
_VOLUME = {"zalando": "/home/postgres/pgdata"}
"""Where an instance's volume is, in the images of operators whose standby takes over from a full one."""
_DATABASE_CONTAINER = {"zalando": "postgres", "cloudnativepg": "postgres", "mariadb": "mariadb"}


class Pod(t.NamedTuple):
    """Where a pod is."""

    namespace: str
    name: str


class Workload(t.NamedTuple):
    """Where a Deployment is."""

    namespace: str
    name: str


@dataclass(frozen=True)
class Scene:
    """Who plays in a drill. provider is None when no operator that we know runs the database."""

    provider: str | None
    database: str
    primary: Pod | None
    standby: Pod | None
    replicas: t.Sequence[Pod]
    operator: Workload | None = None
    volume_bytes: int = 0
    """The size that was asked for each instance's volume."""
    command: t.Sequence[str] = ()
    """The user's own fault."""


@dataclass(frozen=True)
class Run:
    """A command in a pod."""

    pod: Pod
    container: str
    command: t.Sequence[str]
    rehearsal: t.Sequence[str] = ("true",)
    """A command that changes nothing, and succeeds where the other one can do its work."""
    failure: str = ""
    """A word in the output of a command that says by it alone that nothing was done."""
    undo: t.Sequence[str] = ()
    """A command that ends what was done, and does no harm where it has ended."""


@dataclass(frozen=True)
class Delete:
    """The end of a pod."""

    pod: Pod
    grace_seconds: int


@dataclass(frozen=True)
class Stop:
    """A Deployment is without pods until the fault is over."""

    deployment: Workload


@dataclass(frozen=True)
class Promote:
    """An instance of the database shall lead, by the operator that provider names."""

    provider: str
    database: str
    instance: Pod


@dataclass(frozen=True)
class Command:
    """A program on the host that runs the drill; it may take as long as the fault lasts."""

    argv: t.Sequence[str]
    seconds: int


Action: t.TypeAlias = Run | Delete | Stop | Promote | Command


@dataclass(frozen=True)
class Fault:
    """A fault by its name. ``goal`` is the longest gap, in seconds, that a client may see between two acknowledged writes."""

    id: str
    title: str
    goal: float
    actions: t.Callable[[Scene, int], list[Action]]
    lasts: bool = False
    """Whether it goes on for the seconds that it is given."""


def fault(name: str) -> Fault:
    """Find a fault by its name."""
    return next(each for each in FAULTS if each.id == name)


def _primary_killed(scene: Scene, _seconds: int) -> list[Action]:
    note = _postmaster(scene, "primary_killed")
    return [_in_primary(scene, f'kill -9 "$(head -n 1 {note})"', f"test -r {note}")]


def _primary_hung(scene: Scene, seconds: int) -> list[Action]:
    """The server and the processes that it started are stopped; a process beside them lets them go on."""
    note = _postmaster(scene, "primary_hung")
    others = (
        "for each in /proc/[0-9]*; do "
        'if grep -qs "^PPid:[[:space:]]*$server$" "$each/status"; then echo "${each#/proc/}"; fi; done'
    )
    script = (
        f"export server=$(head -n 1 {note}); "
        # In this order: a drill that dies between the two has hung nothing. The server first, which starts no others then; of
        # these one may end meanwhile, and kill says so.
        f"setsid sh -c 'sleep {seconds}; kill -CONT $server $({others})' </dev/null >/dev/null 2>&1 & "
        f"kill -STOP $server && {{ kill -STOP $({others}) 2>/dev/null || true; }}"
    )
    return [_in_primary(scene, script, f"test -r {note} && command -v setsid")]


def _primary_deleted(scene: Scene, _seconds: int) -> list[Action]:
    return [Delete(_primary(scene), POD_GRACE_SECONDS)]


def _primary_pod_killed(scene: Scene, _seconds: int) -> list[Action]:
    return [Delete(_primary(scene), 0)]


def _standby_deleted(scene: Scene, _seconds: int) -> list[Action]:
    return [Delete(_standby(scene), POD_GRACE_SECONDS)]


def _switchover(scene: Scene, _seconds: int) -> list[Action]:
    if scene.provider in ("cloudnativepg", "mariadb"):
        return [Promote(scene.provider, scene.database, _standby(scene))]
    if scene.provider != "zalando":
        raise InvalidInput(
            f"A switchover is a matter of the operator's own tools, and none is known for {scene.provider or 'this database'}",
            "Use fault: primary_deleted, which hands over in good order, too",
        )
    command = ["patronictl", "switchover", scene.database, "--force"]
    rehearsal = ["patronictl", "list", scene.database]
    return [Run(_primary(scene), _DATABASE_CONTAINER["zalando"], command, rehearsal, failure="failed")]


def _replicas_killed(scene: Scene, _seconds: int) -> list[Action]:
    if len(scene.replicas) < 2:
        raise InvalidInput(
            "The control plane has one replica: without it there is no API to measure", "Give it replicas: 3"
        )
    return [Delete(pod, 0) for pod in scene.replicas[1:]]


def _operator_down(scene: Scene, _seconds: int) -> list[Action]:
    primary = _primary(scene)
    if scene.operator is None:
        raise InvalidInput(f"No Deployment is known as the operator of {scene.provider}, so it cannot be stopped")
    return [Stop(scene.operator), Delete(primary, 0)]


def _connections_exhausted(scene: Scene, seconds: int) -> list[Action]:
    _primary(scene)
    if scene.provider not in _POSTMASTER:
        raise InvalidInput(
            f"fault: connections_exhausted is for PostgreSQL, and {scene.provider} runs another server",
            "Use fault: command with a program that takes the connections",
        )
    return [_in_primary(scene, sessions.take_all(seconds), sessions.REHEARSAL)]


def _disk_full(scene: Scene, seconds: int) -> list[Action]:
    _primary(scene)
    folder = _VOLUME.get(str(scene.provider))
    if folder is None:
        raise InvalidInput(
            f"fault: disk_full is for Zalando's operator, and {scene.provider} may have to be given a larger volume to run again",
            "Use fault: command on a database that you can do without",
        )
    fill = _in_primary(scene, volume.fill(folder, seconds), volume.rehearsal(folder, scene.volume_bytes))
    return [replace(fill, undo=["sh", "-c", volume.empty(folder)])]


def tidy(provider: str, pods: t.Iterable[Pod]) -> list[Run]:
    """What takes away what a drill that was killed may have left in the instances of a database."""
    folder = _VOLUME.get(provider)
    command = ["sh", "-c", volume.tidy(folder)] if folder else []
    return [Run(pod, _DATABASE_CONTAINER[provider], command) for pod in pods if command]


def _command(scene: Scene, seconds: int) -> list[Action]:
    if not scene.command:
        raise InvalidInput(
            "fault: command runs the program that fault_command says, and it says none",
            "Give fault_command, a list of words, such as [/usr/local/bin/fail-over, my-database]",
        )
    return [Command(scene.command, seconds)]


def _none(_scene: Scene, _seconds: int) -> list[Action]:
    return []


FAULTS: t.Sequence[Fault] = (
    Fault("none", "nothing by the drill itself", 10.0, _none, lasts=True),
    Fault("primary_killed", "the primary's server process is killed", 10.0, _primary_killed),
    Fault("primary_deleted", "the primary's pod is deleted, and may hand over", 10.0, _primary_deleted),
    Fault("primary_pod_killed", "the primary's pod is killed and may not hand over", 10.0, _primary_pod_killed),
    Fault("primary_hung", "the primary's processes hang", 25.0, _primary_hung, lasts=True),
    Fault("switchover", "the primary's role is given to the standby", 10.0, _switchover),
    Fault("standby_deleted", "the synchronous standby's pod is deleted", 10.0, _standby_deleted),
    Fault("replicas_killed", "all replicas of the control plane but one are killed", 10.0, _replicas_killed),
    Fault("connections_exhausted", "all connections that are left are taken", 10.0, _connections_exhausted, lasts=True),
    Fault("disk_full", "the volume of the primary is full", 25.0, _disk_full, lasts=True),
    Fault("operator_down", "the primary's pod is killed while the operator is down", 10.0, _operator_down, lasts=True),
    Fault("command", "a command of the user's own", 25.0, _command, lasts=True),
)


def _primary(scene: Scene) -> Pod:
    if scene.primary is None:
        raise InvalidInput(
            "Nobody knows the primary of this database, because no operator that this collection knows runs it in this cluster",
            "Use fault: replicas_killed, or fault: none while you fail the database over with its provider's own tools",
        )
    return scene.primary


def _standby(scene: Scene) -> Pod:
    if scene.standby is None:
        raise InvalidInput("The database has no synchronous standby", "Look at k0smotron.ha.cluster_info")
    return scene.standby


def _in_primary(scene: Scene, script: str, rehearsal: str) -> Run:
    pod = _primary(scene)
    return Run(pod, _DATABASE_CONTAINER[str(scene.provider)], ["sh", "-c", script], ["sh", "-c", rehearsal])


def _postmaster(scene: Scene, name: str) -> str:
    _primary(scene)
    path = _POSTMASTER.get(str(scene.provider))
    if path is None:
        raise InvalidInput(
            f"fault: {name} is impossible with {scene.provider}: its server is the first process of its container, which no "
            "signal from inside the container stops",
            "Use fault: primary_pod_killed",
        )
    return path
