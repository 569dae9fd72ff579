# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module datastore says before it creates anything: of a certificate that somebody else keeps, and of a namesake."""

from __future__ import annotations

import base64
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_run import present
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import PROVIDERS, DatastoreOptions, datastore
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import AccessDenied, Conflict, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Change, Kube
from tests.unit.module_utils.test_datastore_removals import Object, StandInKube, obj


class ApplyingKube(StandInKube):
    """Takes everything, and nothing runs yet."""

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> list[Object]:
        return []

    def rehearse(self, wanted: Object) -> None:
        """Nothing to refuse."""

    def apply(self, objects: t.Iterable[Object]) -> t.Sequence[Change]:
        self.steps += [item["kind"] for item in objects]
        return []


def warnings_of(kube: StandInKube) -> list[str]:
    """What is said of a database cluster with the servers' certificate in the Secret mine."""
    said: list[str] = []
    store = datastore("cloudnativepg", DatastoreOptions(name="pg", namespace="ns", tls_secret="mine"))
    present(t.cast(Kube, kube), store, {"wait": False}, said.append)
    return said


def certificate(*keys: str) -> Object:
    return {**obj("Secret", "mine", owned=False), "data": dict.fromkeys(keys, base64.b64encode(b"pem").decode())}


FLAWED = pytest.mark.parametrize(
    ("secrets", "missing"),
    [((), "ca.crt, tls.crt, tls.key"), ((certificate("tls.crt", "tls.key"),), "which has no ca.crt")],
    ids=["none", "no authority"],
)


@FLAWED
def test_check_mode_warns_of_a_certificate_that_is_not_there(secrets: tuple[Object, ...], missing: str) -> None:
    [said] = warnings_of(ApplyingKube(*secrets, check_mode=True))
    assert "it will fail: tls_secret names the Secret ns/mine" in said
    assert missing in said


@FLAWED
def test_nothing_is_created_without_the_certificate(secrets: tuple[Object, ...], missing: str) -> None:
    kube = ApplyingKube(*secrets)
    with pytest.raises(NotFound, match=missing):
        warnings_of(kube)
    assert kube.steps == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_nothing_is_said_of_a_certificate_that_is_there(check_mode: bool) -> None:
    kube = ApplyingKube(certificate("tls.crt", "tls.key", "ca.crt"), check_mode=check_mode)
    assert warnings_of(kube) == []
    assert "Cluster" in kube.steps


def database(provider: str, name: str = "pg", namespace: str = "ns") -> Object:
    kind = PROVIDERS[provider]
    return {**obj(kind.kind, name, owned=False, api_version=kind.api_version, namespace=namespace), "spec": {}}


def create(kube: StandInKube) -> None:
    said: list[str] = []
    store = datastore("cloudnativepg", DatastoreOptions(name="pg", namespace="ns"))
    present(t.cast(Kube, kube), store, {"wait": False}, said.append)


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("provider", sorted(PROVIDERS.keys() - {"cloudnativepg"}))
def test_another_operators_database_of_the_same_name_is_left_alone(provider: str, check_mode: bool) -> None:
    kube = ApplyingKube(database(provider), check_mode=check_mode)
    with pytest.raises(Conflict, match=rf"The namespace ns has a \w+ pg of another operator \({provider}\)"):
        create(kube)
    assert kube.steps == []


@pytest.mark.parametrize("neighbour", [database("mariadb", "other"), database("mariadb", namespace="elsewhere")])
def test_other_databases_are_no_namesakes(neighbour: Object) -> None:
    kube = ApplyingKube(neighbour)
    create(kube)
    assert "Cluster" in kube.steps


def test_who_lives_beside_a_namesake_already_goes_on() -> None:
    kube = ApplyingKube(database("mariadb"), database("cloudnativepg"))
    create(kube)
    assert "Cluster" in kube.steps


def test_who_may_not_see_other_operators_databases_may_make_one() -> None:
    class Discreet(ApplyingKube):
        def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
            if kind in {"MariaDB", "postgresql"}:
                raise AccessDenied("not for you")
            return super().get(api_version, kind, name, namespace)

    kube = Discreet()
    create(kube)
    assert "Cluster" in kube.steps
