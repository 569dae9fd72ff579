# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module datastore with CloudNativePG: what it predicts, declares, refuses, and what a removal keeps."""

from __future__ import annotations

import base64
import dataclasses
import json
import typing as t

import pytest

from tests.integration.modules.runner import Modules, create_secret, get, kubectl, names

CLUSTER = "clusters.postgresql.cnpg.io"
DATABASE = "databases.postgresql.cnpg.io"
NAME = "cnpg-modules"
SECRET = f"k0smotron.{NAME}.credentials"
KINE = {"name": "kine", "owner": "k0smotron"}
LEFT_ALONE = "cnpg.io/reconciliationLoop"


@dataclasses.dataclass
class Database:
    """The module with the parameters that every test shares."""

    modules: Modules
    namespace: str
    image: str

    def params(self, **more: t.Any) -> dict[str, t.Any]:
        common = {"provider": "cloudnativepg", "name": NAME, "namespace": self.namespace, "image": self.image}
        return {**common, "volume_size": "1Gi", "databases": [KINE], "wait": False, **more}

    def ok(self, *, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
        return self.modules.ok("datastore", check=check, **self.params(**more))

    def refused(self, **more: t.Any) -> str:
        return self.modules.refused("datastore", **self.params(**more))

    def live(self) -> dict[str, t.Any] | None:
        return get(CLUSTER, NAME, self.namespace)

    def password(self) -> str:
        secret = get("secret", SECRET, self.namespace)
        assert secret
        return base64.b64decode(secret["data"]["password"]).decode()

    def released_claim(self) -> None:
        """A volume claim as a removal leaves it: set up for an instance, and without an owner."""
        labels, annotations = {"cnpg.io/cluster": NAME}, {"cnpg.io/pvcStatus": "ready"}
        metadata = {"name": f"{NAME}-9", "namespace": self.namespace, "labels": labels, "annotations": annotations}
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
        kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(claim))

    def primary(self) -> str:
        [pod] = names("pods", self.namespace, f"cnpg.io/cluster={NAME},cnpg.io/instanceRole=primary")
        return pod

    def psql(self, statement: str) -> str:
        """Ask the primary, as the superuser."""
        command = ["psql", "-d", "kine", "-v", "ON_ERROR_STOP=1", "-Atc", statement]
        return kubectl("exec", "-n", self.namespace, self.primary(), "-c", "postgres", "--", *command).strip()


@pytest.fixture
def database(modules: Modules, cloudnativepg_image: str, namespace: str) -> t.Iterator[Database]:
    """A database cluster that does not exist yet."""
    yield Database(modules, namespace, cloudnativepg_image)
    kubectl("delete", CLUSTER, "--all", "-n", namespace, "--wait=false")


def test_check_mode_predicts_what_then_happens(database: Database) -> None:
    predicted = database.ok(check=True)
    assert database.live() is None
    assert names("secrets", database.namespace) == []
    real = database.ok()
    assert predicted["diff"] == real["diff"]
    assert real["endpoint"] == {"host": f"{NAME}-rw.{database.namespace}", "port": 5432}
    assert real["databases"] == [{**KINE, "secret": SECRET}]
    assert names(DATABASE, database.namespace) == [f"{NAME}.kine"]


def test_the_second_run_changes_nothing(database: Database) -> None:
    database.ok()
    before, password = database.live(), database.password()
    database.modules.secrets.append(password)
    assert not database.ok(check=True)["changed"]
    assert not database.ok()["changed"]
    after = database.live()
    assert before
    assert after
    assert after["spec"] == before["spec"]
    assert database.password() == password


def test_a_password_that_somebody_chose_is_kept(database: Database) -> None:
    database.modules.secrets.append("hunter2")
    secret = {"type": "kubernetes.io/basic-auth", "stringData": {"username": "k0smotron", "password": "hunter2"}}
    metadata = {"name": SECRET, "namespace": database.namespace}
    text = json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **secret})
    kubectl("apply", "--server-side", "-f", "-", stdin=text)
    database.ok()
    assert database.password() == "hunter2"


def test_another_operators_database_of_this_name_is_refused(database: Database) -> None:
    database.ok()
    sentence = database.refused(provider="mariadb", image=None)
    assert f"has a Cluster {NAME} of another operator (cloudnativepg)" in sentence


