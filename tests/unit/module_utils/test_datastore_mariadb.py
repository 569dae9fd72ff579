# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MariaDB, what is declared beside it, its Secrets: fit for kine, and nothing that the operator would half obey."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    Datastore,
    datastore,
    mariadb_data,
    options_for,
    provider_of,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn, Host, accept, build, lint
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

Spec = dict[str, t.Any]

MY_CNF = """[mariadb]
bind_address = *
innodb_autoinc_lock_mode = 2
innodb_flush_log_at_trx_commit = 1
max_allowed_packet = 64M
max_connections = 300
binlog_format = row
binlog_expire_logs_seconds = 86400
read_only = 1
"""


def store(**changes: t.Any) -> Datastore:
    given = {"name": "mdb", "namespace": "databases", "databases": (DatabaseSpec("kine", "k0smotron"),), **changes}
    return datastore("mariadb", options_for("mariadb", **given))


def spec(**changes: t.Any) -> Spec:
    return t.cast("Spec", store(**changes).desired()[0]["spec"])


def test_the_defaults_are_highly_available_and_fit_for_kine() -> None:
    declared = store()
    declared.validate()
    cluster, database, user, grant = declared.desired()
    assert cluster["metadata"] == {"name": "mdb", "namespace": "databases"}
    assert cluster["spec"] == {
        "image": "docker.io/library/mariadb:10.11",
        "replicas": 3,
        "rootPasswordSecretKeyRef": {"name": "mdb-root", "key": "password"},
        "storage": {"size": "10Gi"},
        "myCnf": MY_CNF,
        "tls": {"enabled": True, "required": True},
        "startupProbe": {"failureThreshold": 60},
        "replication": {
            "enabled": True,
            "primary": {"automaticFailover": True},
            "replica": {"waitPoint": "AfterSync"},
            "syncBinlog": True,
            "probesEnabled": False,
        },
        "affinity": {"antiAffinityEnabled": True},
    }
    common = {"mariaDbRef": {"name": "mdb"}, "cleanupPolicy": "Skip"}
    assert database["spec"] == {**common, "name": "kine", "characterSet": "utf8mb4", "collate": "utf8mb4_bin"}
    assert user["spec"] == {
        **common,
        "name": "k0smotron",
        "host": "%",
        "passwordSecretKeyRef": {"name": "k0smotron.mdb.credentials.mariadb", "key": "password"},
        "maxUserConnections": 150,
    }
    assert grant["spec"] == {
        **common,
        "privileges": ["ALL PRIVILEGES"],
        "database": "kine",
        "table": "*",
        "username": "k0smotron",
        "host": "%",
    }
    assert [item["metadata"]["name"] for item in (database, user, grant)] == ["mdb.kine", "mdb.k0smotron", "mdb.kine"]


def test_each_database_of_an_owner_brings_connections_of_its_own() -> None:
    databases = [DatabaseSpec("one", "both"), DatabaseSpec("two", "both"), DatabaseSpec("three", "alone")]
    users = [item["spec"] for item in store(databases=databases).desired() if item["kind"] == "User"]
    assert {user["name"]: user["maxUserConnections"] for user in users} == {"both": 300, "alone": 150}


def test_who_leads_is_never_written() -> None:
    """The operator writes it at each failover: whoever writes it back moves the primary back."""
    assert "podIndex" not in spec()["replication"]["primary"]


@pytest.mark.parametrize(
    ("changes", "path", "value"),
    [
        ({"instances": 1}, "replication", None),
        ({"instances": 1}, "affinity", None),
        ({"require_tls": False}, "tls", {"enabled": True, "required": False}),
        ({"storage_class": "fast"}, "storage", {"size": "10Gi", "storageClassName": "fast"}),
        ({"version": "11.4"}, "image", "docker.io/library/mariadb:11.4"),
        ({"image": "mirror.example/mariadb:10.11.8-mine"}, "image", "mirror.example/mariadb:10.11.8-mine"),
        ({"resources": {"limits": {"memory": "1Gi"}}}, "resources", {"limits": {"memory": "1Gi"}}),
        ({"spec": {"affinity": {"antiAffinityEnabled": False}}}, "affinity.antiAffinityEnabled", False),
        ({"spec": {"replication": {"syncBinlog": None}}}, "replication.waitPoint", None),
    ],
)
def test_an_option_in_the_custom_resource(changes: Spec, path: str, value: object) -> None:
    found: t.Any = spec(**changes)
    for step in path.split("."):
        found = found.get(step)
    assert found == value


