# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The postgresql resource: safe by default, the guide's own within reach, and nothing the operator would half obey."""

from __future__ import annotations

import copy
import dataclasses
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    Datastore,
    DatastoreOptions,
    datastore,
    service_of,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Host
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

GUIDE: dict[str, t.Any] = {
    "apiVersion": "acid.zalan.do/v1",
    "kind": "postgresql",
    "metadata": {"name": "acid-minimal-cluster", "namespace": "default"},
    "spec": {
        "teamId": "acid",
        "volume": {"size": "10Gi"},
        "numberOfInstances": 2,
        "users": {"k0smotron": ["superuser", "createdb"]},
        "databases": {"kine": "k0smotron"},
        "postgresql": {"version": "15"},
    },
}
"""The resource of k0smotron's guide to highly available control planes."""


def store(**changes: t.Any) -> Datastore:
    options = DatastoreOptions(
        name="acid-minimal-cluster", namespace="default", databases=[DatabaseSpec("kine", "k0smotron")]
    )
    return datastore("zalando", dataclasses.replace(options, **changes))


def spec(**changes: t.Any) -> dict[str, t.Any]:
    (resource,) = store(**changes).desired()
    return t.cast("dict[str, t.Any]", resource["spec"])


def test_the_defaults_are_highly_available_and_safe() -> None:
    options = store()
    options.validate()
    (resource,) = options.desired()
    assert resource["metadata"] == GUIDE["metadata"]
    assert resource["spec"] == GUIDE["spec"] | {
        "users": {"k0smotron": []},
        "patroni": {
            "initdb": {"encoding": "UTF8", "locale": "C.UTF-8", "data-checksums": "true"},
            "ttl": 20,
            "loop_wait": 1,
            "retry_timeout": 8,
            "failsafe_mode": True,
            "synchronous_mode": True,
        },
        "tls": {"secretName": "acid-minimal-cluster-tls"},
        "spiloFSGroup": 103,
    }


def test_the_guides_resource_is_within_reach() -> None:
    assert store(owner_flags=["superuser", "createdb"], tls_secret="", spec={"patroni": None}).desired() == [GUIDE]


def test_the_servers_certificate() -> None:
    made = store().certificate()
    assert made
    assert store().ca() == (made.secret, "ca.crt")
    assert store().endpoint().name in made.dns_names
    assert store(tls_secret="own").certificate() is None
    assert store(tls_secret="own").ca() == ("own", "ca.crt")
    assert store(tls_secret="own").desired()[0]["spec"]["tls"] == {"secretName": "own"}
    assert store(tls_secret="").ca() is None


@pytest.mark.parametrize("changes", [{"tls_secret": "not.a.label"}, {"spec": {"tls": {"secretName": "own"}}}])
def test_a_certificate_that_would_not_be_found(changes: dict[str, t.Any]) -> None:
    with pytest.raises(InvalidInput, match="tls_secret"):
        store(**changes).validate()


@pytest.mark.parametrize(
    ("changes", "path", "value"),
    [
        ({"synchronous": "off"}, "patroni.synchronous_mode", False),
        ({"synchronous": "strict"}, "patroni.synchronous_mode_strict", True),
        ({"require_tls": False}, "env", [{"name": "ALLOW_NOSSL", "value": "true"}]),
        ({"require_tls": True}, "env", None),
        ({"storage_class": "fast"}, "volume", {"size": "10Gi", "storageClass": "fast"}),
        ({"version": 16}, "postgresql", {"version": "16"}),
        (
            {"parameters": {"max_connections": 200, "fsync": True, "wal_compression": "lz4", "jit": False}},
            "postgresql.parameters",
            {"max_connections": "200", "fsync": "on", "wal_compression": "lz4", "jit": "off"},
        ),
        ({"image": "mirror.example/spilo"}, "dockerImage", "mirror.example/spilo"),
        ({"resources": {"limits": {"memory": "1Gi"}}}, "resources", {"limits": {"memory": "1Gi"}}),
        ({"name": "kine"}, "teamId", "kine"),
        ({"spec": {"teamId": "x", "patroni": {"ttl": 20}}}, "patroni.ttl", 20),
        ({"spec": {"patroni": {"ttl": 20}}}, "patroni.failsafe_mode", True),
    ],
)
def test_an_option_in_the_resource(changes: dict[str, t.Any], path: str, value: object) -> None:
    found: t.Any = spec(**changes)
    for step in path.split("."):
        found = found.get(step)
    assert found == value


