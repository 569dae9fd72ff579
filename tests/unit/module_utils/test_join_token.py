# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tokens are asked for, whose requests are touched, and when a token is good no more."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import gzip
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import join_token
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.join_token import Seen, TokenOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

US = "k0smotron.ha"
V1BETA1, V1BETA2 = "k0smotron.io/v1beta1", "k0smotron.io/v1beta2"
OPTIONS = TokenOptions(name="workers", namespace="team", cluster="one", expiry="1h")
CLUSTER = {"metadata": {"name": "one", "namespace": "team", "uid": "this-one"}}
NOON = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)


def options(**more: t.Any) -> TokenOptions:
    return dataclasses.replace(OPTIONS, **more)


def live(
    made: TokenOptions = OPTIONS, version: str = V1BETA1, maker: str = US, uid: str | None = "this-one", **status: t.Any
) -> dict[str, t.Any]:
    """A request as the server has it."""
    request = join_token.request(made, version)
    request["metadata"]["labels"] = {"k0smotron.io/cluster-uid": uid}
    request["metadata"]["managedFields"] = [
        {"manager": "manager", "operation": "Update", "fieldsV1": {"f:metadata": {"f:labels": {}}}},
        {"manager": maker, "operation": "Apply", "fieldsV1": {"f:spec": {"f:expiry": {}}}},
    ]
    return {
        **request,
        "status": {"reconciliationStatus": "fine", "tokenID": "abc123", **status},
    }


def seen(request: dict[str, t.Any] | None = None, end: str | None = "2026-01-02T12:30:00Z", **more: t.Any) -> Seen:
    hosted = {"expiration": end} if end else {}
    return Seen(**{"live": request or live(), "held": "abc123", "hosted": hosted, **more})


# -- options ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expiry", ["1h", "1h30m", "1.5h", "45s", "24h0m0s"])
def test_a_duration_that_go_and_k0s_take(expiry: str) -> None:
    join_token.validate(options(expiry=expiry))


@pytest.mark.parametrize("expiry", ["0s", "0h", "0h0m", "0.0s"])
def test_a_token_for_ever_is_refused(expiry: str) -> None:
    with pytest.raises(InvalidInput, match=r"never expires.*such as 1h"):
        join_token.validate(options(expiry=expiry))


@pytest.mark.parametrize("expiry", ["1d", "", "0", "90", "-1h", "1h;reboot", "1h x", "1H", "h", "300ms", "1h\n"])
def test_what_k0s_would_refuse_for_ever_is_refused(expiry: str) -> None:
    with pytest.raises(InvalidInput, match=r"expiry .* is no duration"):
        join_token.validate(options(expiry=expiry))


@pytest.mark.parametrize(
    ("renew_before", "says"), [("1h", "not shorter"), ("2h", "not shorter"), ("1d", "no duration")]
)
def test_renewal_that_would_never_end_is_refused(renew_before: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=f"renew_before .*{says}"):
        join_token.validate(options(renew_before=renew_before))


@pytest.mark.parametrize("wrong", [{"name": "Bad_Name"}, {"namespace": "a.b"}, {"cluster": "Bad_Name"}])
def test_names_are_checked(wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="not a valid name"):
        join_token.validate(options(**wrong))


def test_a_name_that_is_no_label_makes_no_token() -> None:
    join_token.validate(options(name="a" * 63))
    with pytest.raises(InvalidInput, match=r"longer than 63 characters: k0smotron makes a label of it"):
        join_token.validate(options(name="a" * 64))


@pytest.mark.parametrize(("renew_before", "minutes"), [(None, 6), ("0s", 0), ("20m", 20)])
def test_renewal_is_a_tenth_of_the_expiry_before_its_end(renew_before: str | None, minutes: int) -> None:
    assert options(renew_before=renew_before).margin == datetime.timedelta(minutes=minutes)


# -- the request --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "names_it"),
    [(V1BETA1, {"clusterRef": {"name": "one", "namespace": "team"}}), (V1BETA2, {"clusterName": "one"})],
)
def test_a_request_names_its_control_plane_in_either_versions_words(version: str, names_it: dict[str, t.Any]) -> None:
    request = join_token.request(OPTIONS, version)
    assert request["spec"] == {**names_it, "role": "worker", "expiry": "1h"}
    assert "labels" not in request["metadata"]
    assert join_token.cluster_of(request) == ("team", "one")


def test_our_request_is_ours_whoever_writes_its_status() -> None:
    join_token.refuse_foreign(live(), US)


def test_a_request_of_another_tool_is_refused_with_what_to_revoke() -> None:
    with pytest.raises(InvalidInput, match=r"made by kubectl-create.*bootstrap-token-abc123"):
        join_token.refuse_foreign(live(maker="kubectl-create"), US)


def test_a_request_that_a_controller_keeps_is_refused() -> None:
    kept = live()
    kept["metadata"]["ownerReferences"] = [{"kind": "Fleet", "name": "mine", "controller": True}]
    with pytest.raises(InvalidInput, match="belongs to Fleet mine"):
        join_token.refuse_foreign(kept, US)


