# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database cluster stays while a control plane uses it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import datastore_users
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import datastore, options_for
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import AccessDenied, Conflict
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from tests.unit.module_utils.left_databases import control_plane, database_cluster, secret

Object: t.TypeAlias = dict[str, t.Any]
LIVE = database_cluster()[0]
STORE = datastore("zalando", options_for("zalando", name="db", namespace="data"))


class StandInKube:
    """Objects in a list instead of a cluster."""

    def __init__(self, *objects: Object, check_mode: bool = False, forbidden: str = "") -> None:
        self.objects, self.check_mode, self.forbidden = objects, check_mode, forbidden

    def serves(self, api_version: str, _kind: str) -> bool:
        return any(item["apiVersion"] == api_version for item in self.objects)

    def get(self, *ref: str) -> Object | None:
        return next((item for item in self.objects if Ref.of(item) == Ref(*ref)), None)

    def list(self, api_version: str, kind: str, _namespace: str | None = None) -> list[Object]:
        if kind == self.forbidden:
            raise AccessDenied("not for you")
        return [item for item in self.objects if (item["apiVersion"], item["kind"]) == (api_version, kind)]


def warned(*objects: Object, **more: t.Any) -> str:
    said: list[str] = []
    datastore_users.refuse(t.cast(Kube, StandInKube(LIVE, *objects, **more)), STORE, said.append)
    return "\n".join(said)


def test_each_control_plane_on_it_is_named() -> None:
    two = (control_plane("two"), secret(name="two", database="other"))
    with pytest.raises(Conflict, match="control plane team/one, the control plane team/two") as refused:
        warned(control_plane(), secret(), *two)
    assert "Nothing was removed" in str(refused.value)


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="none"),
        pytest.param([control_plane(), secret("db.elsewhere")], id="on another one"),
        pytest.param([control_plane()], id="without a data source"),
        pytest.param(
            [control_plane() | {"metadata": {"name": "one", "namespace": "team", "deletionTimestamp": "x"}}, secret()]
        ),
    ],
)
def test_nobody_on_it_is_no_reason(others: list[Object]) -> None:
    assert warned(*others) == ""


def test_check_mode_warns_because_the_control_plane_would_be_gone_by_then() -> None:
    said = warned(control_plane(), secret(), check_mode=True)
    assert said.startswith("Unless this run removes the control planes first, it will fail: ")
    assert "team/one" in said


def test_who_may_not_look_is_warned() -> None:
    assert "not for you" in warned(control_plane(), secret(), forbidden="Cluster")
