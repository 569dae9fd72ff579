# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ways lead to a database cluster that is about to be removed, or may, and which are seen to lead elsewhere."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import datastore_reach
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import PROVIDERS, datastore, options_for
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import AccessDenied, Conflict, HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube
from tests.unit.module_utils.left_databases import control_plane, secret
from tests.unit.module_utils.test_datastore_users import (
    FORBIDDEN,
    NEIGHBORS,
    Object,
    StandInKube,
    pod,
    service,
    warned,
)

THEIRS = [
    service("theirs", selector={"app": "theirs"}, clusterIP="10.96.0.13"),
    pod("theirs-0", "10.1.0.8", {"app": "theirs"}, image="postgres:15"),
]


def named(name: str, target: str, namespace: str = "team") -> Object:
    return service(name, namespace, type="ExternalName", externalName=target)


def published(item: Object, *names: str, noted: str = "") -> Object:
    """A Service with a load balancer's host names, and one that ExternalDNS is to make."""
    noted_as = {"annotations": {"external-dns.alpha.kubernetes.io/hostname": noted}} if noted else {}
    ingress = [{"hostname": name} for name in names]
    return item | {"metadata": item["metadata"] | noted_as, "status": {"loadBalancer": {"ingress": ingress}}}


def by_hand(name: str, *addresses: str, namespace: str = "team", port: int | None = 5432) -> list[Object]:
    """A Service without selector, and where somebody says that it leads."""
    labels = {"kubernetes.io/service-name": name}
    metadata = {"name": f"{name}-x", "namespace": namespace, "labels": labels}
    ports = [{"port": port}] if port else None
    endpoints = [{"addresses": [address]} for address in addresses]
    slices = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata}
    return [service(name, namespace), slices | {"ports": ports, "endpoints": endpoints}]


def refused(host: str, *objects: Object, **more: t.Any) -> bool:
    """Whether the database cluster stays because of a data source with this host."""
    try:
        warned(control_plane(), secret(host), *objects, *NEIGHBORS, *THEIRS, **more)
    except Conflict:
        return True
    return False


LEADS_THERE = {
    "an external name of a standby": ("own", [named("own", "db-repl.data.svc.cluster.local")]),
    "an external name of a load balancer": ("own", [named("own", "LB.example.com.")]),
    "an external name that is an address": ("own", [named("own", "10.1.0.9")]),
    "external names in a ring": ("own", [named("own", "other.team.svc"), named("other", "own.team.svc")]),
    "an external name of endpoints": ("own", [named("own", "ends.team.svc"), *by_hand("ends", "10.1.0.9")]),
    "the address of a pod": ("own", by_hand("own", "192.0.2.1", "10.1.0.9")),
    "the address of a Service": ("own", by_hand("own", "10.96.0.12")),
    "a node's port": ("own", by_hand("own", "192.0.2.1", port=30432)),
    "the same by its own port": ("own:30432", by_hand("own", "192.0.2.1", port=None)),
    "a host name as an endpoint": ("own", by_hand("own", "db-repl.data.svc")),
    "no endpoints": ("own", [service("own", "team")]),
    "no endpoints beside it": ("own.data", [service("own")]),
    "nothing of this name beside it": ("own.data", []),
    "a pool": (
        "pool.data",
        [service("pool", selector={"app": "pool"}), pod("p", "10.1.0.7", {"app": "pool"}, claims=False)],
    ),
    "its address": ("10.1.0.7", [pod("p", "10.1.0.7", {"app": "pool"}, claims=False)]),
    "pods that are not there": ("own.data", [service("own", selector={"app": "own"})]),
    "a load balancer": (
        "a.elb.example.com",
        [published(service("own", selector={"cluster-name": "db"}), "a.elb.example.com")],
    ),
    "a name for it": (
        "pg.example.com",
        [published(service("own", selector={"cluster-name": "db"}), noted="x.example.com, PG.example.com.")],
    ),
    "a node": ("node-1.example.com:30432", []),
}
LEADS_ELSEWHERE = {
    "an external name": ("own", [named("own", "pg.example.com")]),
    "an external name beside it": ("own.data", [named("own", "pg.example.com", "data")]),
    "an external name that is an address": ("own", [named("own", "192.0.2.1")]),
    "an external name of another server": ("own", [named("own", "theirs.data.svc")]),
    "endpoints": ("own", by_hand("own", "192.0.2.1", "192.0.2.2")),
    "endpoints beside it": ("own.data", by_hand("own", "192.0.2.1", namespace="data")),
    "endpoints in a third namespace": ("own.shared", by_hand("own", "192.0.2.1", namespace="shared")),
    "the pod of another server as an endpoint": ("own", by_hand("own", "10.1.0.8")),
    "another server": ("theirs.data", []),
    "its address": ("10.96.0.13", []),
    "its pod": ("theirs-0.theirs.data.svc", []),
    "its pod's address": ("10.1.0.8", []),
    "its load balancer": (
        "a.elb.example.com",
        [published(service("own", selector={"app": "theirs"}), "a.elb.example.com")],
    ),
    "a load balancer elsewhere": (
        "a.elb.example.com",
        [published(service("own", "team", selector={}), "a.elb.example.com")],
    ),
    "a host name outside": ("a.elb.example.com", [published(service("own", selector={}), "b.elb.example.com")]),
}


