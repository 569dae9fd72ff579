# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module cluster_info on control planes that cannot run: each has a record that says why."""

from __future__ import annotations

import typing as t

import pytest

from tests.integration.modules.runner import Modules, create, create_secret, kubectl

KEY = "K0SMOTRON_KINE_DATASOURCE_URL"
PASSWORD = "hunter2-of-the-tests"


@pytest.fixture
def clusters(modules: Modules, namespace: str) -> t.Iterator[str]:
    """A namespace where a control plane on a known database, a broken one and one on etcd are declared."""
    modules.secrets.append(PASSWORD)
    # A database that never comes up, because nobody provides its volumes.
    modules.ok("datastore", name="acid-info", namespace=namespace, storage_class="nobodys", wait=False)
    url = f"postgres://kine:{PASSWORD}@acid-info.{namespace}.svc:5432/kine?sslmode=require"
    for name in ("known", "broken"):
        create_secret(name, namespace, {KEY: url if name == "known" else url.replace("/kine?", "/broken?")})
        modules.ok("cluster", name=name, namespace=namespace, data_source_secret=name, wait=False)
    kubectl("delete", "secret", "broken", "-n", namespace)
    metadata = {"name": "other", "namespace": namespace}
    create({"apiVersion": "k0smotron.io/v1beta1", "kind": "Cluster", "metadata": metadata, "spec": {"replicas": 1}})
    yield namespace
    kubectl("delete", "clusters.k0smotron.io,postgresqls.acid.zalan.do", "--all", "-n", namespace, "--wait=false")


def test_every_control_plane_has_a_record(modules: Modules, clusters: str) -> None:
    result = modules.ok("cluster_info", namespace=clusters)
    assert not result["changed"]
    broken, known, other = result["control_planes"]
    assert [record["name"] for record in (broken, known, other)] == ["broken", "known", "other"]
    assert not any(record["up"] for record in result["control_planes"])
    assert all(record["reason"] for record in result["control_planes"])
    assert known["replicas"]["wanted"] == 3
    assert known["kubeconfig_secret"] == "known-kubeconfig"


def test_the_data_source_is_shown_without_its_password(modules: Modules, clusters: str) -> None:
    [record] = modules.ok("cluster_info", name="known", namespace=clusters)["control_planes"]
    assert record["data_source"] == {
        "kind": "secret",
        "secret": "known",
        "dsn": f"postgres://kine:***@acid-info.{clusters}.svc:5432/kine?sslmode=require",
        "host": f"acid-info.{clusters}.svc:5432",
        "database": "kine",
        "tls": "require",
        "problem": None,
    }
    database = record["datastore"]
    assert (database["provider"], database["name"], database["namespace"]) == ("zalando", "acid-info", clusters)
    assert not database["up"]
    assert record["provider"] == "zalando"


def test_a_missing_secret_is_a_problem_not_a_failure(modules: Modules, clusters: str) -> None:
    [record] = modules.ok("cluster_info", name="broken", namespace=clusters)["control_planes"]
    assert "no Secret" in record["data_source"]["problem"]
    assert record["datastore"] is None
    assert record["provider"] is None


def test_a_control_plane_on_etcd_is_no_mystery(modules: Modules, clusters: str) -> None:
    [record] = modules.ok("cluster_info", name="other", namespace=clusters)["control_planes"]
    assert record["data_source"]["kind"] == "etcd"
    assert record["datastore"] is None


def test_nothing_there_is_an_empty_list(modules: Modules, namespace: str) -> None:
    assert modules.ok("cluster_info", namespace=namespace)["control_planes"] == []
    assert modules.ok("cluster_info", name="nobody", namespace=namespace)["control_planes"] == []
