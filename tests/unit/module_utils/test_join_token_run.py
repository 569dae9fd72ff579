# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order a token is renewed, and what is said when it cannot be revoked."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import hosted_api, join_token_run
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, HaError, InvalidInput, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.hosted_api import HostedApi
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Change, Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.replica_health import Administrator
from tests.unit.module_utils.test_join_token import CLUSTER, V1BETA1, live

Object = dict[str, t.Any]
REHEARSAL = "rehearse rehearsal-ed574aa7"
PARAMS: Object = {
    "name": "workers",
    "namespace": "team",
    "cluster": "one",
    "role": "worker",
    "expiry": "2h",
    "renew_before": None,
    "wait": False,
    "wait_timeout": 10,
    "revoke": True,
}


class StandInKube:
    """A request for a token, its control plane, and a hosted API that answers every question with one status."""

    check_mode = False

    def __init__(self, status: int = 404, refuses: bool = False) -> None:
        self.status = status
        self.refuses = refuses
        self.steps: list[str] = []

    def serves(self, api_version: str, kind: str) -> bool:
        return api_version == V1BETA1

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        return {"JoinTokenRequest": live(), "Cluster": {"apiVersion": V1BETA1, "kind": "Cluster", **CLUSTER}}.get(kind)

    def rehearse(self, wanted: Object) -> None:
        self.steps.append(f"rehearse {wanted['metadata']['name']}")
        if self.refuses:
            raise InvalidInput("the webhook says no")

    def https(self, method: str, *_where: t.Any, **_who: t.Any) -> tuple[int, str]:
        self.steps.append(method)
        return self.status, "{}"

    def delete(self, refs: t.Iterable[Ref], *_args: t.Any, **_kwargs: t.Any) -> list[Change]:
        self.steps += [f"delete {ref.name}" for ref in refs]
        return []

    def apply(self, objects: t.Iterable[Object]) -> list[Change]:
        self.steps += [f"apply {item['metadata']['name']}" for item in objects]
        return []


@pytest.fixture(autouse=True)
def _reached(monkeypatch: pytest.MonkeyPatch) -> None:
    who = Administrator(ca="", cert="", key="")
    monkeypatch.setattr(
        hosted_api, "reach", lambda kube, _cluster: HostedApi(kube, "team/one", "team", "p", 1, "n", who)
    )


def act(kube: StandInKube, what: t.Callable[..., Object], **given: t.Any) -> Object:
    return what(t.cast(Kube, kube), {**PARAMS, **given}, lambda _warning: None)


def test_a_token_is_revoked_only_after_the_next_one_was_rehearsed() -> None:
    kube = StandInKube(status=200)
    with pytest.raises(HaError, match=r"cannot be used.*compare the clock"):
        act(kube, join_token_run.present)  # the old one is still there, because nothing is deleted for real
    order = [step for step in kube.steps if step != "GET"]
    assert order == [REHEARSAL, "DELETE", "delete workers", "apply workers"]


def test_the_longest_name_is_rehearsed_under_a_short_one() -> None:
    kube = StandInKube(status=200, refuses=True)
    with pytest.raises(InvalidInput, match="the webhook says no"):
        act(kube, join_token_run.present, name="w" * 63)
    (step,) = (step for step in kube.steps if step.startswith("rehearse"))
    assert re.fullmatch("rehearse rehearsal-[0-9a-f]{8}", step)
    assert step != REHEARSAL


def test_a_request_that_is_refused_leaves_the_old_token_alone() -> None:
    kube = StandInKube(status=200, refuses=True)
    with pytest.raises(InvalidInput, match="the webhook says no"):
        act(kube, join_token_run.present)
    assert [step for step in kube.steps if step != "GET"] == [REHEARSAL]


@pytest.mark.parametrize("status", [401, 403])
def test_a_hosted_api_that_refuses_is_a_reason_to_leave_the_token_valid(status: int) -> None:
    kube = StandInKube(status)
    with pytest.raises(Forbidden) as caught:
        act(kube, join_token_run.absent)
    said = str(caught.value)
    assert (
        f"The token abc123 cannot be revoked, so nothing was deleted: The API of the control plane team/one answered {status}"
        in said
    )
    assert "Or set revoke to false" in said
    assert kube.steps == ["GET"]
    act(kube, join_token_run.absent, revoke=False)
    assert kube.steps == ["GET", "delete workers"]


def test_a_control_plane_that_is_down_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_args: t.Any) -> t.NoReturn:
        raise Unreachable("The control plane team/one is not up", "Look at k0smotron.ha.cluster_info")

    monkeypatch.setattr(hosted_api, "reach", down)
    with pytest.raises(Unreachable, match=r"nothing was deleted: .*cluster_info\. Or set revoke to false"):
        act(StandInKube(), join_token_run.absent)