@pytest.mark.parametrize("way", LEADS_THERE)
def test_what_leads_there_or_may_holds_it(way: str) -> None:
    host, objects = LEADS_THERE[way]
    assert refused(host, *objects)


@pytest.mark.parametrize("way", LEADS_ELSEWHERE)
def test_what_is_seen_to_lead_elsewhere_does_not_hold_it(way: str) -> None:
    host, objects = LEADS_ELSEWHERE[way]
    assert not refused(host, *objects)


@pytest.mark.parametrize(
    ("image", "claims", "holds"),
    [
        ("registry.example/mariadb/maxscale:24.02", True, True),
        ("proxysql/proxysql:2.6", True, True),
        ("percona/pgbouncer:1", False, True),
        ("bitnami/postgresql:15", True, False),
    ],
)
def test_a_proxy_keeps_no_data(image: str, claims: bool, holds: bool) -> None:
    before = [
        service("own", selector={"app": "own"}),
        pod("own-0", "10.1.0.7", {"app": "own"}, claims=claims, image=image),
    ]
    assert refused("own.data", *before) == holds


def test_one_pod_that_may_lead_there_is_enough() -> None:
    both = [service("own", selector={"group": "all"}), pod("own-0", "10.1.0.6", {"group": "all"})]
    assert not refused("own.data", *both)
    assert refused("own.data", *both, pod("own-1", "10.1.0.7", {"group": "all"}, claims=False))


@pytest.mark.parametrize(
    ("kind", "host"),
    [("EndpointSlice", "own"), ("Pod", "own"), ("Pod", "theirs.data"), ("Service", "pg.example.com")],
)
def test_what_may_not_be_seen_keeps_it(kind: str, host: str) -> None:
    broken: dict[str, HaError] = {kind: FORBIDDEN}
    with pytest.raises(
        AccessDenied, match=r"whether the control plane team/one uses .*Grant the verb.*Nothing was removed"
    ):
        refused(host, *by_hand("own", "192.0.2.1"), broken=broken)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_pods_of_each_operator_are_known(provider: str) -> None:
    store = datastore(provider, options_for(provider, name="db", namespace="data"))
    scheme = "postgres://u:p@{}/kine" if store.scheme == "postgres" else "mysql://u:p@tcp({}:3306)/kine"
    group = {"group": "all"}
    objects = [service("own", selector=group), pod("db-0", "10.1.0.9", store.labels() | group)]

    def leads(*found: Object) -> bool:
        dsn = parse(scheme.format("own.data"))
        kube = t.cast(Kube, StandInKube(*found))
        return datastore_reach.may_lead_to(kube, dsn, dsn.hosts[0], "team", store.desired()[0])

    assert leads(*objects)
    objects[1]["metadata"]["labels"] = dict.fromkeys(store.labels(), "other") | group
    assert not leads(*objects)
