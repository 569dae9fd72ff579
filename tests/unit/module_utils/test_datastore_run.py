# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module datastore says of a certificate that somebody else keeps, before it creates anything."""

from __future__ import annotations

import base64
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_run import present
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import DatastoreOptions, datastore
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import NotFound
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
