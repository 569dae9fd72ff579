# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order a rotation asks the cluster and the database for what, and what it refuses."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import datastore_proof
from ansible_collections.k0smotron.ha.plugins.module_utils.credential_rotation import Step
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, HaError, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.scram import scram
from tests.unit.module_utils.rotations import (
    CLUSTER,
    DATABASE,
    KEPT,
    SOURCE,
    StandInKube,
    cut_before,
    encoded,
    no_write,
    rotate,
    stand_in,
)


@pytest.fixture
def kube(monkeypatch: pytest.MonkeyPatch) -> StandInKube:
    return stand_in(monkeypatch)


def test_a_whole_rotation_leaves_the_owner_with_another_password(kube: StandInKube) -> None:
    assert rotate(kube)["steps"] == ["begin", "bridge", "change", "revoke"]
    assert kube.server.verifiers.keys() == {"kine"}
    assert ":old@" not in kube.source()
    assert KEPT not in kube.objects
    assert kube.log.count("end sessions of kine") == 1


def test_nobody_comes_in_between_the_end_of_sessions_and_the_end_of_the_login(
    kube: StandInKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_before(kube, monkeypatch, Step.REVOKE)
    rotate(kube)
    assert kube.log == [
        "change kine",
        "settle",
        "prove kine",
        "lock kine_rotation",
        "end sessions of kine_rotation",
        "drop kine_rotation",
        "refuse kine",
        "refuse kine_rotation",
    ]


def test_sessions_of_the_old_password_end_even_if_another_one_gave_replicas_the_new_one(
    kube: StandInKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_before(kube, monkeypatch, Step.CHANGE)
    following = kube.objects[KEPT]["data"]["following"]
    kube.merge(SOURCE, {"data": {DATA_SOURCE_KEY: following}})  # as site does after a run that was killed in the step
    assert rotate(kube)["steps"] == ["revoke"]
    assert kube.log[:3] == ["change kine", "end sessions of kine", "settle"]


def test_a_second_login_that_was_lost_is_made_again_before_replicas_need_it(
    kube: StandInKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_before(kube, monkeypatch, Step.CHANGE)
    del kube.server.verifiers["kine_rotation"]
    assert rotate(kube)["steps"] == ["change", "revoke"]
    assert kube.log[:3] == ["make kine_rotation", "prove kine_rotation", "settle"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_owner_with_more_than_a_rotation_reaches_is_refused_before_anything_is_made(
    kube: StandInKube, check_mode: bool
) -> None:
    kube.check_mode = check_mode
    kube.server.unlike = ["the setting search_path", "the database theirs"]
    with pytest.raises(
        InvalidInput,
        match=r"break or leave out something of kine, which has: the setting search_path, the database theirs\.",
    ):
        rotate(kube)
    assert (KEPT in kube.objects, kube.log) == (False, [])
    assert kube.timeouts == {0 if check_mode else 10}


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_server_that_trusts_loopback_is_refused_before_anything_is_made(kube: StandInKube, check_mode: bool) -> None:
    """Else each proof would succeed but the last one, that the old password is refused, which would fail for ever."""
    kube.check_mode = check_mode
    kube.server.trusts = True
    with pytest.raises(InvalidInput, match=r"lets kine in with any password.*scram-sha-256 instead of trust for 127"):
        rotate(kube)
    assert (KEPT in kube.objects, kube.log) == (False, ["prove kine"])


def test_a_server_that_trusts_loopback_only_later_fails_the_last_proof(
    kube: StandInKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_before(kube, monkeypatch, Step.REVOKE)
    kube.server.trusts = True
    with pytest.raises(Conflict, match=r"still lets kine in with a password that was revoked.*loopback"):
        rotate(kube)
    kube.server.trusts = False
    assert rotate(kube)["steps"] == ["revoke"]


def test_check_mode_asks_the_server_and_changes_nothing(kube: StandInKube) -> None:
    before = copy.deepcopy(kube.objects)
    kube.check_mode = True
    assert rotate(kube)["steps"] == ["begin", "bridge", "change", "revoke"]
    assert (kube.objects, kube.log) == (before, ["refuse kine"])


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_login_of_somebody_else_is_left_alone(kube: StandInKube, check_mode: bool) -> None:
    kube.check_mode = check_mode
    kube.server.verifiers["kine_rotation"] = scram("theirs")
    with pytest.raises(Conflict, match="There is a login kine_rotation that no rotation made"):
        rotate(kube)
    assert (KEPT in kube.objects, kube.log) == (False, [])


@pytest.mark.parametrize(("moment", "looked"), [("on_wait", 1), ("on_observe", 2)])
def test_a_data_source_that_somebody_moves_under_the_replicas_ends_the_run(
    kube: StandInKube, moment: str, looked: int
) -> None:
    """The annotation is still the one that is wanted, and the replicas that restart read what the Secret says."""
    before = kube.objects[SOURCE]["data"]

    def site() -> None:
        if "kine_rotation" in kube.source():
            kube.merge(SOURCE, {"data": before})

    setattr(kube, moment, site)
    with pytest.raises(Conflict, match="Somebody else has changed Secret team/one-data-source meanwhile"):
        rotate(kube)
    assert kube.log.count("settle") == looked
    assert "change kine" not in kube.log
    setattr(kube, moment, lambda: None)
    assert rotate(kube)["steps"] == ["bridge", "change", "revoke"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("days", [0, 10**5])
def test_an_owner_whose_second_login_could_have_no_name_is_refused_first(
    kube: StandInKube, check_mode: bool, days: int
) -> None:
    kube.check_mode = check_mode
    owner = "k" * 55
    url = kube.source().replace("kine:", f"{owner}:")
    kube.merge(SOURCE, {"data": {DATA_SOURCE_KEY: encoded(url)}})
    kube.merge(DATABASE, {"spec": {"databases": {"kine": owner}}})
    with pytest.raises(InvalidInput, match="an owner with a shorter name"):
        rotate(kube, days)
    assert kube.log == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_without_a_driver_nothing_begins(kube: StandInKube, monkeypatch: pytest.MonkeyPatch, check_mode: bool) -> None:
    kube.check_mode = check_mode
    missing = datastore_proof.Driver("psycopg (version 3)", "no psycopg", no_write)
    monkeypatch.setattr(datastore_proof, "DRIVERS", {"postgres": missing})
    with pytest.raises(HaError, match=r"psycopg.*Install it there\."):
        rotate(kube)
    assert (KEPT in kube.objects, kube.log) == (False, [])


@pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
def test_a_data_source_that_somebody_else_writes_is_left_alone(kube: StandInKube, check_mode: bool) -> None:
    kube.check_mode = check_mode
    kube.objects[SOURCE]["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "external-secrets"}
    before = copy.deepcopy(kube.objects)
    with pytest.raises(InvalidInput, match="somebody else's, who may write the old password back"):
        rotate(kube)
    assert kube.objects == before


def test_a_control_plane_that_its_class_would_take_back_is_left_alone(kube: StandInKube) -> None:
    kube.objects[CLUSTER]["metadata"]["ownerReferences"] = [{"kind": "K0smotronControlPlane", "name": "one-x7k2p"}]
    above = Ref("cluster.x-k8s.io/v1beta2", "Cluster", "one", "team")
    kube.put(above, spec={"topology": {"classRef": {"name": "highly-available"}}})
    before = copy.deepcopy(kube.objects)
    with pytest.raises(InvalidInput, match="built from the ClusterClass highly-available"):
        rotate(kube)
    assert (kube.objects, kube.log) == (before, [])
