# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An empty name or namespace never becomes a request about all objects of a kind."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_removal import remove
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.datasource_secret_run import ensure
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_client import Client, Resource

Act = t.Callable[[Kube, Ref], t.Any]


class RecordingClient:
    """Serves ConfigMaps in namespaces and Nodes outside of them, and writes down what it is asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def resource(self, api_version: str, kind: str) -> Resource:
        return Resource(api_version, kind, f"{kind.lower()}s", kind != "Node")

    find = resource

    def call(self, method: str, path: str, *_request: t.Any, **_more: t.Any) -> dict[str, t.Any]:
        self.calls.append((method, path))
        return {"apiVersion": "v1", "kind": "Any", "metadata": {"name": "any"}}


def body(ref: Ref) -> dict[str, t.Any]:
    metadata = {"name": ref.name, "namespace": ref.namespace}
    return {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata}


ACTS: dict[str, Act] = {
    "get": lambda kube, ref: kube.get(*ref),
    "patch": lambda kube, ref: kube.patch(body(ref)),
    "merge": lambda kube, ref: kube.merge(ref, {}),
    "delete": lambda kube, ref: kube.delete([ref]),
    "delete_one": lambda kube, ref: kube._delete_one(ref, "Background"),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
@pytest.mark.parametrize(
    "ref", [Ref("v1", "ConfigMap", "", "ns"), Ref("v1", "ConfigMap", "a", ""), Ref("v1", "Node", "")], ids=str
)
def test_nothing_is_asked_about_a_whole_kind(act: Act, ref: Ref) -> None:
    client = RecordingClient()
    with pytest.raises(InvalidInput, match="is empty"):
        act(Kube(t.cast(Client, client)), ref)
    assert client.calls == []


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        (Ref("v1", "ConfigMap", "a", "ns"), "/api/v1/namespaces/ns/configmaps/a"),
        (Ref("v1", "Node", "a"), "/api/v1/nodes/a"),
        (Ref("v1", "Node", "a", ""), "/api/v1/nodes/a"),
    ],
)
def test_one_object_is_asked_for_by_its_name(ref: Ref, path: str) -> None:
    client = RecordingClient()
    Kube(t.cast(Client, client)).get(*ref)
    assert client.calls == [("GET", path)]


def test_a_list_may_be_of_all_namespaces() -> None:
    client = RecordingClient()
    Kube(t.cast(Client, client)).list("v1", "ConfigMap")
    assert client.calls == [("GET", "/api/v1/configmaps")]


NAMES = pytest.mark.parametrize(("name", "namespace"), [("", "ns"), ("cp", ""), ("cp,other", "ns"), ("cp", "a/b")])


@NAMES
def test_no_control_plane_goes_by_a_name_that_none_has(name: str, namespace: str) -> None:
    client = RecordingClient()
    options = ControlPlaneOptions(name=name, namespace=namespace)
    with pytest.raises(InvalidInput, match="is not a valid name"):
        remove(Kube(t.cast(Client, client)), options, {"wait": True, "wait_timeout": 1}, print)
    assert client.calls == []


@NAMES
def test_no_secret_goes_by_a_name_that_none_has(name: str, namespace: str) -> None:
    class Module:
        params: t.ClassVar = {"name": name, "namespace": namespace, "state": "absent", "wait_timeout": 1}

    client = RecordingClient()
    with pytest.raises(InvalidInput, match="is not a valid name"):
        ensure(t.cast(t.Any, Module()), Kube(t.cast(Client, client)))
    assert client.calls == []
