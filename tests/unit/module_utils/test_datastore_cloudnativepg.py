# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Cluster, its Databases and Secrets: safe by default, and nothing that the operator would refuse or half obey."""

from __future__ import annotations

import copy
import dataclasses
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    Datastore,
    DatastoreOptions,
    cloudnativepg_claims,
    datastore,
    provider_of,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Host
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

Spec = dict[str, t.Any]


def store(**changes: t.Any) -> Datastore:
    options = DatastoreOptions(
        name="control-planes", namespace="databases", databases=[DatabaseSpec("kine", "k0smotron")]
    )
    return datastore("cloudnativepg", dataclasses.replace(options, **changes))


def spec(**changes: t.Any) -> Spec:
    return t.cast("Spec", store(**changes).desired()[0]["spec"])


def test_the_defaults_are_highly_available_and_safe() -> None:
    declared = store()
    declared.validate()
    cluster, database = declared.desired()
    assert cluster["metadata"] == {"name": "control-planes", "namespace": "databases"}
    assert cluster["spec"] == {
        "instances": 2,
        "imageName": "ghcr.io/cloudnative-pg/postgresql:15-minimal-trixie",
        "storage": {"size": "10Gi"},
        "bootstrap": {"initdb": {"dataChecksums": True, "encoding": "UTF8", "localeCollate": "C", "localeCType": "C"}},
        "postgresql": {
            "synchronous": {"method": "any", "number": 1, "dataDurability": "preferred"},
            "parameters": {"wal_receiver_timeout": "3s"},
            "pg_hba": ["hostnossl all all all reject"],
        },
        "managed": {
            "roles": [
                {
                    "name": "k0smotron",
                    "ensure": "present",
                    "login": True,
                    "passwordSecret": {"name": "k0smotron.control-planes.credentials"},
                }
            ]
        },
        "certificates": {"serverTLSSecret": "control-planes-tls", "serverCASecret": "control-planes-tls"},
        "affinity": {"podAntiAffinityType": "required"},
        "probes": {
            "readiness": {"periodSeconds": 2, "timeoutSeconds": 2, "failureThreshold": 2},
            "liveness": {"periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3},
        },
        "smartShutdownTimeout": 1,
        "stopDelay": 30,
        "switchoverDelay": 15,
    }
    assert database == {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Database",
        "metadata": {
            "name": "control-planes.kine",
            "namespace": "databases",
            "labels": {"cnpg.io/cluster": "control-planes"},
        },
        "spec": {
            "name": "kine",
            "owner": "k0smotron",
            "cluster": {"name": "control-planes"},
            "databaseReclaimPolicy": "retain",
        },
    }


@pytest.mark.parametrize(
    ("changes", "path", "value"),
    [
        ({"synchronous": "off"}, "postgresql.synchronous", None),
        ({"instances": 1}, "postgresql.synchronous", None),
        ({"synchronous": "strict", "instances": 3}, "postgresql.synchronous.dataDurability", "required"),
        ({"synchronous": "strict", "instances": 3}, "postgresql.synchronous.failoverQuorum", True),
        ({"require_tls": False}, "postgresql.pg_hba", None),
        ({"storage_class": "fast"}, "storage", {"size": "10Gi", "storageClass": "fast"}),
        ({"version": 16}, "imageName", "ghcr.io/cloudnative-pg/postgresql:16-minimal-trixie"),
        ({"image": "mirror.example/pg:15.3"}, "imageName", "mirror.example/pg:15.3"),
        ({"parameters": {"max_connections": 200, "jit": False}}, "postgresql.parameters.jit", "off"),
        ({"parameters": {"max_connections": 200}}, "postgresql.parameters.max_connections", "200"),
        ({"parameters": {"wal_receiver_timeout": "5s"}}, "postgresql.parameters.wal_receiver_timeout", "5s"),
        ({"resources": {"limits": {"memory": "1Gi"}}}, "resources", {"limits": {"memory": "1Gi"}}),
        ({"spec": {"affinity": {"podAntiAffinityType": "preferred"}}}, "affinity.podAntiAffinityType", "preferred"),
        ({"spec": {"probes": {"liveness": None}}}, "probes.liveness", None),
        ({"spec": {"probes": {"liveness": None}}}, "probes.readiness.periodSeconds", 2),
    ],
)
def test_an_option_in_the_cluster(changes: Spec, path: str, value: object) -> None:
    found: t.Any = spec(**changes)
    for step in path.split("."):
        found = found.get(step)
    assert found == value


def test_the_flags_of_an_owner() -> None:
    (role,) = spec(owner_flags=["CREATEDB", "noinherit"])["managed"]["roles"]
    assert (role["createdb"], role["inherit"], role["login"]) == (True, False, True)


def test_several_databases_and_owners() -> None:
    databases = [DatabaseSpec("a", "one"), DatabaseSpec("b_b", "two_x"), DatabaseSpec("c", "one")]
    declared = store(databases=databases)
    declared.validate()
    cluster, *found = declared.desired()
    assert [role["name"] for role in cluster["spec"]["managed"]["roles"]] == ["one", "two_x"]
    assert [item["metadata"]["name"] for item in found] == [f"control-planes.{name}" for name in ("a", "b-b", "c")]
    assert [(item["spec"]["name"], item["spec"]["owner"]) for item in found] == [
        ("a", "one"),
        ("b_b", "two_x"),
        ("c", "one"),
    ]
    assert declared.credential_secret("two_x") == "two-x.control-planes.credentials"


def test_each_owner_has_a_secret_that_the_operator_is_given() -> None:
    one, other = store(databases=[DatabaseSpec("a", "one"), DatabaseSpec("b", "two_x")]).own_secrets()
    assert other["metadata"] == {
        "name": "two-x.control-planes.credentials",
        "namespace": "databases",
        "labels": {"cnpg.io/cluster": "control-planes", "cnpg.io/reload": "true"},
    }
    assert (one["type"], one["stringData"]) == ("kubernetes.io/basic-auth", {"username": "one"})


def test_labels_and_annotations() -> None:
    metadata = store(labels={"team": "a"}, annotations={"why": "kine"}).desired()[0]["metadata"]
    assert (metadata["labels"], metadata["annotations"]) == ({"team": "a"}, {"why": "kine"})


@pytest.mark.parametrize(
    ("tls_secret", "authority", "made_here"),
    [(None, "control-planes-tls", True), ("", "control-planes-ca", False), ("theirs", "theirs", False)],
)
def test_who_signs_for_the_servers(tls_secret: str | None, authority: str, made_here: bool) -> None:
    declared = store(tls_secret=tls_secret)
    declared.validate()
    assert declared.ca() == (authority, "ca.crt")
    assert (declared.certificate() is not None) is made_here
    wanted = {"serverTLSSecret": authority, "serverCASecret": authority}
    assert declared.desired()[0]["spec"].get("certificates") == (wanted if tls_secret != "" else None)


def test_the_certificate_is_for_every_service() -> None:
    wanted = store().certificate()
    assert wanted is not None
    assert {"control-planes-rw.databases", "control-planes-ro", "control-planes-r.databases.svc"} <= set(
        wanted.dns_names
    )
    assert wanted.labels == {"cnpg.io/cluster": "control-planes", "cnpg.io/reload": "true"}


def test_where_the_primary_answers() -> None:
    assert store().endpoint() == Host("control-planes-rw.databases", 5432)
    assert store().pod_selector() == "cnpg.io/cluster=control-planes"


@pytest.mark.parametrize("changes", [{}, {"parameters": {"a": {"b": 1}}}, {"spec": {"probes": {"startup": {"x": 1}}}}])
def test_the_options_stay_as_they_were(changes: Spec) -> None:
    declared = store(**copy.deepcopy(changes))
    declared.desired()[0]["spec"]["probes"]["liveness"]["periodSeconds"] = 99
    assert declared.options.spec == changes.get("spec", {})
    assert declared.desired()[0]["spec"]["probes"]["liveness"]["periodSeconds"] == 5


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"instances": 0}, "instances is 0"),
        ({"synchronous": "strict", "instances": 2}, "stops all writes"),
        ({"version": "9.6"}, "PostgreSQL 9.6 is not"),
        ({"volume_size": "10GB"}, "is not a quantity"),
        ({"name": "1pg"}, "begins with a digit"),
        ({"name": "x" * 51}, "longer than 50"),
        ({"namespace": "a.b"}, "The namespace"),
        ({"image": "mirror.example:5000/pg"}, "cannot tell the version"),
        ({"image": "pg:latest"}, "cannot tell the version"),
        ({"image": "pg@sha256:15"}, "cannot tell the version"),
        ({"image": "pg:16.1-mine@sha256:abc"}, "says 16"),
        ({"databases": [DatabaseSpec("Kine", "k0smotron")]}, "database name 'Kine'"),
        ({"databases": [DatabaseSpec("app", "k0smotron")]}, "belongs to the operator"),
        ({"databases": [DatabaseSpec("kine_", "k0smotron")]}, "cannot name its Database object"),
        ({"databases": [DatabaseSpec("_kine", "k0smotron")]}, "cannot name its Database object"),
        ({"databases": [DatabaseSpec("kine", "app")]}, "reserved"),
        ({"databases": [DatabaseSpec("kine", "streaming_replica")]}, "reserved"),
        ({"databases": [DatabaseSpec("a", "x_1"), DatabaseSpec("b", "x-1")]}, "share one credential Secret"),
        ({"spec": {"certificates": {"serverCASecret": "x"}}}, "Use tls_secret"),
        ({"tls_secret": "a.b"}, "tls_secret"),
        ({"owner_flags": ["root"]}, "owner flag 'root'"),
    ],
)
def test_refusing_an_option(changes: Spec, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        store(**changes).validate()
    assert says in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("image", ["pg:15", "pg:15.3", "mirror.example:5000/pg:15.3-2_x@sha256:16", "pg:15_slim"])
def test_an_image_that_says_its_version(image: str) -> None:
    store(image=image).validate()


def live(**changes: t.Any) -> Spec:
    return store(**changes).desired()[0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"volume_size": "9Gi"}, "cannot shrink from 10Gi to 9Gi"),
        ({"version": "14"}, "cannot go back from major version 15 to 14"),
    ],
)
def test_refusing_a_change_that_loses_or_breaks_something(changes: Spec, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        store(**changes).refuse_change(live())


@pytest.mark.parametrize("changes", [{}, {"volume_size": "1Ti"}, {"version": "16"}, {"instances": 1}])
def test_allowing_a_change(changes: Spec) -> None:
    store(**changes).refuse_change(live())
    store(**changes).refuse_change(None)


# -- knowing a live one -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "name"), [("control-planes-rw", "control-planes"), ("control-planes-ro", None), ("acid-main", None)]
)
def test_the_cluster_behind_a_service(service: str, name: str | None) -> None:
    assert type(store()).behind(service) == name


