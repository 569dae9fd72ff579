# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rotation that is found under way: a killed one goes on from anywhere, and a forged one changes nobody's login."""

from __future__ import annotations

import base64
import copy
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.credential_rotation import Step
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, Forbidden, HaError, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.scram import scram
from tests.unit.module_utils.rotations import (
    DATABASE,
    KEPT,
    OWNER_SECRET,
    SOURCE,
    StandInKube,
    cut_before,
    encoded,
    rotate,
    stand_in,
)

NOTHING_IS_DUE = 10**5
URL = "postgres://{}@acid-db.db:5432/kine?sslmode=require"
THEIRS = "postgres://{}@acid-db.db:5432/theirs?sslmode=require"
THEIR_SECRET = Ref("v1", "Secret", "them.acid-db.credentials.postgresql.acid.zalan.do", "db")


@pytest.fixture
def kube(monkeypatch: pytest.MonkeyPatch) -> StandInKube:
    return stand_in(monkeypatch)


class Killed(BaseException):
    """Nothing catches it, as nothing catches kill -9."""


def killed_after(kube: StandInKube, changes: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Rotate until so many changes of the cluster and the database were made; whether it came to its end before."""
    left = changes

    def counted(does: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def once(*given: t.Any) -> t.Any:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return does(*given)

        return once

    with monkeypatch.context() as patch:
        for name in ("apply", "merge", "delete", "exec"):
            patch.setattr(kube, name, counted(getattr(kube, name)))
        try:
            rotate(kube)
        except Killed:
            return False
    return True


def owners_password(kube: StandInKube) -> str:
    return base64.b64decode(kube.objects[OWNER_SECRET]["data"]["password"]).decode()


def site(kube: StandInKube) -> None:
    """The role control_plane takes the data source from the owner's Secret."""
    url = URL.format(f"kine:{owners_password(kube)}")
    kube.merge(SOURCE, {"data": {DATA_SOURCE_KEY: encoded(url)}})


def somebody_by_hand(kube: StandInKube) -> None:
    kube.server.verifiers["kine"] = scram("by-hand")
    kube.merge(OWNER_SECRET, {"data": {"password": encoded("by-hand")}})
    site(kube)


@pytest.mark.parametrize("meanwhile", [lambda _: None, site, somebody_by_hand], ids=["nothing", "site", "by hand"])
def test_one_that_was_killed_anywhere_goes_on(
    monkeypatch: pytest.MonkeyPatch, meanwhile: t.Callable[[StandInKube], None]
) -> None:
    changes, ended = 0, False
    while not ended:
        kube = stand_in(monkeypatch)
        ended = killed_after(kube, changes, monkeypatch)
        begun = KEPT in kube.objects
        meanwhile(kube)
        assert rotate(kube, NOTHING_IS_DUE)["resumed"] == begun
        assert (set(kube.server.verifiers), KEPT in kube.objects) == ({"kine"}, False)
        assert f":{owners_password(kube)}@" in kube.source()
        kube.server.let_in("kine", owners_password(kube))
        changes += 1
    assert changes > 20


def keep(kube: StandInKube, **urls: str) -> None:
    """Write into the rotation's Secret, as whoever may write Secrets there."""
    kube.merge(KEPT, {"data": {name: encoded(url) for name, url in urls.items()}})


def refused(kube: StandInKube, error: type[HaError], says: str) -> None:
    before = copy.deepcopy(kube.objects)
    with pytest.raises(error, match=says):
        rotate(kube)
    assert (kube.objects, kube.log) == (before, [])


@pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(
    ("forged", "says"),
    [
        ({"previous": URL.format("postgres:old")}, "is about postgres, kine_rotation, kine, and the owner .* is kine"),
        ({"following": URL.format("postgres:new")}, "is about kine, kine_rotation, postgres, and the owner"),
        ({"bridge": URL.format("other:new")}, "is about kine, other, kine, and the owner"),
        ({"bridge": URL.format("a%24make%24b:new")}, r"is about kine, a\$make\$b, kine, and the owner"),
        ({name: URL.format("postgres:new") for name in ("previous", "bridge", "following")}, "is about postgres,"),
    ],
)
def test_no_other_login_is_changed(
    kube: StandInKube, monkeypatch: pytest.MonkeyPatch, forged: dict[str, str], says: str, check_mode: bool
) -> None:
    cut_before(kube, monkeypatch, Step.CHANGE)
    keep(kube, **forged)
    kube.check_mode = check_mode
    refused(kube, Conflict, f"Secret team/one-data-source-rotation {says}.*remove it by hand")


@pytest.mark.parametrize("name", ["previous", "bridge", "following"])
@pytest.mark.parametrize("url", [THEIRS, URL.replace("acid-db.db", "other.db"), URL.replace("5432", "5433")])
def test_no_other_database_is_meant(kube: StandInKube, monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    cut_before(kube, monkeypatch, Step.REVOKE)
    login = "kine_rotation" if name == "bridge" else "kine"
    keep(kube, **{name: url.format(f"{login}:new")})
    refused(kube, InvalidInput, "is one of another database than the control plane has now")


def their_database(kube: StandInKube, owner: str = "them") -> None:
    kube.merge(DATABASE, {"spec": {"databases": {"theirs": owner}}})
    kube.put(THEIR_SECRET, data={"username": encoded(owner), "password": encoded("their secret")})


def test_who_does_not_know_the_password_of_another_owner_cannot_have_it_changed(
    kube: StandInKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_before(kube, monkeypatch, Step.CHANGE)
    their_database(kube)
    logins = {"previous": "them:guess", "bridge": "them_rotation:new", "following": "them:new"}
    keep(kube, **{name: THEIRS.format(login) for name, login in logins.items()})
    for login in logins.values():
        kube.merge(SOURCE, {"data": {DATA_SOURCE_KEY: encoded(THEIRS.format(login))}})
        refused(kube, Conflict, f"has not the password that {THEIR_SECRET} has.*Else: See who wrote that Secret")


def test_an_owner_whose_name_is_the_second_logins_is_left_alone(
    kube: StandInKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_before(kube, monkeypatch, Step.CHANGE)
    their_database(kube, "kine_rotation")
    refused(kube, Conflict, "is about kine_rotation, which owns another database")


def test_one_that_is_forged_while_a_run_is_at_it_ends_that(kube: StandInKube) -> None:
    def forge() -> None:
        if "kine_rotation" in kube.source():
            keep(kube, following=URL.format("postgres:new"))

    kube.on_wait = forge
    with pytest.raises(Conflict, match="is about kine, kine_rotation, postgres"):
        rotate(kube)
    assert not [line for line in kube.log if "postgres" in line]


def test_a_password_that_was_set_by_hand_is_taken_over_by_site_first(
    kube: StandInKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_before(kube, monkeypatch, Step.CHANGE)
    kube.merge(OWNER_SECRET, {"data": {"password": encoded("by-hand")}})
    kube.server.verifiers["kine"] = scram("by-hand")
    refused(kube, Conflict, f"has not the password that {OWNER_SECRET} has.*run the role control_plane, which takes it")
    site(kube)
    cut_before(kube, monkeypatch, Step.CHANGE)
    assert rotate(kube)["steps"] == ["change", "revoke"]
    with pytest.raises(Forbidden):
        kube.server.let_in("kine", "by-hand")