def test_several_databases_and_owners() -> None:
    databases = [DatabaseSpec("a", "one"), DatabaseSpec("b", "two_x"), DatabaseSpec("c", "one")]
    options = store(databases=databases)
    options.validate()
    assert options.desired()[0]["spec"]["users"] == {"one": [], "two_x": []}
    assert options.desired()[0]["spec"]["databases"] == {"a": "one", "b": "two_x", "c": "one"}
    assert options.credential_secret("two_x") == "two-x.acid-minimal-cluster.credentials.postgresql.acid.zalan.do"
    assert options.owner_of("b") == "two_x"
    with pytest.raises(InvalidInput, match=r"no database d\. Name one of its databases \(a, b, c\)"):
        options.owner_of("d")
    keys = [ref.key for ref in options.refs_for_judgement()]
    assert keys[-2:] == ["secret:one", "secret:two_x"]


def test_labels_and_annotations() -> None:
    metadata = store(labels={"team": "a"}, annotations={"why": "kine"}).desired()[0]["metadata"]
    assert (metadata["labels"], metadata["annotations"]) == ({"team": "a"}, {"why": "kine"})


def test_where_the_primary_answers() -> None:
    assert store().endpoint() == Host("acid-minimal-cluster.default", 5432)
    assert store().pod_selector() == "application=spilo,cluster-name=acid-minimal-cluster"


@pytest.mark.parametrize("changes", [{}, {"parameters": {"a": {"b": 1}}}, {"spec": {"env": [{"name": "A"}]}}])
def test_the_options_stay_as_they_were(changes: dict[str, t.Any]) -> None:
    options = store(**copy.deepcopy(changes))
    options.desired()[0]["spec"].setdefault("env", []).append({"name": "B"})
    assert options.options.spec == changes.get("spec", {})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"instances": 0}, "instances is 0"),
        ({"synchronous": "maybe"}, "synchronous is 'maybe'"),
        ({"synchronous": "strict", "instances": 2}, "stops all writes"),
        ({"version": "9.6"}, "PostgreSQL 9.6 is not"),
        ({"volume_size": "10GB"}, "is not a quantity"),
        ({"volume_size": "0"}, "volume_size is zero"),
        ({"name": "Acid-main"}, "not a valid name"),
        ({"name": "acid_main"}, "not a valid name"),
        ({"name": "1acid"}, "begins with a digit"),
        ({"name": "acid-" + "x" * 48}, "longer than 52"),
        ({"namespace": "a.b"}, "The namespace"),
        ({"databases": [DatabaseSpec("Kine", "k0smotron")]}, "database name 'Kine'"),
        ({"databases": [DatabaseSpec("ki-ne", "k0smotron")]}, "database name 'ki-ne'"),
        ({"databases": [DatabaseSpec("k" * 64, "k0smotron")]}, "63 lower-case"),
        ({"databases": [DatabaseSpec("postgres", "k0smotron")]}, "belongs to PostgreSQL"),
        ({"databases": [DatabaseSpec("kine", "K0smotron")]}, "role name 'K0smotron'"),
        ({"databases": [DatabaseSpec("kine", "k0s.motron")]}, "role name 'k0s.motron'"),
        ({"databases": [DatabaseSpec("kine", "owner_")]}, "role name 'owner_'"),
        ({"databases": [DatabaseSpec("kine", "")]}, "role name ''"),
        ({"databases": [DatabaseSpec("kine", "postgres")]}, "reserved"),
        ({"databases": [DatabaseSpec("kine", "pg_kine")]}, "reserved"),
        ({"databases": [DatabaseSpec("a", "x"), DatabaseSpec("a", "y")]}, "listed twice"),
        ({"databases": [DatabaseSpec("a", "x_1"), DatabaseSpec("b", "x-1")]}, "share one credential Secret"),
        ({"owner_flags": ["root"]}, "owner flag 'root'"),
    ],
)
def test_refusing_an_option(changes: dict[str, t.Any], says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        store(**changes).validate()
    assert says in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "acid-" + "x" * 47},
        {"synchronous": "strict", "instances": 3},
        {"instances": 1},
        {"owner_flags": ["SUPERUSER", "nocreatedb"]},
        {"databases": [DatabaseSpec("_kine9", "0owner-a_b")]},
        {"databases": []},
    ],
)
def test_accepting_an_option(changes: dict[str, t.Any]) -> None:
    store(**changes).validate()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"volume_size": "9Gi"}, "shrink from 10Gi to 9Gi"),
        ({"volume_size": "10G"}, "shrink from 10Gi to 10G"),
        ({"version": "14"}, "from major version 15 to 14"),
        ({"spec": {"postgresql": {"version": "13"}}}, "from major version 15 to 13"),
        ({"spec": {"numberOfInstances": 0}}, "would stop the database"),
        ({"spec": {"teamId": "other"}}, "teamId"),
    ],
)
def test_refusing_a_change_that_loses_or_breaks_something(changes: dict[str, t.Any], says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        store(**changes).refuse_change(GUIDE)
    assert says in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "changes", [{}, {"volume_size": "10240Mi"}, {"volume_size": "1Ti"}, {"version": "16"}, {"instances": 1}]
)
def test_allowing_a_change(changes: dict[str, t.Any]) -> None:
    store(**changes).refuse_change(GUIDE)
    store(**changes).refuse_change(None)