def test_a_single_server_takes_writes_after_a_restart() -> None:
    """With replication a server waits, read only, until the operator makes it the primary; alone nobody would."""
    assert "read_only" not in spec(instances=1)["myCnf"]


def test_parameters_are_over_ours() -> None:
    my_cnf = spec(parameters={"max-connections": 500, "slow_query_log": True})["myCnf"].splitlines()
    assert "max_connections = 500" in my_cnf
    assert "max_connections = 300" not in my_cnf
    assert "slow_query_log = ON" in my_cnf


def test_one_owner_of_two_databases_is_one_user() -> None:
    databases = (DatabaseSpec("kine", "k0smotron"), DatabaseSpec("kine_two", "k0smotron"))
    kinds = [item["kind"] for item in store(databases=databases).desired()]
    assert kinds == ["MariaDB", "Database", "Database", "User", "Grant", "Grant"]


def test_the_secrets_that_are_made_here() -> None:
    labels = {"app.kubernetes.io/instance": "mdb", "app.kubernetes.io/name": "mariadb"}
    root, owner = store().own_secrets()
    assert (root["metadata"]["name"], root["stringData"]) == ("mdb-root", {"username": "root"})
    assert root["metadata"]["labels"] == labels
    assert owner["metadata"] == {
        "name": "k0smotron.mdb.credentials.mariadb",
        "namespace": "databases",
        "labels": {**labels, "k8s.mariadb.com/watch": ""},
    }


