# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A replica whose memory stands still, told by its own Lease, and one whose memory is not the database's, told by itself."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.replica_memory import (
    LEASES,
    METRICS,
    Get,
    deaf,
    inconsistent,
    needs_restart,
)

ASKED = f"{LEASES}?resourceVersion=0&labelSelector=kubernetes.io%2Fhostname%3Dkmc-a-0"


def lease(seconds: str) -> dict[str, t.Any]:
    return {"metadata": {"name": "apiserver-x"}, "spec": {"renewTime": f"2026-11-28T09:00:{seconds}.123456Z"}}


def replica(remembered: t.Any, now: t.Any) -> Get:
    """What it remembers of its Lease, and what the database has."""
    answers = {ASKED: {"items": remembered}, f"{LEASES}/apiserver-x": now}
    return lambda path: (200, json.dumps(answers[path]))


@pytest.mark.parametrize(("then", "now"), [("20", "20"), ("10", "20"), ("20", "50")])
def test_a_memory_that_is_a_renewal_behind_is_well(then: str, now: str) -> None:
    assert deaf(replica([lease(then)], lease(now)), "kmc-a-0") is None


def test_a_memory_that_stands_still_is_told_with_what_helps() -> None:
    told = deaf(replica([lease("05")], lease("48")), "kmc-a-0")
    assert told is not None
    assert told.startswith("it has not heard of any change for 43 s, though the database answers")
    assert told.endswith("Delete the pod kmc-a-0")


@pytest.mark.parametrize(
    ("remembered", "now"),
    [
        ([], lease("48")),
        ([lease("05")], {"kind": "Status"}),
        ([{"metadata": {"name": "apiserver-x"}, "spec": {}}], lease("48")),
        ([lease("05")], {**lease("48"), "spec": {"renewTime": "yesterday"}}),
    ],
)
def test_who_keeps_no_lease_is_not_judged(remembered: t.Any, now: t.Any) -> None:
    assert deaf(replica(remembered, now), "kmc-a-0") is None


@pytest.mark.parametrize("answer", [(403, "{}"), (200, "ok")])
def test_who_may_not_ask_does_not_judge(answer: tuple[int, str]) -> None:
    assert deaf(lambda _path: answer, "kmc-a-0") is None


def test_no_answer_is_no_proof() -> None:
    def silent(_path: str) -> tuple[int, str]:
        raise Unreachable("nobody answers")

    assert deaf(silent, "kmc-a-0") is None


def counted(*lines: str, status: int = 200) -> Get:
    """A replica whose metrics have these comparisons among others; lines: labels and count."""
    ours = [f"apiserver_storage_consistency_checks_total{{{line}" for line in lines]
    body = "\n".join(
        ["# TYPE apiserver_storage_consistency_checks_total counter", *ours, "apiserver_request_total 7", ""]
    )
    answers = {METRICS: (status, body)}
    return lambda path: answers[path]


PODS = 'group="",resource="pods",status="{}"}} {}'
ROLES = 'group="rbac.authorization.k8s.io",resource="roles",status="{}"}} {}'


def test_a_memory_that_is_not_the_database_is_told_with_what_helps() -> None:
    told = inconsistent(
        counted(PODS.format("success", 4), PODS.format("failure", 12), ROLES.format("failure", 1)), "kmc-a-0"
    )
    assert told is not None
    assert told.startswith("it remembers something else of pods, roles than the database")
    assert told.endswith("Delete the pod kmc-a-0")
    assert needs_restart(told)


@pytest.mark.parametrize(
    "get",
    [
        counted(),
        counted(PODS.format("success", 4), ROLES.format("error", 2)),
        counted(PODS.format("failure", 0)),
        counted(PODS.format("failure", 1), status=403),
    ],
)
def test_what_found_nothing_has_nothing(get: Get) -> None:
    assert inconsistent(get, "kmc-a-0") is None


def test_who_does_not_answer_is_not_accused() -> None:
    def silent(_path: str) -> tuple[int, str]:
        raise Unreachable("nobody answers")

    assert inconsistent(silent, "kmc-a-0") is None


def test_only_a_memory_is_mended_by_a_restart() -> None:
    assert needs_restart(deaf(replica([lease("05")], lease("48")), "kmc-a-0") or "")
    assert not any(needs_restart(said) for said in (True, False, "connection refused", ""))