def test_an_unknown_provider() -> None:
    with pytest.raises(
        InvalidInput, match=r"'oracle' is unknown\. Use one of: zalando, cloudnativepg, mariadb, innodbcluster\."
    ):
        datastore("oracle", DatastoreOptions(name="a", namespace="b"))


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("acid-minimal-cluster.default", ("acid-minimal-cluster", "default")),
        ("main.db.svc", ("main", "db")),
        ("main.db.svc.cluster.local", ("main", "db")),
        ("localhost", None),
        ("10.0.0.1", None),
        ("db.example.com", None),
        ("2001:db8::1", None),
    ],
)
def test_the_service_behind_a_host(host: str, service: tuple[str, str] | None) -> None:
    assert service_of(host) == service


REJECT, PLAIN = "hostnossl all all all reject", "host all all all md5"


def test_no_pg_hba_lets_plaintext_in_unless_asked() -> None:
    given = {"patroni": {"pg_hba": [PLAIN]}}
    (declared,) = store(spec=given).desired()
    assert declared["spec"]["patroni"]["pg_hba"] == [REJECT, PLAIN]
    assert store().requires_tls(declared) is True
    assert given == {"patroni": {"pg_hba": [PLAIN]}}
    assert "pg_hba" not in spec(spec={"patroni": {"ttl": 20}})["patroni"], "Spilo's own rules refuse plaintext"
    (declared,) = store(spec=given, require_tls=False).desired()
    assert declared["spec"]["patroni"]["pg_hba"] == [PLAIN]
    assert store().requires_tls(declared) is None


def test_plaintext_that_was_asked_for_stays_beside_the_users_env() -> None:
    allowed, mine = {"name": "ALLOW_NOSSL", "value": "true"}, {"name": "A", "value": "1"}
    assert spec(require_tls=False, spec={"env": [mine]})["env"] == [allowed, mine]
    assert spec(require_tls=False, spec={"env": [{"name": "ALLOW_NOSSL", "value": ""}, mine]})["env"] == [allowed, mine]
    assert spec(require_tls=False, spec={"env": None})["env"] == [allowed]
    assert spec(spec={"env": [mine]})["env"] == [mine]


def test_an_env_does_not_allow_plaintext_by_itself() -> None:
    options = store(spec={"env": [{"name": "ALLOW_NOSSL", "value": "true"}]})
    with pytest.raises(InvalidInput, match="ALLOW_NOSSL"):
        options.validate()