def test_a_secret_that_is_no_tokens_is_not_given_to_k0smotron() -> None:
    owner = {"kind": "JoinTokenRequest", "name": "workers", "controller": True}
    join_token.refuse_taken_secret("workers", None)
    join_token.refuse_taken_secret("workers", {"metadata": {"ownerReferences": [owner]}})
    for owners in (None, [{**owner, "name": "others"}], [{**owner, "kind": "Cluster"}]):
        with pytest.raises(InvalidInput, match="Secret workers that has nothing to do with join tokens"):
            join_token.refuse_taken_secret("workers", {"metadata": {"ownerReferences": owners}})


# -- the token ----------------------------------------------------------------------------------------------------------


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode())).decode()


@pytest.mark.parametrize(
    ("token", "identifier"),
    [
        (packed("users:\n- user:\n    token: abc123.0123456789abcdef\n"), "abc123"),
        (packed("token: abc123.0123456789abcdef") + "\n", "abc123"),
        (packed('{"user": {"token": "abc123.0123456789abcdef"}}'), "abc123"),
        (packed("token: short.0123456789abcdef"), None),
        (packed("no kubeconfig"), None),
        (base64.b64encode(b"no gzip").decode(), None),
        (packed("token: abc123.0123456789abcdef")[:20], None),
        ("no base64!", None),
        ("", None),
    ],
)
def test_the_token_id_in_a_packed_kubeconfig(token: str, identifier: str | None) -> None:
    assert join_token.token_id_in(token) == identifier


def test_status_in_either_versions_words() -> None:
    newer = {
        "status": {"tokenID": "abc123", "deprecated": {"v1beta1": {"reconciliationStatus": "Failed getting token"}}}
    }
    assert (join_token.token_id(newer), join_token.controller_word(newer)) == ("abc123", "Failed getting token")
    assert (join_token.token_id(live()), join_token.controller_word(live())) == ("abc123", "fine")
    assert (join_token.token_id(None), join_token.controller_word(None)) == (None, "")


@pytest.mark.parametrize("found", ["", "../../x", "ABC123", "abc1234"])
def test_a_token_id_that_is_none_never_becomes_a_path(found: str) -> None:
    assert join_token.token_id(live(tokenID=found)) is None


def test_tokens_to_revoke_are_those_of_status_and_secret() -> None:
    assert seen().token_ids == ["abc123"]
    assert seen(held="def456").token_ids == ["abc123", "def456"]
    assert seen(live(tokenID=""), held=None).token_ids == []


def test_times_are_utc() -> None:
    end = join_token.expiration({"expiration": "2026-01-02T14:00:00+02:00"})
    assert join_token.iso(end) == "2026-01-02T12:00:00Z"
    assert join_token.iso(join_token.expiration({})) is None


@pytest.mark.parametrize(
    "good",
    [
        pytest.param(seen(), id="half an hour left"),
        pytest.param(seen(live(options(expiry="60m"))), id="the same duration in other words"),
        pytest.param(seen(live(version=V1BETA2)), id="v1beta2"),
        pytest.param(seen(live(uid=None)), id="a control plane that k0smotron did not note"),
        pytest.param(seen(live(tokenID=""), hosted=None, held=None), id="k0smotron is at it"),
    ],
)
def test_a_good_token_stays(good: Seen) -> None:
    assert join_token.flaw(OPTIONS, CLUSTER, good, NOON) == ""


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        pytest.param(seen(hosted=None), "expired or was revoked", id="gone from the hosted cluster"),
        pytest.param(
            seen(end="2026-01-02T12:00:00Z"), "expired at 2026-01-02T12:00:00Z", id="expired, not yet cleaned"
        ),
        pytest.param(seen(end="2026-01-02T12:06:00Z"), "expires soon, at 2026-01-02T12:06:00Z", id="expires soon"),
        pytest.param(seen(end=None), "never expires", id="somebody took its end away"),
        pytest.param(seen(held=None), "Secret workers does not hold", id="the Secret is gone"),
        pytest.param(seen(held="def456"), "Secret workers does not hold", id="the Secret has another token"),
        pytest.param(seen(live(options(cluster="two"))), "for the control plane team/two", id="another control plane"),
        pytest.param(seen(live(uid="before")), "earlier control plane one", id="a control plane made again"),
        pytest.param(seen(live(uid=None, clusterUID="before")), "earlier control plane", id="by its status"),
        pytest.param(
            seen(live(uid=None, deprecated={"v1beta1": {"clusterUID": "before"}})),
            "earlier control plane",
            id="in v1beta2",
        ),
        pytest.param(seen(live(options(role="controller"))), "for a controller", id="another role"),
        pytest.param(seen(live(options(expiry="2h"))), "made for 2h", id="another expiry"),
        pytest.param(seen(live(options(expiry="0s"))), "made for 0s", id="upstream's default"),
        pytest.param(seen(live(options(expiry="1d"), tokenID="")), "made for 1d", id="one that k0s never takes"),
    ],
)
def test_a_token_that_will_not_do_is_replaced(bad: Seen, why: str) -> None:
    assert why in join_token.flaw(OPTIONS, CLUSTER, bad, NOON)


def test_what_is_shown_of_a_revoked_token_is_no_secret_and_names_its_cluster() -> None:
    shown = join_token.bootstrap_secret("abc123", ("team", "one"))
    assert shown == {
        "kind": "(hosted by team/one) Secret",
        "metadata": {"name": "bootstrap-token-abc123", "namespace": "kube-system"},
    }
