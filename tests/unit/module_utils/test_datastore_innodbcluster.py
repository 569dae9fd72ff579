# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What we ask of Oracle's MySQL operator, and what we refuse to ask. It was never run: see docs/datastore-innodbcluster.md."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    Datastore,
    datastore,
    options_for,
    provider_of,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn, Host, accept, build, lint
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import texts, with_password

Spec = dict[str, t.Any]

MY_CNF = """[mysqld]
max_allowed_packet = 64M
max_connections = 300
binlog_expire_logs_seconds = 86400
loose_group_replication_consistency = BEFORE_ON_PRIMARY_FAILOVER
require_secure_transport = ON
"""


def store(**changes: t.Any) -> Datastore:
    given = {"name": "idc", "namespace": "databases", "databases": (DatabaseSpec("kine", "k0smotron"),), **changes}
    return datastore("innodbcluster", options_for("innodbcluster", **given))


def spec(**changes: t.Any) -> Spec:
    return t.cast("Spec", store(**changes).desired()[0]["spec"])


def apart(component: str) -> Spec:
    labels = {"mysql.oracle.com/cluster": "idc", "tier": "mysql", "component": component}
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": "kubernetes.io/hostname"}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def test_the_defaults_are_highly_available_and_fit_for_kine() -> None:
    declared = store()
    declared.validate()
    [cluster] = declared.desired()
    annotations = {"k0smotron.ha/databases": "kine=k0smotron"}
    assert cluster["metadata"] == {"name": "idc", "namespace": "databases", "annotations": annotations}
    assert cluster["spec"] == {
        "secretName": "idc-root",
        "instances": 3,
        "version": "8.4.3",
        "mycnf": MY_CNF,
        "datadirVolumeClaimTemplate": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Gi"}},
        },
        "podSpec": apart("mysqld"),
        "router": {
            "instances": 2,
            "podSpec": apart("mysqlrouter"),
            "bootstrapOptions": ["--client-ssl-mode=REQUIRED"],
            "tlsSecretName": "idc-tls",
        },
        "service": {"type": "ClusterIP", "defaultPort": "mysql-rw"},
        "tlsUseSelfSigned": False,
        "tlsSecretName": "idc-tls",
        "tlsCASecretName": "idc-tls",
    }
    assert declared.endpoint() == Host("idc.databases", 3306)
    assert declared.ca() == ("idc-tls", "ca.crt")


def test_options_reach_the_spec() -> None:
    limits = {"limits": {"memory": "2Gi"}}
    found = spec(storage_class="fast", resources=limits, parameters={"max-connections": 500}, require_tls=False)
    assert found["datadirVolumeClaimTemplate"]["storageClassName"] == "fast"
    assert found["podSpec"]["containers"] == [{"name": "mysql", "resources": limits}]
    assert "max_connections = 500\n" in found["mycnf"]
    assert "require_secure_transport = OFF\n" in found["mycnf"]
    assert "bootstrapOptions" not in found["router"]
    assert spec(spec={"imageRepository": "mirror.example/mysql"})["imageRepository"] == "mirror.example/mysql"


def test_without_a_tls_secret_the_servers_sign_for_themselves_and_nobody_verifies() -> None:
    declared = store(tls_secret="")
    found = declared.desired()[0]["spec"]
    assert found["tlsUseSelfSigned"]
    assert not [name for name in (*found, *found["router"]) if name.endswith("SecretName")]
    assert (declared.ca(), declared.certificate()) == (None, None)


def test_the_certificate_names_router_and_members_and_serves_clients_too() -> None:
    certificate = store().certificate()
    assert certificate
    assert (certificate.secret, certificate.authority, certificate.client) == ("idc-tls", "idc-authority", True)
    assert {
        "idc.databases",
        "idc-instances.databases.svc.cluster.local",
        "*.idc-instances.databases.svc.cluster.local",
    } <= set(certificate.dns_names)
    assert store(tls_secret="mine").certificate() is None
    assert spec(tls_secret="mine")["router"]["tlsSecretName"] == "mine"


def test_the_secrets_have_the_keys_that_the_operator_and_the_data_source_want() -> None:
    root, owner = (texts(with_password(secret, None)) for secret in store().own_secrets())
    assert (root["rootUser"], root["rootHost"], len(root["rootPassword"])) == ("root", "%", 64)
    assert set(root) == {"rootUser", "rootHost", "rootPassword"}
    assert (owner["username"], len(owner["password"])) == ("k0smotron", 64)


def test_a_password_that_is_there_stays() -> None:
    root = store().own_secrets()[0]
    first = with_password(root, None)
    assert with_password(root, first) == first


