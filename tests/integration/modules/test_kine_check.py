# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module kine_check on a database that only the cluster reaches: one instance of the Postgres operator's."""

from __future__ import annotations

import base64
import datetime
import secrets
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.webhook_certificate import issue
from tests.integration.modules.runner import Modules, create, create_secret, get, kubectl

KEY = "K0SMOTRON_KINE_DATASOURCE_URL"
NAME = "acid-check"


@pytest.fixture(scope="module")
def source(shared_namespace: str) -> t.Iterator[dict[str, str]]:
    """Give the Secret of a control plane, with a database that is up behind it."""
    modules, namespace = Modules(), shared_namespace
    databases = [{"name": "kine", "owner": "k0smotron"}]
    options: dict[str, t.Any] = {
        "name": NAME,
        "namespace": namespace,
        "instances": 1,
        "synchronous": "off",
        "volume_size": "1Gi",
    }
    modules.ok("datastore", **options, databases=databases, wait=True, wait_timeout=600)
    datastore = {"name": NAME, "namespace": namespace, "database": "kine", "owner": "k0smotron"}
    modules.ok("datasource_secret", name="source", namespace=namespace, datastore=datastore)
    yield {"name": "source", "namespace": namespace}
    kubectl("delete", "postgresqls.acid.zalan.do", NAME, "-n", namespace, "--wait=false")


@pytest.fixture
def dsn(source: dict[str, str], modules: Modules) -> str:
    """Give the DSN; no result may show its password from then on."""
    secret = get("secret", source["name"], source["namespace"])
    assert secret
    text = base64.b64decode(secret["data"][KEY]).decode()
    modules.secrets.append(text.split(":")[2].split("@")[0])
    return text


def status(result: dict[str, t.Any]) -> dict[str, str]:
    return {check["id"]: check["status"] for check in result["checks"]}


@pytest.mark.parametrize("reach", ["auto", "port_forward"])
@pytest.mark.parametrize("check", [False, True])
def test_through_the_api_server(modules: Modules, source: dict[str, str], dsn: str, reach: str, check: bool) -> None:
    result = modules.ok("kine_check", check=check, secret=source, reach=reach, samples=10)
    assert result["changed"] is False
    found = status(result)
    # One instance has no standby; how fast a lab under load is says nothing about the module.
    assert found.pop("replication") == "warn"
    assert found.pop("latency") in ("ok", "warn")
    assert set(found.values()) == {"ok"}, result["msg"]
    assert result["tls"]["verified"] == "authority and name"
    assert result["server"]["product"] == "PostgreSQL"


def test_limit_of_the_pool_comes_from_the_secret(modules: Modules, source: dict[str, str], dsn: str) -> None:
    result = modules.ok("kine_check", secret=source, fail_on="never", control_planes=9, samples=1)
    assert status(result)["connections"] == "fail"
    assert "no limit set" not in result["msg"]


def test_the_guides_dsn_gets_a_warning(modules: Modules, source: dict[str, str], dsn: str) -> None:
    url = dsn.partition("?")[0] + "?sslmode=disable"
    result = modules.ok("kine_check", url=url, reach="port_forward", fail_on="never", samples=1)
    found = status(result)
    assert (found["dsn"], found["tls"]) == ("warn", "warn")
    # The operator's access rules refuse it only from other addresses than the pod's own.
    assert "only those for loopback were tried" in result["msg"]
    assert "sslmode=require" in result["msg"]


def test_wrong_password(modules: Modules, source: dict[str, str], dsn: str) -> None:
    wrong = f"wrong-{secrets.token_hex(8)}"
    modules.secrets.append(wrong)
    url = dsn.partition("?")[0].replace(modules.secrets[0], wrong) + "?sslmode=require"
    create_secret("wrong", source["namespace"], {KEY: url})
    result = modules.run("kine_check", secret={"name": "wrong", "namespace": source["namespace"]})
    assert result["failed"]
    assert "wrong password" in result["msg"]
    assert "through a port-forward to pod" in result["msg"]


def test_server_of_another_authority(modules: Modules, source: dict[str, str], dsn: str) -> None:
    create_secret("impostor", source["namespace"], {KEY: dsn})
    options: dict[str, t.Any] = {"secret": {"name": "impostor", "namespace": source["namespace"]}, "fail_on": "never"}
    assert "no ConfigMap" in modules.refused("kine_check", **options)
    another = issue([NAME], datetime.datetime.now(datetime.UTC)).ca
    metadata = {"name": "impostor-ca", "namespace": source["namespace"]}
    create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": another}})
    result = modules.ok("kine_check", **options)
    assert status(result)["connect"] == "fail"
    assert "certificate verify failed" in result["msg"]


def test_direct_says_that_the_name_is_unknown_here(modules: Modules, source: dict[str, str], dsn: str) -> None:
    result = modules.run("kine_check", secret=source, reach="direct")
    assert result["failed"]
    assert "cannot be resolved here" in result["msg"]
    assert "port_forward" in result["msg"]


def test_secret_that_does_not_exist_yet(modules: Modules, shared_namespace: str) -> None:
    secret = {"name": "later", "namespace": shared_namespace}
    predicted = modules.ok("kine_check", check=True, secret=secret)
    assert predicted["checks"] == []
    assert "does not exist yet" in predicted["msg"]
    says = modules.refused("kine_check", secret=secret)
    assert f"no Secret later in namespace {shared_namespace}" in says


def test_secret_of_something_else(modules: Modules, shared_namespace: str) -> None:
    create_secret("other", shared_namespace, {"url": "postgres://kine:x@db.example:5432/kine"})
    says = modules.refused("kine_check", secret={"name": "other", "namespace": shared_namespace})
    assert f"has no key {KEY}" in says
