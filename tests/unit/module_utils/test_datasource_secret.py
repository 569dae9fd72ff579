# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure parts of datasource_secret: parts to DSN, TLS by default, pool limits."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.database_move import same_database
from ansible_collections.k0smotron.ha.plugins.module_utils.datasource_secret_run import (
    Source,
    apply,
    dsn_of,
    find_source,
    limits,
    secret,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import DatabaseSpec, datastore, options_for
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import build, checksum, lint, parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_client import Client, Query, Resource
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_errors import Request
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import require_dns_subdomain
from ansible_collections.k0smotron.ha.plugins.module_utils.plan import PoolLimits
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import texts

OURS = {"connect_timeout": "2", "target_session_attrs": "read-write"}


def connection(**more: t.Any) -> dict[str, t.Any]:
    given = {"scheme": "postgres", "user": "kine", "password": "p", "host": "db", "port": None, "database": "kine"}
    return {**given, "params": {}, **more}


@pytest.mark.parametrize(
    ("more", "tls", "expected"),
    [
        ({}, None, {**OURS, "sslmode": "require"}),
        ({}, "verify_full", {**OURS, "sslmode": "verify-full"}),
        ({"params": {"sslmode": "verify-ca"}}, None, {**OURS, "sslmode": "verify-ca"}),
        ({"params": {"sslmode": "verify-ca"}}, "disable", {**OURS, "sslmode": "disable"}),
        ({"params": {"connect_timeout": 5}}, None, {**OURS, "connect_timeout": "5", "sslmode": "require"}),
        ({"scheme": "mysql"}, None, {"tls": "skip-verify"}),
        ({"scheme": "mysql"}, "verify_full", {"tls": "true"}),
        ({"scheme": "mysql", "params": {"tls": True}}, None, {"tls": "true"}),
    ],
)
def test_tls_is_required_unless_said_otherwise(
    more: dict[str, t.Any], tls: str | None, expected: dict[str, str]
) -> None:
    assert dsn_of(connection(**more), tls).params == expected


@pytest.mark.parametrize("tls", [None, "verify_full"])
def test_a_secret_among_the_parameters_is_refused(tls: str | None) -> None:
    with pytest.raises(InvalidInput, match="Ansible shows and logs them") as refused:
        dsn_of(connection(params={"sslpassword": "S3cRet"}), tls)
    assert "S3cRet" not in str(refused.value)


def test_mysql_has_no_verify_ca() -> None:
    with pytest.raises(InvalidInput, match="verify_ca"):
        dsn_of(connection(scheme="mysql"), "verify_ca")


@pytest.mark.parametrize(
    ("more", "hosts"),
    [
        ({}, ["db:5432"]),
        ({"port": 6432}, ["db:6432"]),
        ({"scheme": "mysql"}, ["db:3306"]),
        ({"host": "a, b"}, ["a:5432", "b:5432"]),
    ],
)
def test_hosts_and_ports(more: dict[str, t.Any], hosts: list[str]) -> None:
    assert [str(host) for host in dsn_of(connection(**more), None).hosts] == hosts


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, OURS),
        ({"target_session_attrs": "primary"}, {**OURS, "target_session_attrs": "primary"}),
        ({"connect_timeout": 3}, {**OURS, "connect_timeout": "3"}),
    ],
)
@pytest.mark.parametrize("host", ["a", "a,b"])
def test_the_server_that_takes_writes_is_meant(host: str, params: dict[str, t.Any], expected: dict[str, str]) -> None:
    dsn = dsn_of(connection(host=host, params=params), None)
    assert dsn.params == {**expected, "sslmode": "require"}
    assert lint(build(dsn), k0s_version="v1.36.3-k0s.2") == []


def test_mysql_knows_no_several_hosts() -> None:
    with pytest.raises(InvalidInput, match="kine's driver has no list of them, and no way to ask for the primary"):
        build(dsn_of(connection(scheme="mysql", host="a,b"), None))


def test_hostile_passwords_survive() -> None:
    password = "a/b@c|d&e%f g#h?i"
    assert parse(build(dsn_of(connection(password=password), None))).password == password