def test_what_the_operator_refuses_creates_nothing(database: Database) -> None:
    assert "Can't set fixed configuration parameter" in database.refused(parameters={"ssl": "off"})
    assert database.live() is None
    assert names("secrets", database.namespace) == []
    assert names(DATABASE, database.namespace) == []


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"name": "x" * 51}, "longer than 50"),
        ({"image": "mirror.example/postgresql:latest"}, "cannot tell the version"),
        ({"version": "16"}, "version is 16, but the tag"),
        ({"databases": [{"name": "app", "owner": "k0smotron"}]}, "belongs to the operator"),
        ({"databases": [{"name": "kine", "owner": "streaming_replica"}]}, "reserved"),
        ({"tls_secret": "not-there"}, "not-there, which has no ca.crt"),
    ],
)
def test_bad_input_creates_nothing(database: Database, params: dict[str, t.Any], sentence: str) -> None:
    assert sentence in database.refused(**params)
    assert names(CLUSTER, database.namespace) == []
    assert names("secrets", database.namespace) == []


def test_a_data_source_finds_its_owner_and_knows_that_plaintext_is_refused(database: Database) -> None:
    database.ok(databases=[KINE, {"name": "other", "owner": "other"}])
    database.modules.secrets.append(database.password())
    source = {"provider": "cloudnativepg", "name": NAME, "database": "kine"}
    common: dict[str, t.Any] = {"name": "source", "namespace": database.namespace}
    result = database.modules.ok("datasource_secret", **common, datastore=source)
    assert result["dsn"].startswith(f"postgres://k0smotron:***@{NAME}-rw.{database.namespace}:5432/kine?")
    assert "sslmode=verify-full" in result["dsn"]
    refused = database.modules.refused("datasource_secret", **common, datastore=source, tls="disable")
    assert "refuses plaintext" in refused


def test_a_removal_that_was_interrupted_has_to_be_finished(database: Database) -> None:
    database.ok()
    kubectl("annotate", CLUSTER, NAME, "-n", database.namespace, f"{LEFT_ALONE}=disabled")
    assert f"kubectl annotate {CLUSTER} {NAME} -n {database.namespace} {LEFT_ALONE}-" in database.refused()
    database.released_claim()
    assert "run state: absent again" in database.refused()
    assert database.ok(state="absent", wait=True, wait_timeout=120)["changed"]
    assert database.live() is None
    assert not database.ok(state="absent", wait=True, wait_timeout=60)["changed"]


@pytest.mark.matrix
def test_kept_data_is_the_newest_and_comes_back(database: Database) -> None:
    """The primary's label on the claims is the operator's and late; what counts is who was the primary."""
    database.ok(wait=True, wait_timeout=400)
    first, password = database.primary(), database.password()
    database.modules.secrets.append(password)
    database.psql("create table kept (word text)")
    kubectl("delete", "pod", first, "-n", database.namespace, "--grace-period=0", "--force")
    database.ok(wait=True, wait_timeout=400)
    second = database.primary()
    assert second != first
    database.psql("insert into kept values ('after the failover')")
    claims = sorted(f"PersistentVolumeClaim {database.namespace}/{pod}" for pod in (first, second))

    predicted = database.ok(state="absent", check=True)
    removed = database.ok(state="absent", wait=True, wait_timeout=200)
    assert removed["left"] == predicted["left"]
    assert [item for item in removed["left"] if item.startswith("Persistent")] == claims
    assert f"Secret {database.namespace}/{SECRET}" in removed["left"]
    assert names("pods", database.namespace) == []
    # Only the operator can have made these, and nobody needs them any more.
    assert not [name for name in names("secrets", database.namespace) if name.endswith(("-app", "-replication"))]

    database.ok(wait=True, wait_timeout=400)
    assert database.primary() == second
    assert database.psql("select word from kept") == "after the failover"
    assert database.password() == password

    database.ok(state="absent", data="delete", wait=True, wait_timeout=200)
    assert names("pvc", database.namespace) == []
    assert names("secrets", database.namespace) == []


def test_a_certificate_of_somebody_else_has_to_be_complete(database: Database) -> None:
    create_secret("theirs", database.namespace, {"tls.crt": "x", "tls.key": "x"})
    assert "theirs, which has no ca.crt" in database.refused(tls_secret="theirs")


@pytest.mark.matrix
def test_both_instances_on_one_node_are_refused(database: Database) -> None:
    """By durability_check, which asks the primary in its own pod."""
    node = json.loads(kubectl("get", "nodes", "-o", "json"))["items"][-1]["metadata"]["labels"][
        "kubernetes.io/hostname"
    ]
    affinity = {"enablePodAntiAffinity": False, "nodeSelector": {"kubernetes.io/hostname": node}}
    database.ok(instances=2, spec={"affinity": affinity}, wait=True, wait_timeout=400)
    datastore = {"provider": "cloudnativepg", "name": NAME, "namespace": database.namespace, "database": "kine"}
    result = database.modules.run("durability_check", datastore=datastore)
    assert result["failed"]
    assert {risk["id"]: risk["severity"] for risk in result["risks"]} == {"one_node": "refuse", "not_strict": "warn"}
    assert f"are on {node}" in result["msg"]
