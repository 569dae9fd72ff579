# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences for what a real API server refuses."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import kube_client
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, InvalidInput, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref

if t.TYPE_CHECKING:
    from pathlib import Path

Object: t.TypeAlias = dict[str, t.Any]
Maker: t.TypeAlias = t.Callable[..., Object]


@pytest.fixture(scope="module")
def nobody(connect: t.Callable[..., Kube]) -> Kube:
    """Give the cluster as a user without any right."""
    return connect(impersonate_user="nobody-special")


def test_a_missing_permission(nobody: Kube, namespace: str, config_map: Maker) -> None:
    with pytest.raises(Forbidden) as caught:
        nobody.get("v1", "Secret", "s", namespace)
    for part in ('"get"', '"secrets"', namespace, '"nobody-special"'):
        assert part in str(caught.value)
    with pytest.raises(Forbidden, match=r'the verb "list" on resource "deployments" of API group "apps" cluster-wide'):
        nobody.list("apps/v1", "Deployment")
    with pytest.raises(Forbidden):
        nobody.delete([Ref.of(config_map())])


def test_values_that_the_server_refuses(kube: Kube, config_map: Maker) -> None:
    wrong = config_map()
    wrong["metadata"]["labels"] = {"a": "not a label!"}
    with pytest.raises(InvalidInput, match=r"metadata\.labels"):
        kube.apply([wrong])


def test_fields_that_the_server_does_not_know(kube: Kube, config_map: Maker) -> None:
    with pytest.raises(InvalidInput, match=r"\.dataa: field not declared in schema"):
        kube.apply([{**config_map(), "dataa": {}}])


def test_a_field_that_is_fixed_at_creation(kube: Kube, config_map: Maker) -> None:
    kube.apply([{**config_map(a="1"), "immutable": True}])
    with pytest.raises(InvalidInput, match="fixed at creation"):
        kube.apply([{**config_map(a="2"), "immutable": True}])


@pytest.fixture
def deaf_webhook(kube: Kube, namespace: str) -> t.Iterator[str]:
    """Give the name of a webhook that judges this namespace's ConfigMaps and that nobody serves."""
    name = f"{namespace}.example.com"
    webhook = {
        "name": name,
        "clientConfig": {"service": {"name": "nobody", "namespace": namespace}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    configuration = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [webhook],
    }
    kube.apply([configuration])
    yield name
    kube.delete([Ref.of(configuration)])


def test_a_webhook_that_does_not_answer(kube: Kube, deaf_webhook: str, config_map: Maker) -> None:
    def refused() -> None:
        # The API server takes a moment until it calls a new webhook.
        for attempt in range(100):
            kube.patch(config_map(a=str(attempt)))

    with pytest.raises(Unreachable, match=f'webhook "{deaf_webhook}".*does not answer'):
        refused()


def test_a_server_that_is_not_there() -> None:
    kubeconfig = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {}}],
    }
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1 cannot be reached: .*refused"):
        kube_client.connect({"kubeconfig": kubeconfig})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No configuration found"),
        ("{{{", "cannot be used"),
        ("- a list", "cannot be used"),
        ("apiVersion: v1", "current-context"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidInput, match=says) as caught:
        kube_client.connect({"kubeconfig": str(path)})
    assert str(path) in str(caught.value)


def test_a_context_that_is_not_there(kubeconfig: str) -> None:
    with pytest.raises(InvalidInput, match="no-such-context"):
        kube_client.connect({"kubeconfig": kubeconfig, "context": "no-such-context"})
