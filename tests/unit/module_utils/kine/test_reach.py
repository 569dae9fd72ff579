# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way to a database is taken, without one: names, and a stand-in for the cluster."""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput, NotFound, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import reach
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher, service_of


class Cluster:
    """A stand-in for the cluster: knows one Service."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def pod_behind(self, namespace: str, service: str) -> str:
        if service != "db":
            raise NotFound(f"Service {namespace}/{service} has no ready pod", "Start it.")
        return f"{service}-0"

    @contextlib.contextmanager
    def forward(self, namespace: str, pod: str, port: int) -> t.Iterator[tuple[str, int]]:
        yield "127.0.0.1", 40000 + port
        self.ended.append(f"{namespace}/{pod}")


def url(*hosts: str) -> dsns.Dsn:
    return dsns.parse(f"postgres://kine:x@{','.join(hosts)}/kine?sslmode=require")


@pytest.mark.parametrize(
    ("name", "namespace", "expected"),
    [
        ("db.team-a", "", ("db", "team-a")),
        ("db.team-a.svc", "", ("db", "team-a")),
        ("db.team-a.svc.cluster.local", "", ("db", "team-a")),
        ("db.team-a.svc.cluster.local.", "", ("db", "team-a")),
        ("db.team-a.svc.k8s.example.com", "", ("db", "team-a")),
        ("DB.team-a.svc", "", ("db", "team-a")),
        ("db", "", None),
        ("db", "team-b", ("db", "team-b")),
        ("db.team-a", "team-b", ("db", "team-a")),
        ("db.eu.example.com", "", None),
        ("192.0.2.1", "team-b", None),
        ("2001:db8::1", "team-b", None),
        ("localhost", "team-b", None),
    ],
)
def test_service_of(name: str, namespace: str, expected: tuple[str, str] | None) -> None:
    assert service_of(name, namespace) == expected


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Give the names that resolve, with their addresses; none listens."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def getaddrinfo(name: str, port: int, *_more: t.Any, **_options: t.Any) -> list[t.Any]:
        if name[0].isdigit():
            return real(name, port, *_more, **_options)
        if name not in known:
            raise socket.gaierror("unknown")
        return [(0, 0, 0, "", (address, port)) for address in known[name]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


def test_direct_takes_all_addresses(names: dict[str, list[str]]) -> None:
    names["db.example.com"] = ["192.0.2.1", "2001:db8::1", "192.0.2.1"]
    with Reacher().route(url("db.example.com:5432")) as route:
        assert (route.way, route.caveat) == ("directly", "")
        assert [(host.name, address, port) for host, address, port in route.stops] == [
            ("db.example.com", "192.0.2.1", 5432),
            ("db.example.com", "2001:db8::1", 5432),
        ]


def test_unknown_name(names: dict[str, list[str]]) -> None:
    with pytest.raises(Unreachable, match="cannot be resolved"), Reacher().route(url("db.example.com:5432")):
        pass


def test_auto_prefers_the_direct_way(names: dict[str, list[str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        names["db.team-a.svc"] = ["127.0.0.1"]
        with Reacher("auto", Cluster).route(url(f"db.team-a.svc:{port}")) as route:
            assert route.way == "directly"


@pytest.mark.parametrize("choice", ["auto", "port_forward"])
def test_port_forward(names: dict[str, list[str]], choice: reach.Reach) -> None:
    cluster = Cluster()
    with Reacher(choice, lambda: cluster).route(url("db.team-a.svc:5432")) as route:
        assert route.way == "through a port-forward to pod team-a/db-0"
        [(host, address, port)] = route.stops
        assert (host.name, address, port) == ("db.team-a.svc", "127.0.0.1", 45432)
        assert "loopback" in route.caveat
        assert cluster.ended == []
    assert cluster.ended == ["team-a/db-0"]


def test_each_host_its_own_way(names: dict[str, list[str]]) -> None:
    names["db.example.com"] = ["192.0.2.1"]
    with Reacher("auto", Cluster).route(url("db.example.com:5432", "db.team-a.svc:5433")) as route:
        assert route.way == "directly and through a port-forward to pod team-a/db-0"
        assert [(address, port) for _host, address, port in route.stops] == [("192.0.2.1", 5432), ("127.0.0.1", 45433)]


def test_auto_does_not_forward_to_other_hosts(names: dict[str, list[str]]) -> None:
    def never() -> t.NoReturn:
        raise AssertionError("no cluster is needed")

    names["db.eu.example.com"] = ["192.0.2.1"]
    with Reacher("auto", never).route(url("db.eu.example.com:5432")) as route:
        assert route.way == "directly"


@pytest.mark.parametrize(
    ("reacher", "host", "error", "words"),
    [
        (Reacher("auto", Cluster), "other.team-a.svc:5432", Unreachable, "neither directly nor through the API server"),
        (Reacher("port_forward", Cluster), "other.team-a.svc:5432", Unreachable, "not through the API server"),
        (Reacher("port_forward", Cluster), "db.eu.example.com:5432", InvalidInput, "not the name of a Service"),
        (Reacher("auto"), "db.team-a.svc:5432", Unreachable, "Give access to the cluster"),
    ],
)
def test_no_way(names: dict[str, list[str]], reacher: Reacher, host: str, error: type[HaError], words: str) -> None:
    with pytest.raises(error, match=words), reacher.route(url(host)):
        pass


def test_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: stop.wait(5) and [])
    assert reach.resolve(dsns.Host("db.example.com", 5432), 0.05) == []
    stop.set()