@pytest.mark.parametrize(
    ("rules", "known"),
    [
        (None, False),
        ([], False),
        (["hostnossl all all all reject"], True),
        (["hostssl all all all scram-sha-256", "hostnossl  all all all reject"], True),
        (["host all all 10.0.0.0/8 scram-sha-256", "hostnossl all all all reject"], None),
        (["local all all trust"], False),
    ],
)
def test_whether_a_live_cluster_wants_tls(rules: list[str] | None, known: bool | None) -> None:
    assert provider_of(live()).requires_tls({"spec": {"postgresql": {"pg_hba": rules}}}) is known


@pytest.mark.parametrize(
    "changes", [{}, {"synchronous": "strict", "instances": 3}, {"synchronous": "off", "require_tls": False}]
)
def test_reading_a_live_cluster_back(changes: Spec) -> None:
    cluster, *databases = store(**changes).desired()
    found = provider_of(cluster).options_from(cluster, {"databases": databases})
    wanted = store(**changes, image="ghcr.io/cloudnative-pg/postgresql:15-minimal-trixie").options
    managed = {"managed": {"roles": cluster["spec"]["managed"]["roles"]}}
    wanted = dataclasses.replace(wanted, tls_secret="control-planes-tls", spec=managed)
    assert found == dataclasses.replace(wanted, databases=tuple(wanted.databases))
    (ref,) = provider_of(cluster).refs_to_know(cluster)
    assert (ref.kind, ref.namespace, ref.label_selector) == ("Database", "databases", "cnpg.io/cluster=control-planes")


