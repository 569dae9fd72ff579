# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which database cluster a DSN leads to, whoever runs it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import datastore_lookup
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    DatastoreOptions,
    datastore,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref

Object = dict[str, t.Any]


class StandInKube:
    """Objects in a list instead of a cluster; refuses to show anything when it is told to."""

    def __init__(self, *objects: Object, forbidden: bool = False) -> None:
        self.objects = objects
        self.forbidden = forbidden

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        if self.forbidden:
            raise Forbidden("no")
        wanted = Ref(api_version, kind, name, namespace)
        return next((item for item in self.objects if Ref.of(item) == wanted), None)

    def list(self, api_version: str, kind: str, namespace: str, label_selector: str) -> list[Object]:
        assert label_selector == "cnpg.io/cluster=main"
        return [item for item in self.objects if (item["kind"], item["metadata"]["namespace"]) == (kind, namespace)]


def declared(provider: str, **options: t.Any) -> list[Object]:
    databases = [DatabaseSpec("kine", "k0smotron")]
    return datastore(provider, DatastoreOptions(name="main", namespace="db", databases=databases, **options)).desired()


BOTH = StandInKube(*declared("zalando"), *declared("cloudnativepg", require_tls=False))


def found(host: str, kube: StandInKube = BOTH, *, scheme: str = "postgres", namespace: str = "ns") -> Object | None:
    url = {"postgres": f"postgres://u:p@{host}/kine", "mysql": f"mysql://u:p@tcp({host}:3306)/kine"}[scheme]
    return datastore_lookup.datastore_behind(t.cast(Kube, kube), parse(url), namespace)


@pytest.mark.parametrize(
    ("host", "namespace", "kind"),
    [
        ("main.db", "ns", "postgresql"),
        ("main.db.svc.cluster.local", "ns", "postgresql"),
        ("main", "db", "postgresql"),
        ("main-rw.db", "ns", "Cluster"),
        ("main-rw", "db", "Cluster"),
        ("main-ro.db", "ns", None),
        ("main", "ns", None),
        ("main.example.com", "db", None),
    ],
)
def test_the_database_cluster_behind_a_host(host: str, namespace: str, kind: str | None) -> None:
    live = found(host, namespace=namespace)
    assert (live["kind"] if live else None) == kind


def test_a_mysql_dsn_leads_to_no_postgresql() -> None:
    assert found("main.db", scheme="mysql") is None


@pytest.mark.parametrize(
    ("instances", "host", "known"),
    [(3, "main-primary.db", True), (3, "main.db", False), (1, "main.db", True), (1, "main-primary.db", False)],
)
def test_a_service_of_replicas_too_is_not_the_databases(instances: int, host: str, known: bool) -> None:
    """One write in three would go to the primary."""
    kube = StandInKube(*declared("mariadb", instances=instances))
    assert (found(host, kube, scheme="mysql") is not None) == known


def test_who_may_not_look_does_not_know() -> None:
    assert found("main.db", StandInKube(forbidden=True)) is None
    assert datastore_lookup.requires_tls(None) is None
    with pytest.raises(Forbidden):
        datastore_lookup.datastore_behind(
            t.cast(Kube, StandInKube(forbidden=True)), parse("postgres://u:p@main.db/kine"), "ns", must_see=True
        )


@pytest.mark.parametrize(("host", "requires"), [("main.db", True), ("main-rw.db", False)])
def test_each_says_in_its_own_words_whether_it_wants_tls(host: str, requires: bool) -> None:
    assert datastore_lookup.requires_tls(found(host)) is requires


@pytest.mark.parametrize(("host", "provider"), [("main.db", "zalando"), ("main-rw.db", "cloudnativepg")])
def test_a_live_one_is_known_with_its_databases(host: str, provider: str) -> None:
    live = found(host)
    assert live
    known = datastore_lookup.known(t.cast(Kube, BOTH), live)
    assert (known.provider, known.owner_of("kine")) == (provider, "k0smotron")
