# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has a node port already."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.node_ports import refuse_clash
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

ME = ("team-a", "one")


def cluster(name: str, **service: t.Any) -> dict[str, t.Any]:
    return {"metadata": {"name": name, "namespace": "team-a"}, "spec": {"service": service}}


def service(port: int, owner: str | None = None, namespace: str = "team-a") -> dict[str, t.Any]:
    owners = [{"kind": "Cluster", "name": owner}] if owner else []
    metadata = {"name": "svc", "namespace": namespace, "ownerReferences": owners}
    return {"metadata": metadata, "spec": {"ports": [{"port": 1, "nodePort": port}, {"port": 2}]}}


@pytest.mark.parametrize(
    ("clusters", "services"),
    [
        pytest.param([], [], id="nobody"),
        pytest.param([cluster("one", type="NodePort")], [service(30443, owner="one")], id="only myself"),
        pytest.param([cluster("two", type="ClusterIP")], [], id="no node port"),
        pytest.param([cluster("two", type="NodePort", apiPort=31000, konnectivityPort=31001)], [], id="other ports"),
    ],
)
def test_free(clusters: list[dict[str, t.Any]], services: list[dict[str, t.Any]]) -> None:
    refuse_clash(ME, (30443, 30132), clusters, services)


@pytest.mark.parametrize(
    ("clusters", "services", "owner"),
    [
        pytest.param([cluster("two", type="NodePort")], [], "control plane team-a/two", id="both by default"),
        pytest.param(
            [cluster("two", type="NodePort", apiPort=31000, konnectivityPort=30443)], [], "30443", id="crosswise"
        ),
        pytest.param([], [service(30132)], r"30132 \(konnectivity_port\).*Service team-a/svc", id="a plain Service"),
        pytest.param([], [service(30443, "one", "team-b")], "Service team-b/svc", id="my namesake's Service"),
    ],
)
def test_taken(clusters: list[dict[str, t.Any]], services: list[dict[str, t.Any]], owner: str) -> None:
    with pytest.raises(InvalidInput, match=owner):
        refuse_clash(ME, (30443, 30132), clusters, services)


def test_the_remedy_names_free_ports() -> None:
    with pytest.raises(InvalidInput, match="api_port: 30444 and konnectivity_port: 30133"):
        refuse_clash(ME, (30443, 30132), [cluster("two", type="NodePort")], [])