# -- its volume claims --------------------------------------------------------------------------------------------


def claim(instance: str, status: str = "ready") -> Spec:
    return {
        "metadata": {"labels": {"cnpg.io/instanceName": instance}, "annotations": {"cnpg.io/pvcStatus": status}},
    }


def test_only_the_primarys_claim_is_the_primarys() -> None:
    patches = [cloudnativepg_claims.released(claim(name), "pg-2")["metadata"] for name in ("pg-1", "pg-2")]
    assert [patch["labels"] for patch in patches] == [
        {"cnpg.io/instanceRole": "replica", "role": "replica"},
        {"cnpg.io/instanceRole": "primary", "role": "primary"},
    ]
    assert [patch["ownerReferences"] for patch in patches] == [None, None]


@pytest.mark.parametrize(("status", "holds"), [("ready", True), ("initializing", False)])
def test_a_claim_holds_data_once_its_instance_was_set_up(status: str, holds: bool) -> None:
    assert cloudnativepg_claims.holds_data(claim("pg-1", status)) is holds


@pytest.mark.parametrize(
    ("status", "settled"),
    [
        ({"currentPrimary": "pg-1", "targetPrimary": "pg-1"}, True),
        ({"currentPrimary": "pg-1", "targetPrimary": "pg-2"}, False),
        ({"currentPrimary": "pg-1", "targetPrimary": "pending"}, False),
        ({"targetPrimary": "pg-1"}, True),
        ({}, True),
    ],
)
def test_certain_about_the_primary(status: Spec, settled: bool) -> None:
    assert cloudnativepg_claims.settled({"status": status}).up is settled


REJECT, PLAIN = "hostnossl all all all reject", "host all all 10.0.0.0/8 scram-sha-256"


@pytest.mark.parametrize(
    ("given", "rules"),
    [
        ({"postgresql": {"pg_hba": [PLAIN]}}, [REJECT, PLAIN]),
        ({"postgresql": {"pg_hba": [PLAIN, REJECT]}}, [REJECT, PLAIN, REJECT]),
        ({"postgresql": {"pg_hba": ["hostssl all all all cert", REJECT]}}, ["hostssl all all all cert", REJECT]),
        ({"postgresql": {"pg_hba": None}}, [REJECT]),
        ({"postgresql": None}, [REJECT]),
    ],
)
def test_no_spec_lets_plaintext_in(given: Spec, rules: list[str]) -> None:
    options = store(spec=given)
    before = copy.deepcopy(given)
    declared = options.desired()[0]
    assert declared["spec"]["postgresql"]["pg_hba"] == rules
    assert provider_of(live()).requires_tls(declared) is True
    assert given == before


def test_without_require_tls_the_rules_are_the_users() -> None:
    found = spec(require_tls=False, spec={"postgresql": {"pg_hba": [PLAIN]}})
    assert found["postgresql"]["pg_hba"] == [PLAIN]
