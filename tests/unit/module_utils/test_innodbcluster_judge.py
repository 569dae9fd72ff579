# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When an InnoDBCluster is up: by what each member says of its group, not by the operator's ONLINE."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import DatabaseSpec, datastore, options_for
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Observed = dict[str, list[dict[str, t.Any]]]

STORE = datastore(
    "innodbcluster",
    options_for("innodbcluster", name="idc", namespace="ns", databases=(DatabaseSpec("kine", "k0smotron"),)),
)
NAMES = ("idc-0", "idc-1", "idc-2")


def pod(name: str, *, ready: bool = True) -> dict[str, t.Any]:
    conditions = [{"type": "Ready", "status": str(ready)}]
    node = {"nodeName": f"n{name[-1]}"}
    return {"metadata": {"name": name}, "spec": node, "status": {"phase": "Running", "conditions": conditions}}


def answer(
    name: str, *, primary: str = "idc-0", single: int = 1, disk: str = "1\t1", **states: str
) -> list[dict[str, t.Any]]:
    """What a member says. disk: whether it flushes, and syncs its log; states: of other members than ONLINE, with _ for -."""
    lines = [f"server\t{int(name != primary)}\t{single}\t{disk}"]
    for each in NAMES:
        state = states.get(each.replace("-", "_"), "ONLINE")
        role = "PRIMARY" if each == primary else "SECONDARY"
        if state:
            lines.append(f"member\t{each}.idc-instances.ns.svc.cluster.local\t{state}\t{role}")
    return [{"output": "\n".join(lines) + "\n"}]


def observed() -> Observed:
    return {
        "cluster": [{"status": {"cluster": {"status": "ONLINE", "onlineInstances": 3}}}],
        "pods": [pod(name) for name in NAMES],
        "routers": [{"subsets": [{"addresses": [{"ip": "10.0.0.9"}]}]}],
        "secret:k0smotron": [{"data": {"username": "eA==", "password": "eA=="}}],
        **{f"server:{name}": answer(name) for name in NAMES},
    }


def judged(changes: t.Mapping[str, t.Any]) -> Verdict:
    return STORE.judge({**observed(), **changes})


def test_it_is_up_when_every_member_agrees() -> None:
    verdict = judged({})
    assert verdict.up, verdict.reason
    assert verdict.reason == "3 of 3 instances are in the group, primary idc-0"
    assert verdict.details["leader"] == {"pod": "idc-0", "node": "n0"}
    assert verdict.details["sync_standby"] == {"pod": "idc-1", "node": "n1"}
    assert verdict.details["secrets"] == {"k0smotron": True}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cluster": []}, "does not exist yet"),
        ({"cluster": [{}], "pods": []}, "role k0smotron.ha.mysql_operator"),
        ({"cluster": [{}]}, "The operator reports no status yet"),
        ({"cluster": [{"status": {"cluster": {"status": "ONLINE_PARTIAL"}}}]}, "ONLINE_PARTIAL"),
        ({"pods": [pod("idc-0"), pod("idc-1"), pod("idc-2", ready=False)]}, "2 of 3 instances are ready: idc-2"),
        ({"pods": [pod(name) for name in (*NAMES, "idc-3")]}, "4 instances exist"),
        ({"server:idc-1": [{"problem": "exit code 124"}]}, "idc-1 does not answer: exit code 124"),
        ({"server:idc-1": [{"output": "nonsense"}]}, "idc-1 does not answer: its answer cannot be read"),
        ({"server:idc-1": answer("idc-1", idc_2="RECOVERING")}, "idc-1 sees idc-2 as RECOVERING"),
        ({"server:idc-1": answer("idc-1", idc_0="UNREACHABLE")}, "idc-1 sees idc-0 as UNREACHABLE"),
        ({"server:idc-2": answer("idc-2", idc_0="", idc_1="")}, "idc-2 sees 1 members"),
        ({"server:idc-1": answer("idc-1", single=0)}, "multi-primary"),
        ({"server:idc-1": answer("idc-1", primary="idc-1")}, "do not agree on one primary"),
        ({f"server:{name}": answer(name, primary="idc-9") for name in NAMES}, "0 primaries"),
        ({"server:idc-0": [{"output": answer("idc-0")[0]["output"].replace("server\t0", "server\t1")}]}, "read only"),
        (
            {"server:idc-1": [{"output": answer("idc-1")[0]["output"].replace("server\t1", "server\t0")}]},
            "idc-1 takes writes",
        ),
        ({"routers": [{"subsets": []}]}, "No router is ready"),
        ({"secret:k0smotron": []}, "credential Secret of k0smotron"),
    ],
)
def test_it_is_not_up(changes: dict[str, t.Any], says: str) -> None:
    verdict = judged(changes)
    assert not verdict.up
    assert says in verdict.reason


def test_only_ready_pods_are_asked_and_no_password_is_in_the_question() -> None:
    pods = [pod("idc-0"), pod("idc-1", ready=False)]
    [question] = STORE.questions({"pods": pods})
    assert (question.pod, question.container) == ("idc-0", "mysql")
    assert not any("password" in word for word in question.command)