def options(pool: dict[str, int | None] | None = None, **more: int) -> dict[str, t.Any]:
    return {"max_connections": 100, "control_planes": 1, "replicas": 3, "pool": pool, **more}


def test_the_budget_sets_what_the_user_does_not() -> None:
    computed = limits(options())
    changed = limits(options({"max_open": 7, "max_idle": None, "max_lifetime": None}))
    assert changed == PoolLimits(7, computed.max_idle, computed.max_lifetime)


def test_a_budget_that_is_exceeded() -> None:
    with pytest.raises(InvalidInput, match="budget"):
        limits(options(control_planes=50))


def test_the_budget_has_no_say_when_all_limits_are_given() -> None:
    given: dict[str, int | None] = {"max_open": 5, "max_idle": 2, "max_lifetime": 60}
    assert limits(options(given, control_planes=50)) == PoolLimits(5, 2, 60)


def test_no_limit_by_accident() -> None:
    with pytest.raises(InvalidInput, match=r"pool\.max_open is 0"):
        limits(options({"max_open": 0}))


@pytest.mark.parametrize("name", ["a", "db.team-a", "0", "a" * 253])
def test_names_that_a_secret_may_have(name: str) -> None:
    require_dns_subdomain("The name", name)


@pytest.mark.parametrize("name", ["", "A", "a..b", "-a", "a_b", "a" * 254, "a/b"])
def test_names_that_no_secret_may_have(name: str) -> None:
    with pytest.raises(InvalidInput, match="RFC 1123"):
        require_dns_subdomain("The name", name)