def test_the_statements_make_what_is_missing_and_no_more() -> None:
    databases = (DatabaseSpec("team_a", "one"), DatabaseSpec("b", "one"))
    assert store(databases=databases).statements({"one": "pa'ss"}) == [
        ("CREATE USER IF NOT EXISTS `one`@'%%' IDENTIFIED BY %s", ("pa'ss",)),
        ("ALTER USER `one`@'%%' IDENTIFIED BY %s REQUIRE SSL", ("pa'ss",)),
        ("CREATE DATABASE IF NOT EXISTS `team_a` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", ()),
        ("GRANT ALL PRIVILEGES ON `team\\_a`.* TO `one`@'%'", ()),
        ("CREATE DATABASE IF NOT EXISTS `b` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", ()),
        ("GRANT ALL PRIVILEGES ON `b`.* TO `one`@'%'", ()),
    ]
    [_create, alter, *_rest] = store(require_tls=False).statements({"k0smotron": "x"})
    assert alter.text.endswith("REQUIRE NONE")


def test_the_url_follows_a_failover_and_kine_takes_it() -> None:
    declared = store()
    url = build(Dsn("mysql", "k0smotron", "secret", (declared.endpoint(),), "kine", dict(declared.dsn_params())))
    assert "rejectReadOnly=true" in url
    accept(lint(url))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "a" * 29}, "28"),
        ({"name": "1a"}, "begins with a digit"),
        ({"instances": 2}, "majority"),
        ({"instances": 11}, "majority"),
        ({"version": "8.4"}, "three parts"),
        ({"synchronous": "strict"}, "Use on"),
        ({"image": "mirror.example/mysql:8.4.3"}, "imageRepository"),
        ({"owner_flags": ("superuser",)}, "owner_flags"),
        ({"volume_size": "0"}, "volume_size"),
        ({"databases": (DatabaseSpec("mysql", "k"),)}, "belongs to MySQL"),
        ({"databases": (DatabaseSpec("Kine", "k"),)}, "lower-case"),
        ({"databases": (DatabaseSpec("kine", "mysqladmin"),)}, "reserved"),
        ({"databases": (DatabaseSpec("kine", "o" * 33),)}, "32"),
        ({"parameters": {"group-replication-single-primary-mode": False}}, "multi-primary"),
        ({"parameters": {"loose_group_replication_single_primary_mode": 0}}, "multi-primary"),
        ({"parameters": {"auto_increment_increment": 7}}, "kine fills"),
        ({"parameters": {"super_read_only": 1}}, "group replication sets it"),
        ({"parameters": {"require_secure_transport": False}}, "require_tls"),
        ({"parameters": {"gtid_mode": "OFF"}}, "the operator sets it"),
        ({"spec": {"mycnf": "[mysqld]"}}, "parameters"),
        ({"spec": {"tlsUseSelfSigned": True}}, "tls_secret"),
        ({"spec": {"service": {"defaultPort": "mysql-ro"}}}, "secondary"),
        ({"spec": {"router": {"instances": 0}}}, "leads nowhere"),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, t.Any], says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        store(**changes).validate()
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"version": "8.0.40"}, "cannot go back"),
        ({"volume_size": "20Gi"}, "volume_size"),
        ({"parameters": {"max_connections": 5}}, "parameters"),
        ({"require_tls": False}, "require_tls"),
        ({"resources": {"limits": {"cpu": 1}}}, "resources"),
    ],
)
def test_changes_that_the_operator_ignores_are_refused(changes: dict[str, t.Any], says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        store(**changes).refuse_change(store().desired()[0])
    assert says in str(refusal.value)


def test_changes_that_it_takes_up_are_not() -> None:
    live = store().desired()[0]
    store(instances=5, version="9.1.0", tls_secret="mine").refuse_change(live)
    store().refuse_change(None)


def test_a_live_one_is_known_with_its_databases() -> None:
    databases = (DatabaseSpec("kine", "k0smotron"), DatabaseSpec("b", "two"))
    live = store(databases=databases, instances=5, tls_secret="mine").desired()[0]
    provider = provider_of(live)
    options = provider.options_from(live, {})
    assert (options.databases, options.instances, options.require_tls) == (databases, 5, True)
    assert (provider(options).ca(), provider.behind("idc")) == (("mine", "ca.crt"), "idc")
    foreign = copy.deepcopy(live)
    del foreign["metadata"]["annotations"], foreign["spec"]["router"]
    foreign["spec"]["tlsUseSelfSigned"] = True
    options = provider.options_from(foreign, {})
    assert (options.databases, options.require_tls, provider(options).ca()) == ((), False, None)
