# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module datasource_secret on a real cluster: three sources, prediction, refusals before anything is made."""

from __future__ import annotations

import base64
import typing as t

import pytest

from tests.integration.modules.runner import Modules, create, create_secret, get, kubectl, warnings

KEY = "K0SMOTRON_KINE_DATASOURCE_URL"
PASSWORD = "hunter2-of-the-tests"
HOSTILE = "hunter2/of@the|tests&%"
URL = f"postgres://kine:{PASSWORD}@database.example:5432/kine?sslmode=require"
PARAMS = "connect_timeout=2&target_session_attrs=read-write&sslmode=require"
CREDENTIALS = "k0smotron.main.credentials.postgresql.acid.zalan.do"


class Target:
    """The Secret under test and the module that writes it."""

    def __init__(self, modules: Modules, namespace: str) -> None:
        self.modules, self.namespace = modules, namespace

    def ok(self, *, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """Run the module."""
        return self.modules.ok("datasource_secret", check=check, name="target", namespace=self.namespace, **options)

    def refused(self, **options: t.Any) -> str:
        """Run the module; the sentence with which it fails. Nothing may have been made."""
        says = self.modules.refused("datasource_secret", name="target", namespace=self.namespace, **options)
        assert self.texts() == {}
        return says

    def texts(self) -> dict[str, str]:
        """What is in the Secret."""
        live = get("secret", "target", self.namespace) or {}
        return {key: base64.b64decode(value).decode() for key, value in live.get("data", {}).items()}


@pytest.fixture
def target(modules: Modules, namespace: str) -> Target:
    """Give a Secret that does not exist yet."""
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    modules.secrets += [PASSWORD, HOSTILE, encoded, base64.b64encode(URL.encode()).decode()]
    return Target(modules, namespace)


def datastore(target: Target, **more: t.Any) -> dict[str, t.Any]:
    return {"name": "main", "namespace": target.namespace, "database": "kine", **more}


def declare(target: Target, **spec: t.Any) -> None:
    """Declare a database cluster; whether an operator makes it does not matter here."""
    metadata = {"name": "main", "namespace": target.namespace}
    wanted = {
        "teamId": "main",
        "numberOfInstances": 1,
        "postgresql": {"version": "15"},
        "volume": {"size": "1Gi"},
        "databases": {"kine": "k0smotron"},
        **spec,
    }
    create({"apiVersion": "acid.zalan.do/v1", "kind": "postgresql", "metadata": metadata, "spec": wanted})


def test_a_url(target: Target) -> None:
    predicted = target.ok(check=True, url=URL)
    assert target.texts() == {}
    done = target.ok(url=URL)
    assert (predicted["changed"], predicted["diff"], predicted["checksum"]) == (True, done["diff"], done["checksum"])
    assert done["dsn"] == URL.replace(PASSWORD, "***")
    texts = target.texts()
    assert texts.pop(KEY) == URL
    assert sorted(texts) == [
        "KINE_KINE_DATASTORE_CONNECTION_MAX_LIFETIME",
        "KINE_KINE_DATASTORE_MAX_IDLE_CONNECTIONS",
        "KINE_KINE_DATASTORE_MAX_OPEN_CONNECTIONS",
    ]
    again = target.ok(url=URL)
    assert (again["changed"], again["checksum"]) == (False, done["checksum"])


def test_parts_are_encoded(target: Target) -> None:
    parts = {"user": "kine", "password": HOSTILE, "host": "database.example", "database": "kine"}
    done = target.ok(connection=parts)
    assert (
        target.texts()[KEY] == f"postgres://kine:hunter2%2Fof%40the%7Ctests%26%25@database.example:5432/kine?{PARAMS}"
    )
    assert done["dsn"] == f"postgres://kine:***@database.example:5432/kine?{PARAMS}"


def test_the_checksum_follows_the_content(target: Target) -> None:
    first = target.ok(url=URL)["checksum"]
    assert target.ok(url=URL, pool={"max_open": 5})["checksum"] != first
    assert target.ok(url=URL)["checksum"] == first


def test_drift_is_corrected_and_shown_without_values(target: Target) -> None:
    target.ok(url=URL)
    create_secret("target", target.namespace, {KEY: URL.replace("kine?", "other?")})
    done = target.ok(url=URL)
    assert done["changed"]
    (difference,) = done["diff"]
    assert difference["before"]["data"][KEY] != difference["after"]["data"][KEY]
    assert target.texts()[KEY] == URL


def test_a_datastore(target: Target) -> None:
    declare(target)
    create_secret(CREDENTIALS, target.namespace, {"username": "k0smotron", "password": PASSWORD})
    done = target.ok(datastore=datastore(target))
    host = f"main.{target.namespace}"
    assert done["dsn"].startswith(f"postgres://k0smotron:***@{host}")
    assert done["dsn"].endswith(f":5432/kine?{PARAMS}")
    assert target.texts()[KEY] == done["dsn"].replace("***", PASSWORD)
    assert not target.ok(datastore=datastore(target, owner="k0smotron"))["changed"]


def test_a_datastore_that_comes_with_the_run(target: Target) -> None:
    predicted = target.ok(check=True, datastore=datastore(target, name="later", owner="k0smotron"))
    assert predicted["changed"]
    assert predicted["checksum"] is None
    assert "not made yet" in predicted["msg"]
    assert "later" in predicted["dsn"]
    assert target.ok(check=True, datastore=datastore(target, name="later"))["changed"], "not even the owner is known"
    says = target.refused(datastore=datastore(target, name="later"))
    assert f"no zalando datastore {target.namespace}/later" in says


def test_credentials_that_are_not_made_in_time(target: Target) -> None:
    declare(target, databases={"kine": "nobody_yet"})
    says = target.refused(datastore=datastore(target, owner="somebody"), wait_timeout=1)
    assert "somebody.main.credentials.postgresql.acid.zalan.do" in says
    assert "Not up after 1 s" in says
    assert "does not exist" in target.refused(datastore=datastore(target, owner="somebody"), wait=False)


def test_a_database_that_the_datastore_does_not_have(target: Target) -> None:
    declare(target)
    assert "has no database other" in target.refused(datastore=datastore(target, database="other"))


def test_plaintext_is_refused_where_the_database_refuses_it(target: Target) -> None:
    declare(target)
    create_secret(CREDENTIALS, target.namespace, {"username": "k0smotron", "password": PASSWORD})
    assert "sslmode=disable" in target.refused(datastore=datastore(target), tls="disable")
    literal = f"postgres://k0smotron:{PASSWORD}@main.{target.namespace}.svc:5432/kine?sslmode=disable"
    assert "refuses plaintext" in target.refused(url=literal)
    declare(target, env=[{"name": "ALLOW_NOSSL", "value": "true"}])
    assert "in the clear" in warnings(target.ok(url=literal))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "any of the following"),
        ({"url": URL, "datastore": {"name": "a", "database": "b"}}, "mutually exclusive"),
        ({"url": URL.replace("hunter2", "hunter|2")}, "literal |"),
        ({"url": URL.replace("hunter2", "hunter@2")}, "percent-encode"),
        ({"url": "sqlite:///x"}, "not supported"),
        ({"url": URL, "tls": "require"}, "no effect"),
        ({"url": URL, "control_planes": 99}, "budget"),
        ({"url": URL, "k0s_version": "v1.20.0+k0s.0"}, "v1.20.0"),
        ({"datastore": {"name": "main", "database": "kine", "provider": "oracle"}}, "provider 'oracle' is unknown"),
        ({"datastore": {"name": "Main", "database": "kine", "owner": "k0smotron"}}, "'Main' is not a valid name"),
    ],
)
def test_refused_before_anything_is_made(target: Target, options: dict[str, t.Any], says: str) -> None:
    assert says in target.refused(**options)


def test_a_namespace_that_is_not_there(target: Target, modules: Modules) -> None:
    missing: dict[str, t.Any] = {"name": "target", "namespace": "no-such-namespace", "url": URL}
    assert modules.ok("datasource_secret", check=True, **missing)["changed"]
    assert 'Namespace "no-such-namespace" does not exist' in modules.refused("datasource_secret", **missing)


def test_absent(target: Target) -> None:
    assert not target.ok(state="absent")["changed"]
    target.ok(url=URL)
    assert target.ok(check=True, state="absent")["changed"]
    assert target.texts()
    kubectl("label", "secret", "target", "-n", target.namespace, "app.kubernetes.io/managed-by-")
    kept = target.ok(state="absent")
    assert not kept["changed"]
    assert "stays: it has not the label" in warnings(kept)
    target.ok(url=URL)
    assert target.ok(state="absent")["changed"]
    assert not kubectl("get", "secret", "target", "-n", target.namespace, "--ignore-not-found")
