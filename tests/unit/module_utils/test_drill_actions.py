# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault that is a program on this host, and the operator that is stopped and started."""

from __future__ import annotations

import contextlib
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import drill_actions, drill_operator
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.faults import (
    Action,
    Command,
    Pod,
    Promote,
    Run,
    Stop,
    Workload,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Conflict,
    HaError,
    InvalidInput,
    NotFound,
    Unreachable,
    WaitTimeout,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_client import Client
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

NOBODY = t.cast("t.Any", None)
OPERATOR = Workload("ops", "db-operator")


def command(*argv: str, seconds: int = 20) -> Action:
    return Command(argv, seconds)


# -- what is run in a pod ----------------------------------------------------------------------------------------


class Restarting:
    """A container in which a command fails some times, and then not any more."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.commands: list[t.Sequence[str]] = []

    def exec(self, _namespace: str, _pod: str, command: t.Sequence[str], _container: str) -> str:
        self.commands.append(command)
        if len(self.commands) <= self.failures:
            raise HaError("container not found")
        return ""

    def wait(self, probe: t.Callable[[], Verdict], timeout: float) -> Verdict:
        for _attempt in range(3):
            verdict = probe()
            if verdict.up:
                return verdict
        raise WaitTimeout(f"Not up after {timeout} s: {verdict.reason}")


FILL = Run(Pod("dbs", "db-0"), "postgres", ["fill"], undo=["sh", "-c", "rm -f it"])


@pytest.mark.parametrize("failures", [0, 2])
def test_what_was_done_in_a_pod_is_undone_also_when_it_restarts(failures: int) -> None:
    kube = Restarting(failures)
    drill_actions.undo(t.cast("t.Any", kube), FILL)
    assert kube.commands == [FILL.undo] * (failures + 1)


def test_what_cannot_be_undone_is_news_with_the_way_to_do_it_by_hand() -> None:
    with pytest.raises(HaError, match=r"in pod dbs/db-0 could not be undone.*in container postgres: rm -f it"):
        drill_actions.undo(t.cast("t.Any", Restarting(9)), FILL)


def test_leftovers_are_taken_away_where_it_is_possible() -> None:
    kube = Restarting(1)
    drill_actions.tidy(t.cast("t.Any", kube), [Run(Pod("dbs", name), "postgres", [name]) for name in ("db-0", "db-1")])
    assert kube.commands == [["db-0"], ["db-1"]]


# -- a command ---------------------------------------------------------------------------------------------------


def test_a_command_is_run_as_it_stands_without_a_shell(tmp_path: Path) -> None:
    action = command("touch", str(tmp_path / "$HOME; a"))
    drill_actions.rehearse(NOBODY, action)
    assert list(tmp_path.iterdir()) == []
    drill_actions.act(NOBODY, action)
    assert [path.name for path in tmp_path.iterdir()] == ["$HOME; a"]


def test_a_program_that_is_not_there_is_known_before() -> None:
    with pytest.raises(InvalidInput, match="begins with no-such-program --all, and there is no such program"):
        drill_actions.rehearse(NOBODY, command("no-such-program --all"))


def test_a_command_that_fails_says_how() -> None:
    with pytest.raises(HaError, match=r"ended with 3, so the drill has no fault: .*: not today") as error:
        drill_actions.act(NOBODY, command("sh", "-c", "echo not today; echo password=geheim >&2; exit 3"))
    assert "geheim" not in str(error.value)


def test_a_command_is_shown_without_a_password_in_a_url() -> None:
    assert "geheim" not in drill_actions.words(command("ask", "postgres://a:geheim@b/c"))


def test_nothing_of_a_command_outlives_its_time(tmp_path: Path) -> None:
    late = tmp_path / "late"
    started = time.monotonic()
    with pytest.raises(WaitTimeout, match="did not end within 1 s"):
        drill_actions.act(NOBODY, command("sh", "-c", f"(sleep 2; touch {late}) & sleep 30", seconds=1))
    assert time.monotonic() - started < 10
    time.sleep(2)
    assert not late.exists()


def test_what_a_command_leaves_behind_is_not_waited_for() -> None:
    started = time.monotonic()
    drill_actions.act(NOBODY, command("sh", "-c", "setsid sleep 15 &"))
    assert time.monotonic() - started < 10


# -- the operator ------------------------------------------------------------------------------------------------


class OperatorKube:
    """One Deployment, whose pods come and go at once; `merges` are the patches that it took."""

    def __init__(self, replicas: int = 2, **annotations: str) -> None:
        self.merges: list[dict[str, t.Any]] = []
        self.spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "operator"}}}
        self.annotations: dict[str, str | None] = dict(annotations)

    def get(self, *_ref: t.Any) -> dict[str, t.Any]:
        metadata = {"name": OPERATOR.name, "namespace": OPERATOR.namespace, "annotations": self.annotations}
        status = {"readyReplicas": self.spec["replicas"]}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": self.spec,
            "status": status,
        }

    def list(self, _version: str, kind: str, namespace: str, selector: str) -> list[dict[str, t.Any]]:
        assert (kind, namespace, selector) == ("Pod", "ops", "app=operator")
        return [{"metadata": {"name": f"pod-{number}"}} for number in range(int(str(self.spec["replicas"])))]

    def merge(self, _ref: t.Any, part: dict[str, t.Any], *, dry_run: bool = False) -> None:
        if dry_run:
            return
        self.merges.append(part)
        self.spec |= part.get("spec", {})
        changed = self.annotations | part["metadata"]["annotations"]
        self.annotations = {key: value for key, value in changed.items() if value is not None}

    def wait(self, probe: t.Callable[[], t.Any], _timeout: float) -> None:
        verdict = probe()
        if not verdict.up:
            raise WaitTimeout(verdict.reason)


def kube(replicas: int = 2, **annotations: str) -> t.Any:
    return OperatorKube(replicas, **{f"k0smotron.ha/{key}": value for key, value in annotations.items()})


def left(cluster: OperatorKube) -> tuple[t.Any, dict[str, t.Any]]:
    return cluster.spec["replicas"], cluster.annotations


def test_an_operator_is_stopped_with_its_number_noted_by_one_request_and_gets_it_back() -> None:
    cluster = kube()
    drill_actions.rehearse(cluster, Stop(OPERATOR))
    assert cluster.merges == []
    drill_actions.act(cluster, Stop(OPERATOR))
    assert cluster.merges == [
        {"metadata": {"annotations": {"k0smotron.ha/drill-replicas": "2"}}, "spec": {"replicas": 0}}
    ]
    drill_actions.undo(cluster, Stop(OPERATOR))
    assert left(cluster) == (2, {})
    drill_actions.undo(cluster, Stop(OPERATOR))
    assert len(cluster.merges) == 2


def test_one_that_another_drill_left_stopped_a_moment_ago_gets_back_what_it_had_before_that() -> None:
    cluster = kube(0, **{"drill-replicas": "2"})
    drill_actions.act(cluster, Stop(OPERATOR))
    drill_actions.undo(cluster, Stop(OPERATOR))
    assert left(cluster) == (2, {})


def test_who_started_it_meanwhile_has_the_last_word() -> None:
    cluster = kube(1, **{"drill-replicas": "3"})
    drill_operator.start(cluster, OPERATOR)
    assert left(cluster) == (1, {})


def test_an_operator_that_is_down_already_is_no_fault() -> None:
    with pytest.raises(InvalidInput, match="Deployment ops/db-operator has no replicas"):
        drill_actions.rehearse(kube(0), Stop(OPERATOR))


def test_an_operator_that_does_not_come_back_is_news() -> None:
    cluster = kube(0, **{"drill-replicas": "1"})

    def wait(_probe: t.Any, _timeout: float) -> t.Any:
        raise WaitTimeout("Not up")

    cluster.wait = wait
    with pytest.raises(
        HaError, match=r"kubectl scale deployment db-operator -n ops --replicas=N; its annotation .* says"
    ):
        drill_operator.start(cluster, OPERATOR)


def test_a_request_that_fails_on_the_way_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, merge = kube(0, **{"drill-replicas": "2"}), OperatorKube.merge
    failures = iter([Unreachable("connection reset")])

    def flaky(self: OperatorKube, *args: t.Any, **more: t.Any) -> None:
        for failure in failures:
            raise failure
        merge(self, *args, **more)

    monkeypatch.setattr(OperatorKube, "merge", flaky)
    cluster.wait = lambda probe, timeout: Kube(Client(None)).wait(probe, timeout)
    drill_operator.start(cluster, OPERATOR)
    assert left(cluster) == (2, {})


def test_the_next_drill_restores_it_unless_the_one_that_stopped_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[str] = []

    @contextlib.contextmanager
    def turn(_kube: t.Any, name: str, namespace: str, *, of: str) -> t.Iterator[None]:
        turns.append(f"{namespace}/{name}")
        if len(turns) > 1:
            raise Conflict(f"Another drill of {of} runs")
        yield

    monkeypatch.setattr(drill_operator, "turn", turn)
    drill_operator.restore(kube(), OPERATOR)
    assert turns == []
    killed, running = kube(0, **{"drill-replicas": "2"}), kube(0, **{"drill-replicas": "2"})
    drill_operator.restore(killed, OPERATOR)
    assert left(killed) == (2, {})
    with pytest.raises(Conflict, match="this database's operator"):
        drill_operator.restore(running, OPERATOR)
    assert running.merges == []
    assert turns == ["ops/db-operator"] * 2


def test_an_operator_that_is_not_the_only_one_is_not_guessed() -> None:
    container = {"env": [{"name": "MARIADB_OPERATOR_NAME"}]}
    spec = {"template": {"spec": {"containers": [container]}}}
    found = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "ops"}, "spec": spec}
        for name in ("a", "b")
    ]
    cluster = t.cast("t.Any", type("Listed", (), {"list": lambda self, *_kind: found})())
    with pytest.raises(InvalidInput, match="Deployment ops/a, Deployment ops/b"):
        drill_operator.find(cluster, "mariadb")
    del found[1]
    assert drill_operator.find(cluster, "mariadb") == Workload("ops", "a")
    assert drill_operator.find(cluster, "zalando") is None


def test_an_operator_that_is_gone() -> None:
    cluster = t.cast("t.Any", type("Empty", (), {"get": lambda self, *_ref: None})())
    with pytest.raises(NotFound, match="is gone"):
        drill_operator.rehearse(cluster, OPERATOR)


# -- a switchover by an operator ---------------------------------------------------------------------------------


class Asked:
    """A cluster that only takes patches."""

    def __init__(self) -> None:
        self.merges: list[tuple[str, str, dict[str, t.Any], bool]] = []

    def merge(self, ref: t.Any, part: dict[str, t.Any], *, subresource: str, dry_run: bool) -> None:
        self.merges.append((str(ref), subresource, part, dry_run))


def test_cloudnativepg_is_told_in_the_status_who_shall_lead() -> None:
    cluster: t.Any = Asked()
    action = Promote("cloudnativepg", "db", Pod("dbs", "db-2"))
    drill_actions.rehearse(cluster, action)
    drill_actions.act(cluster, action)
    drill_actions.undo(cluster, action)
    (_ref, _subresource, _part, rehearsed), (ref, subresource, part, done) = cluster.merges
    assert (rehearsed, done) == (True, False)
    assert (ref, subresource) == ("Cluster dbs/db", "status")
    assert part["status"].pop("targetPrimaryTimestamp").startswith("20")
    assert part == {
        "status": {
            "targetPrimary": "db-2",
            "phase": "Switchover in progress",
            "phaseReason": "Switching over to db-2",
        }
    }
    assert "let db-2 lead" in drill_actions.words(action)


def test_mariadb_operator_is_told_in_the_spec_by_number() -> None:
    cluster: t.Any = Asked()
    drill_actions.act(cluster, Promote("mariadb", "my-db", Pod("dbs", "my-db-1")))
    part = {"spec": {"replication": {"primary": {"podIndex": 1}}}}
    assert cluster.merges == [("MariaDB dbs/my-db", "", part, False)]