def test_the_secret_holds_the_texts() -> None:
    obj = secret(Ref("v1", "Secret", "s", "n"), {"a": "b ü"})
    assert texts(obj) == {"a": "b ü"}
    assert "stringData" not in obj
    assert obj["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "k0smotron.ha"}


class Server(Client):
    """An API server with one Secret: an apply takes away what its manager had and no longer names."""

    def __init__(self, **others: str) -> None:
        self.others, self.ours = secret(REF, others)["data"], dict[str, str]()

    def find(self, api_version: str, kind: str) -> Resource:
        return Resource(api_version, kind, "secrets", True)

    def call(
        self, method: str, path: str, request: Request, *, query: Query = (), body: t.Any = None, content_type: str = ""
    ) -> dict[str, t.Any]:
        ours = self.ours if body is None else body["data"]
        if ("dryRun", "All") not in query:
            self.ours = ours
        stored = secret(REF, {})
        stored["metadata"]["resourceVersion"] = "1"
        return {**stored, "data": {**self.others, **ours}}


class Missing(Server):
    """One that has no such Secret yet."""

    def call(self, method: str, path: str, request: Request, **more: t.Any) -> dict[str, t.Any]:
        if method == "GET":
            raise NotFound("no such Secret")
        return super().call(method, path, request, **more)


REF = Ref("v1", "Secret", "s", "n")
URL = "postgres://u:p@h/d"


def checksum_of(server: Server, data: dict[str, str], *, check_mode: bool = False) -> str:
    return str(apply(Kube(server, check_mode=check_mode), REF, Source(URL, None), data)["checksum"])


def test_the_checksum_is_of_what_remains() -> None:
    server = Server(theirs="x")
    both = checksum_of(server, {"url": "a", "ca": "b"})
    predicted = checksum_of(server, {"url": "a"}, check_mode=True)
    assert checksum_of(server, {"url": "a", "ca": "b"}) == both
    assert [checksum_of(server, {"url": "a"}) for _run in range(2)] == [predicted, predicted]
    assert predicted == checksum({"url": "a", "theirs": "x"}, "n/s") != both


def test_what_is_replaced_was_there_and_another_one() -> None:
    """By it the role proves a data source beside the live one; of ``diff`` a module tells nothing without --diff."""
    server = Server()
    data = {"url": "a"}
    applied = [
        apply(Kube(server, check_mode=check), REF, Source(URL, None), data)["replaces"]
        for check in (True, False, False)
    ]
    assert applied == [True, True, False]
    assert not apply(Kube(Missing(), check_mode=True), REF, Source(URL, None), data)["replaces"]


class OneCluster:
    """A database cluster with the database kine, and nothing else."""

    def __init__(self, provider: str = "zalando", *, check_mode: bool, **options: t.Any) -> None:
        self.check_mode = check_mode
        databases = (DatabaseSpec("kine", "kine_owner"),)
        self.made = datastore(
            provider, options_for(provider, name="db", namespace="n", databases=databases, **options)
        ).desired()

    def get(self, api_version: str, kind: str, name: str, namespace: str) -> dict[str, t.Any] | None:
        wanted = Ref(api_version, kind, name, namespace)
        return next((item for item in self.made if Ref.of(item) == wanted), None)

    def list(self, _api_version: str, kind: str, _namespace: str, _selector: str | None) -> list[dict[str, t.Any]]:
        return [item for item in self.made if item["kind"] == kind]


def found(database: str, warnings: list[str], *, check_mode: bool) -> Source:
    return found_in(OneCluster(check_mode=check_mode), "zalando", database, warnings)


def found_in(kube: OneCluster, provider: str, database: str, warnings: list[str], domain: str | None = None) -> Source:
    place = {
        "provider": provider,
        "name": "db",
        "namespace": None,
        "database": database,
        "owner": None,
        "params": None,
    }
    here = {"datastore": place, "namespace": "n", "datastore_domain": domain}
    params = {**here, "ca_file": None, "tls": None, "wait": False, "wait_timeout": 0}
    return find_source(t.cast(Kube, kube), params, warnings.append)


@pytest.mark.parametrize(("instances", "host"), [(3, "db-primary.n"), (1, "db.n")])
def test_a_live_database_says_where_its_primary_answers(instances: int, host: str) -> None:
    kube = OneCluster("mariadb", check_mode=True, instances=instances)
    assert f"@tcp({host}:3306)/kine" in found_in(kube, "mariadb", "kine", []).url


@pytest.mark.parametrize("domain", ["cluster.local", "cluster.local."])
@pytest.mark.parametrize(
    ("provider", "host"),
    [("zalando", "db.n"), ("cloudnativepg", "db-rw.n"), ("mariadb", "db-primary.n"), ("innodbcluster", "db.n")],
)
def test_a_whole_name_is_looked_up_once(provider: str, host: str, domain: str) -> None:
    url = found_in(OneCluster(provider, check_mode=True, instances=3), provider, "kine", [], domain).url
    [at] = parse(url).hosts
    assert at.name == f"{host}.svc.cluster.local."
    short = found_in(OneCluster(provider, check_mode=True, instances=3), provider, "kine", []).url
    assert url == short.replace(host, f"{host}.svc.cluster.local.", 1)
    assert same_database(parse(short), parse(url), "elsewhere")


def test_a_domain_that_is_none() -> None:
    with pytest.raises(InvalidInput, match="datastore_domain"):
        found_in(OneCluster(check_mode=True), "zalando", "kine", [], "cluster.local:53")


def test_who_only_looks_has_no_domain() -> None:
    """durability_check, whose options are fewer."""
    params = {"ca_file": None, "datastore": None, "connection": None, "tls": None, "namespace": "n", "url": URL}
    assert find_source(t.cast(Kube, OneCluster(check_mode=False)), params, print).url == URL


def test_a_domain_is_for_a_datastore() -> None:
    with pytest.raises(InvalidInput, match="datastore_domain is for a datastore only"):
        find_source(
            t.cast(Kube, None),
            {"ca_file": None, "datastore": None, "connection": connection(), "datastore_domain": "cluster.local"},
            print,
        )


def test_check_mode_expects_a_database_that_the_same_run_adds() -> None:
    warnings: list[str] = []
    source = found("kine_two", warnings, check_mode=True)
    assert source.predicted
    assert source.url.partition("?")[0].endswith("/kine_two")
    assert warnings == ["The datastore db has no database kine_two: the real run must add it before this Secret"]


def test_check_mode_takes_the_owner_of_a_database_that_is_there() -> None:
    warnings: list[str] = []
    assert found("kine", warnings, check_mode=True).url.startswith("postgres://kine_owner:")
    assert warnings == []


def test_a_database_that_is_not_there() -> None:
    with pytest.raises(InvalidInput, match=r"has no database kine_two\. Name one of its databases \(kine\)"):
        found("kine_two", [], check_mode=False)
