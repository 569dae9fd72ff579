# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real cluster ($KUBECONFIG) and a namespace for each test."""

from __future__ import annotations

import os
import secrets
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import kube_client
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref

NEEDS = "These tests run against a real cluster: start the lab (make lab) and set KUBECONFIG, or run make test."


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    """Give the path of the cluster's kubeconfig."""
    path = os.environ.get("KUBECONFIG")
    if not path:
        pytest.fail(NEEDS)
    return path


@pytest.fixture(scope="session")
def connect(kubeconfig: str) -> t.Callable[..., Kube]:
    """Give a function that connects as the modules do, with further options of theirs."""

    def connected(*, check_mode: bool = False, **options: t.Any) -> Kube:
        return Kube(kube_client.connect({"kubeconfig": kubeconfig, **options}), check_mode=check_mode)

    return connected


@pytest.fixture(scope="session")
def kube(connect: t.Callable[..., Kube]) -> Kube:
    """Give the cluster."""
    return connect()


@pytest.fixture(scope="session")
def check(connect: t.Callable[..., Kube]) -> Kube:
    """Give the cluster in check mode."""
    return connect(check_mode=True)


@pytest.fixture
def namespace(kube: Kube) -> t.Iterator[str]:
    """Give a fresh namespace, and delete it afterwards without waiting."""
    name = f"kube-{secrets.token_hex(3)}"
    kube.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}])
    yield name
    kube.delete([Ref("v1", "Namespace", name)])


@pytest.fixture
def config_map(namespace: str) -> t.Callable[..., dict[str, t.Any]]:
    """Give a function that makes ConfigMap objects in the test's namespace."""

    def made(name: str = "c", **data: str) -> dict[str, t.Any]:
        metadata = {"name": name, "namespace": namespace}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}

    return made
