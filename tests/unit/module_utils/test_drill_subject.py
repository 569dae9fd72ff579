# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How closely a drill looks at its control plane: at everything before it, and lightly while it waits."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import types
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_report, replica_health
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_subject import Subject, server_name
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

OPTIONS = ControlPlaneOptions(name="a", namespace="team", replicas=3, version="v1.34.4-k0s.0", service_type="ClusterIP")
SICK = {"up": False, "reason": "a replica remembers what is not there", "datastore": None}


@pytest.fixture
def subject() -> Subject:
    nothing: t.Any = None
    return Subject(nothing, {}, nothing, nothing, nothing, None, None)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    seen = []

    def record(_kube: t.Any, _cluster: t.Any, *, thorough: bool) -> dict[str, t.Any]:
        seen.append(thorough)
        return SICK

    monkeypatch.setattr(cluster_report, "record", record)
    return seen


def test_memories_are_asked_for_before_the_fault(subject: Subject, looks: list[bool]) -> None:
    with pytest.raises(InvalidInput, match="Nothing was disturbed, because the control plane is not up: a replica rem"):
        subject.require_fit()
    assert looks == [True]


def test_no_megabytes_are_read_while_a_drill_waits_for_recovery(subject: Subject, looks: list[bool]) -> None:
    assert not subject.up().up
    assert looks == [False]


def test_who_may_not_see_the_database_shares_a_turn_with_who_may(subject: Subject) -> None:
    database: t.Any = types.SimpleNamespace(options=types.SimpleNamespace(name="db", namespace="databases"))
    blind = dataclasses.replace(subject, options=OPTIONS)
    seeing = dataclasses.replace(blind, store=database)
    assert blind.turns() == {("a", "team")}
    assert seeing.turns() == {("a", "team"), ("db", "databases")}


@pytest.mark.parametrize(
    ("spec", "name"),
    [({}, "kmc-a.team.svc"), ({"ingress": {"apiHost": "a.example.com"}}, "a.example.com")],
)
def test_an_ingress_is_asked_by_its_own_name(spec: dict[str, t.Any], name: str) -> None:
    assert server_name(OPTIONS, {"spec": spec}) == name


def spec_with(url: str, where: str) -> dict[str, t.Any]:
    in_config = {"k0sConfig": {"spec": {"storage": {"kine": {"dataSource": url}}}}}
    return {"kineDataSourceURL": url} if where == "url" else {"kineDataSourceURL": "postgres://h/kine", **in_config}


@pytest.mark.parametrize("where", ["url", "k0sConfig"])
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("postgres://kine:hunter2@db/kine", "postgres://kine:hunter3@db/kine", True),
        ("postgres://kine@db/kine?sslpassword=hunter2", "postgres://kine@db/kine?sslpassword=hunter3", True),
        ("postgres://kine:hunter2@db/kine", "postgres://kine:hunter2@other/kine", False),
    ],
    ids=["another password", "another password of its key", "another server"],
)
def test_no_password_is_in_the_fingerprint(subject: Subject, where: str, one: str, other: str, same: bool) -> None:
    clusters = [{"metadata": {"namespace": "team"}, "spec": spec_with(url, where)} for url in (one, other)]
    drilled = [dataclasses.replace(subject, cluster=cluster, options=OPTIONS) for cluster in clusters]
    first, second = (each.description()["fingerprint"] for each in drilled)
    assert (first == second) is same


def test_a_drill_refuses_to_begin_where_it_sees_nothing_of_the_data(subject: Subject) -> None:
    subject.require_seen({"replication": "replication: asynchronous"})
    with pytest.raises(
        InvalidInput, match="nobody could see what it does to the datastore's bookkeeping: connect: refused"
    ):
        subject.require_seen({"connect": "connect: refused"})


def test_a_management_cluster_that_does_not_answer_for_a_moment_is_no_other_authority(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[t.Any] = [Unreachable("connection reset"), types.SimpleNamespace(ca="authority")]

    def asked(*_place: t.Any) -> t.Any:
        answer = answers.pop(0)
        if isinstance(answer, HaError):
            raise answer
        return answer

    monkeypatch.setattr(replica_health, "administrator_in", asked)
    found = dataclasses.replace(subject, kube=Kube(t.cast("t.Any", None)), options=OPTIONS).authority()
    assert found == hashlib.sha256(b"authority").hexdigest()


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ([{"old": "old: it was there"}], []),
        ([{"connect": "connect: cut off", "old": "old: it was there"}, {}], []),
        ([{"gaps": "gaps: 7 is missing"}], ["gaps: 7 is missing"]),
    ],
    ids=["nothing new", "one bad moment", "what lasts"],
)
def test_what_kine_check_says_once_is_asked_again(
    looks: list[dict[str, str]], told: list[str], subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(_subject: Subject) -> dict[str, str]:
        return looks.pop(0) if len(looks) > 1 else looks[0]

    clock = itertools.count(step=5.0)
    monkeypatch.setattr(Subject, "bookkeeping", look)
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    assert subject.broken({"old": ""}) == told


def test_replicas_are_asked_for_no_more_than_they_are_compared_by(subject: Subject) -> None:
    accepted: list[str] = []

    def https(*_where: t.Any, accept: str, **_who: t.Any) -> tuple[int, str]:
        accepted.append(accept)
        found = [{"metadata": {"name": "a", "uid": "u", "resourceVersion": "7"}}]
        return 200, json.dumps({"items": None if len(accepted) == 1 else found})  # as an API server says of none

    me = types.SimpleNamespace(ca="", cert="", key="", server_name="")
    asking = dataclasses.replace(
        subject,
        kube=t.cast("t.Any", types.SimpleNamespace(https=https)),
        options=OPTIONS,
        who=t.cast("t.Any", me),
        address=t.cast("t.Any", me),
    )
    assert set(asking._memory("kmc-a-0")) >= {"secrets /a u"}
    assert {"PartialObjectMetadataList" in each for each in accepted} == {True}