def test_where_and_how_kine_reaches_it() -> None:
    declared = store()
    assert declared.endpoint() == Host("mdb-primary.databases", 3306)
    assert declared.ca() == ("mdb-ca-bundle", "ca.crt")
    params = dict(declared.dsn_params())
    assert params == {"timeout": "1s", "readTimeout": "15s", "writeTimeout": "15s", "rejectReadOnly": "true"}
    url = build(Dsn("mysql", "u", "p", (declared.endpoint(),), "kine", params))
    assert accept(lint(url, k0s_version="v1.34.4-k0s.0", require_tls=True, ca_file=True)) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Mdb"}, "not a valid name"),
        ({"name": "1db"}, "begins with a digit"),
        ({"name": "m" * 53}, "longer than 52"),
        ({"instances": 0}, "instances is 0"),
        ({"instances": 2}, "refuses an even number of instances, such as 2. Ask for 3"),
        ({"synchronous": "strict"}, "no strict synchronous replication"),
        ({"synchronous": "off"}, "always replicates semi-synchronously"),
        ({"version": "15"}, "MariaDB 15 is no long-term release"),
        ({"image": "mariadb"}, "cannot tell the version of MariaDB"),
        (
            {"image": "mariadb:10.11@sha256:0", "version": "11.4"},
            "the tag of the image mariadb:10.11@sha256:0 says 10.11",
        ),
        ({"owner_flags": ["superuser"]}, "MariaDB has no owner_flags"),
        ({"tls_secret": "mine"}, "tls_secret is not for mariadb"),
        ({"volume_size": "0"}, "volume_size is zero"),
        ({"databases": (DatabaseSpec("Kine", "k0smotron"),)}, "takes it for the same as 'kine'"),
        ({"databases": (DatabaseSpec("kine-1", "k0smotron"),)}, "cannot name its Database object"),
        ({"databases": (DatabaseSpec("mysql", "k0smotron"),)}, "belongs to MariaDB itself"),
        ({"databases": (DatabaseSpec("kine", "K0s"),)}, "cannot name its User object"),
        ({"databases": (DatabaseSpec("kine", "repl"),)}, "The account repl is reserved"),
        ({"databases": (DatabaseSpec("kine", "a"), DatabaseSpec("kine", "b"))}, "listed twice"),
        ({"databases": (DatabaseSpec("one", "a_b"), DatabaseSpec("two", "a-b"))}, "share one credential Secret"),
        (
            {"databases": (DatabaseSpec("k_1", "a"), DatabaseSpec("kx1", "b"))},
            "Who owns the database k_1 would own kx1",
        ),
        ({"databases": (DatabaseSpec("my_ql", "a"),)}, "Who owns the database my_ql would own mysql"),
        ({"parameters": {"rpl-semi-sync-master-enabled": 1}}, "rpl_semi_sync_master_enabled cannot be set"),
        ({"parameters": {"Read_Only": 0}}, "read_only cannot be set"),
        ({"parameters": {"auto_increment_increment": 3}}, "kine fills each number that is left out with a row"),
        ({"parameters": {"require_secure_transport": "OFF"}}, "use require_tls or spec.tls"),
        ({"spec": {"replication": {"primary": {"podIndex": 0}}}}, "each run would undo a failover"),
        ({"spec": {"replication": {"probesEnabled": True}}}, "kill healthy replicas"),
        ({"spec": {"myCnf": "[mariadb]"}}, "would replace the settings that kine needs"),
        ({"spec": {"galera": {"enabled": True}}}, "kine does not support Galera"),
        ({"spec": {"tls": {"enabled": False}}}, "there is no certificate to verify"),
    ],
)
def test_refusing_what_cannot_work(changes: Spec, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        store(**changes).validate()
    assert message in str(refused.value)


def test_an_even_number_when_it_is_asked_for_in_so_many_words() -> None:
    store(instances=2, spec={"replicasAllowEvenNumber": True}).validate()


def live(**status: t.Any) -> Spec:
    resource = copy.deepcopy(store().desired()[0])
    # As the operator leaves it.
    resource["spec"]["replication"]["primary"]["podIndex"] = status.get("currentPrimaryPodIndex", 0)
    return {**resource, "status": status}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"volume_size": "5Gi"}, "cannot shrink from 10Gi to 5Gi"),
        ({"version": "10.6"}, "MariaDB cannot go back from major version 10.11 to 10.6"),
        ({"instances": 1}, "refuses to end replication"),
        ({"instances": 5}, "copies no data to new instances"),
    ],
)
def test_refusing_a_change_that_loses_or_breaks_something(changes: Spec, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        store(**changes).refuse_change(live())
    assert message in str(refused.value)


def test_a_newer_release_is_no_downgrade() -> None:
    store(version="11.4").refuse_change(live())


def test_a_single_server_answers_at_the_only_service_that_it_has() -> None:
    alone = store(instances=1)
    assert alone.endpoint() == Host("mdb.databases", 3306)
    assert "mdb" in {ref.name for ref in alone.refs_for_judgement() if ref.key == "leader_endpoints"}


def test_a_single_server_does_not_become_three() -> None:
    alone = store(instances=1).desired()[0]
    with pytest.raises(InvalidInput, match="1 cannot become 3"):
        store().refuse_change(alone)


def test_the_primary_is_not_scaled_away() -> None:
    five = live(currentPrimaryPodIndex=4)
    five["spec"]["replicas"] = 5
    with pytest.raises(InvalidInput, match="Instance 4 is the primary"):
        store().refuse_change(five)


@pytest.mark.parametrize(
    ("change", "message"), [({"suspend": True}, "leave this MariaDB alone"), ({"galera": {"enabled": True}}, "Galera")]
)
def test_refusing_a_live_one_that_cannot_serve(change: Spec, message: str) -> None:
    found = live()
    found["spec"] |= change
    with pytest.raises(InvalidInput, match=message):
        store().refuse_change(found)


def test_a_live_one_is_known_again() -> None:
    found = live()
    assert provider_of(found).provider == "mariadb"
    assert provider_of(found).behind("mdb-primary") == provider_of(found).behind("mdb") == "mdb"
    assert provider_of(found).requires_tls(found) is True
    foreign = {"mariaDbRef": {"name": "other"}, "database": "theirs", "username": "theirs"}
    operators = {"mariaDbRef": {"name": "mdb"}, "database": "mysql", "username": "mariadb.sys"}
    _cluster, database, user, grant = store().desired()
    grants = [grant, {"spec": foreign}, {"spec": operators}]
    namesakes = {"mariaDbRef": {"name": "mdb", "namespace": "elsewhere"}, "name": "mysql"}
    options = provider_of(found).options_from(
        found, {"databases": [database, {"spec": namesakes}], "users": [user], "grants": grants}
    )
    assert options == options_for(
        "mariadb",
        name="mdb",
        namespace="databases",
        image="docker.io/library/mariadb:10.11",
        tls_secret="",
        databases=(DatabaseSpec("kine", "k0smotron"),),
    )


def granted(name: str, username: str, *privileges: str, **more: str) -> Spec:
    spec = {"mariaDbRef": {"name": "mdb"}, "database": "kine", "username": username, "privileges": list(privileges)}
    return {"metadata": {"name": name}, "spec": {**spec, **more}}


BACKUP = granted("a-backup", "backup", "SELECT", "LOCK TABLES")
ONE_TABLE = granted("a-table", "exporter", "ALL PRIVILEGES", table="kine")
THEIRS = granted("b-theirs", "theirs", "all", table="*")
THEIRS_TOO = granted("c-theirs", "others", "All Privileges")


@pytest.mark.parametrize(
    ("others", "ours", "owners"),
    [
        ([BACKUP, ONE_TABLE, THEIRS], True, ["k0smotron"]),
        ([BACKUP, ONE_TABLE], False, []),
        ([THEIRS_TOO, BACKUP, THEIRS], False, ["theirs"]),
        ([THEIRS_TOO], False, ["others"]),
    ],
)
def test_the_owner_of_a_database_is_who_has_all_of_it(others: list[Spec], ours: bool, owners: list[str]) -> None:
    _cluster, database, _user, grant = store().desired()
    grants = [*others, *([grant] if ours else [])]
    options = provider_of(live()).options_from(live(), {"databases": [database], "users": [], "grants": grants})
    assert options.databases == tuple(DatabaseSpec("kine", owner) for owner in owners)


@pytest.mark.parametrize(
    ("tls", "wanted"), [({}, False), ({"enabled": True}, False), ({"enabled": True, "required": True}, True)]
)
def test_whether_it_wants_tls(tls: Spec, wanted: bool) -> None:
    assert store().requires_tls({"spec": {"tls": tls}}) is wanted


@pytest.mark.parametrize(
    ("asked", "current", "switched", "leads"),
    [
        (0, 0, None, True),
        (None, None, None, True),
        (0, 1, None, False),
        (1, 1, "True", False),
        (1, 0, None, False),
        (0, 0, "False", False),
    ],
)
def test_whether_the_first_instance_has_the_newest_data(
    asked: int | None, current: int | None, switched: str | None, leads: bool
) -> None:
    found: Spec = {
        "spec": {"replication": {"primary": {"podIndex": asked}}},
        "status": {
            "currentPrimaryPodIndex": current,
            "conditions": [{"type": "PrimarySwitched", "status": switched}] if switched else [],
        },
    }
    assert mariadb_data.first_leads(found).up is leads


@pytest.mark.parametrize(
    ("kind", "metadata", "ours"),
    [
        ("PersistentVolumeClaim", {"name": "storage-mdb-0", "labels": {"pvc.k8s.mariadb.com/role": "storage"}}, True),
        (
            "PersistentVolumeClaim",
            {"name": "data-mdb-mariadb-0", "labels": {"app.kubernetes.io/name": "mariadb"}},
            False,
        ),
        ("Secret", {"name": "mdb-root"}, True),
        ("Secret", {"name": "k0smotron.mdb.credentials.mariadb"}, True),
        ("Secret", {"name": "mdb-mariadb"}, False),
        ("Pod", {"name": "mdb-0"}, True),
    ],
)
def test_what_another_chart_labels_alike_is_not_ours(kind: str, metadata: Spec, ours: bool) -> None:
    assert mariadb_data.is_ours({"kind": kind, "metadata": metadata}, "mdb") is ours
