# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many databases in one task: whose options hold, side by side for real, few requests, and no error that hides others."""

from __future__ import annotations

import base64
import contextlib
import threading
import typing as t
from unittest import mock

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import kine_check_turns
from ansible_collections.k0smotron.ha.plugins.module_utils.database_ca import KINE_FLAG
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY, Dsn
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, HaError, NotFound, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import postgres
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Tls
from ansible_collections.k0smotron.ha.plugins.module_utils.kine_check_run import check, examine_all, options_of
from ansible_collections.k0smotron.ha.plugins.module_utils.kine_check_sources import OURS, POOL_KEY, once
from ansible_collections.k0smotron.ha.plugins.module_utils.kine_check_turns import AT_ONCE_PER_SERVER
from ansible_collections.k0smotron.ha.plugins.modules.kine_check import DATABASE
from tests.unit.module_utils.kine.standin import StandIn

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examined import Examined

WAIT = 10.0
URL = "postgres://kine:s3cret@{host}:5432/kine?sslmode=require"
OPTIONS: dict[str, t.Any] = {
    "url": None,
    "secret": None,
    "databases": None,
    "reach": "direct",
    "control_planes": 1,
    "replicas": 3,
    "max_open_connections": None,
    "samples": 1,
    "timeout": 30,
    "tls_files": {},
    "k0s_version": None,
    "kine_version": None,
    "expect": "any",
    "cluster_uid": "",
    "ca_file": None,
    "fail_on": "fail",
    "report": None,
}
ENTRY: dict[str, t.Any] = dict.fromkeys(DATABASE)


def entry(**options: t.Any) -> dict[str, t.Any]:
    """An entry of databases as Ansible hands it over."""
    return {**ENTRY, **options}


def encoded(**texts: str) -> dict[str, str]:
    return {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}


class Cluster:
    """The Secrets of a cluster, and the requests that were made for them."""

    def __init__(
        self, secrets: dict[tuple[str, str], dict[str, str]], ours: t.Collection[tuple[str, str]] = ()
    ) -> None:
        self.secrets = secrets
        self.ours = ours
        self.requests: list[tuple[str, ...]] = []
        self.lists: Exception | None = None
        self.gets: dict[str, Exception] = {}

    def __call__(self) -> t.Any:
        self.requests.append(("connect",))
        return self

    def list(self, _version: str, _kind: str, namespace: str, selector: str) -> list[dict[str, t.Any]]:
        assert selector == OURS
        self.requests.append(("list", namespace))
        if self.lists:
            raise self.lists
        return [self._secret(place) for place in self.ours if place[0] == namespace]

    def get(self, _version: str, _kind: str, name: str, namespace: str) -> dict[str, t.Any] | None:
        self.requests.append(("get", namespace, name))
        if name in self.gets:
            raise self.gets[name]
        return self._secret((namespace, name)) if (namespace, name) in self.secrets else None

    def _secret(self, place: tuple[str, str]) -> dict[str, t.Any]:
        return {"metadata": {"namespace": place[0], "name": place[1]}, "data": self.secrets[place]}


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[t.Callable[[Dsn], t.Any]], None]:
    """Give the way to say what opens a database."""

    def replace(opener: t.Callable[[Dsn], t.Any]) -> None:
        monkeypatch.setattr(postgres, "connect", lambda dsn, *_rest: opener(dsn))

    replace(lambda _dsn: contextlib.nullcontext(StandIn()))
    return replace


def run(
    databases: list[dict[str, t.Any]] | None, cluster: t.Any = None, check: bool = False, **options: t.Any
) -> list[Examined]:
    return examine_all({**OPTIONS, "databases": databases, **options}, cluster or Cluster({}), check)


def test_what_a_passed_database_lacks_is_said_aloud(connect: t.Callable[[t.Any], None]) -> None:
    plain = contextlib.nullcontext(StandIn(encryption=Tls()))
    connect(lambda dsn: plain if str(dsn.hosts[0]) == "plain:5432" else contextlib.nullcontext(StandIn()))
    url = f"{URL}&connect_timeout=2"
    databases = [entry(name=name, url=url.format(host=name)) for name in ("plain", "good")]
    module: t.Any = mock.Mock(params={**OPTIONS, "databases": databases}, check_mode=False)
    check(module, lambda: pytest.fail("no cluster is asked"))
    said = [call.args[0] for call in module.warn.call_args_list]
    assert len(said) == 1
    assert said[0].startswith("plain: Encrypted: plaintext (sslmode=require) -> Turn ssl on in the server")
    module.params["fail_on"] = "warn"
    module.fail_json.side_effect = SystemExit
    module.warn.reset_mock()
    with pytest.raises(SystemExit):
        check(module, lambda: pytest.fail("no cluster is asked"))
    module.warn.assert_not_called()


def test_own_options_win_and_the_modules_hold_otherwise() -> None:
    own = [entry(url="a", replicas=5, tls_files={}), entry(url="b")]
    first, second = options_of(
        {**OPTIONS, "databases": own, "replicas": 1, "tls_files": {"a": "b"}, "control_planes": 7}
    )
    assert (first["replicas"], first["tls_files"], first["control_planes"]) == (5, {}, 7)
    assert (second["replicas"], second["tls_files"], second["control_planes"]) == (1, {"a": "b"}, 7)


def test_records_are_in_order_with_names(connect: t.Any) -> None:
    found = run([entry(url=URL.format(host="a"), name="first"), entry(url=URL.format(host="b")), entry(url="broken")])
    assert [each.name for each in found] == ["first", "b:5432/kine", "database 3"]
    assert [each.report.count("fail") for each in found] == [0, 0, 1]
    assert found[1].target == "postgres://kine:***@b:5432/kine?sslmode=require"
    assert "s3cret" not in str([each.as_dict() for each in found])


def test_no_databases() -> None:
    assert run([]) == []


def test_different_servers_are_examined_at_the_same_time(connect: t.Any) -> None:
    """Each waits for all others: this ends only when all run side by side."""
    count = 3 * AT_ONCE_PER_SERVER
    together = threading.Barrier(count)

    def opener(_dsn: Dsn) -> t.Any:
        together.wait(WAIT)
        return contextlib.nullcontext(StandIn())

    connect(opener)
    found = run([entry(url=URL.format(host=f"db{number}")) for number in range(count)])
    assert [each.report.count("fail") for each in found] == [0] * count


def test_one_server_is_not_overrun(connect: t.Any) -> None:
    """Each waits for one too many, which never comes."""
    lock, now = threading.Lock(), [0]
    too_many = threading.Event()

    @contextlib.contextmanager
    def opener(_dsn: Dsn) -> t.Iterator[StandIn]:
        with lock:
            now[0] += 1
            if now[0] > AT_ONCE_PER_SERVER:
                too_many.set()
        too_many.wait(0.3)
        yield StandIn()
        with lock:
            now[0] -= 1

    connect(opener)
    run(databases(25))
    assert not too_many.is_set()


def databases(count: int) -> list[dict[str, t.Any]]:
    return [entry(url=URL.format(host="db").replace("/kine", f"/kine{number}")) for number in range(count)]


def test_one_database_of_each_server_is_examined_thoroughly(connect: t.Any) -> None:
    found = run([*databases(5), entry(url=URL.format(host="another"))], samples=30)
    assert sorted(each.report.latency.samples for each in found[:5]) == [10, 10, 10, 10, 30]
    assert [each.report.latency.listed > 0 for each in found[:5]].count(True) == 1
    assert found[5].report.latency.listed > 0


def test_a_database_that_cannot_be_measured_leaves_it_to_the_next(
    connect: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kine_check_turns, "AT_ONCE_PER_SERVER", 1)

    def opener(dsn: Dsn) -> t.Any:
        if dsn.database == "kine0":
            raise Unreachable("no answer")
        return contextlib.nullcontext(StandIn())

    connect(opener)
    assert [each.report.latency.listed > 0 for each in run(databases(3))] == [False, True, False]


def test_an_unexpected_error_is_not_swallowed(connect: t.Any) -> None:
    def opener(dsn: Dsn) -> t.Any:
        if dsn.hosts[0].name == "b":
            raise ZeroDivisionError
        return contextlib.nullcontext(StandIn())

    connect(opener)
    with pytest.raises(ZeroDivisionError):
        run([entry(url=URL.format(host=host)) for host in "abc"])


def secret(namespace: str, name: str) -> dict[str, str]:
    return {"namespace": namespace, "name": name}


def test_secrets_of_one_namespace_are_read_by_one_request(connect: t.Any) -> None:
    data = encoded(**{DATA_SOURCE_KEY: URL.format(host="db"), POOL_KEY: "7"})
    places = [("team", f"s{number}") for number in range(20)]
    cluster = Cluster(dict.fromkeys(places, data), ours=places)
    found = run([entry(secret=secret(*place)) for place in [*places, places[0]]], cluster)
    assert cluster.requests == [("connect",), ("list", "team")]
    assert [each.name for each in found] == ["/".join(place) for place in [*places, places[0]]]
    assert {each.report.connections.needed for each in found} == {3 * 7}


@pytest.mark.parametrize(("k0s", "file"), [("v1.36.3-k0s.2", "/ca.crt"), ("v1.33.13-k0s.1", None)])
def test_the_ca_file_of_a_secret_counts_where_kine_reads_it(connect: t.Any, k0s: str, file: str | None) -> None:
    tried: list[Dsn] = []

    def keep(dsn: Dsn) -> contextlib.nullcontext[StandIn]:
        tried.append(dsn)
        return contextlib.nullcontext(StandIn())

    connect(keep)
    cluster = Cluster({("team-a", "db"): encoded(**{DATA_SOURCE_KEY: URL.format(host="a"), KINE_FLAG: "/ca.crt"})})
    run([entry(secret={"namespace": "team-a", "name": "db"}, k0s_version=k0s)], cluster)
    assert tried[0].params.get("sslrootcert") == file


def test_only_wanted_secrets_are_read_one_by_one(connect: t.Any) -> None:
    data = encoded(**{DATA_SOURCE_KEY: URL.format(host="db")})
    places = [("a", "x"), ("b", "x"), ("c", "theirs"), ("c", "ours")]
    cluster = Cluster(dict.fromkeys(places, data), ours=[("c", "ours")])
    found = run([entry(secret=secret(*place)) for place in places], cluster)
    assert cluster.requests == [
        ("connect",),
        ("list", "c"),
        ("get", "a", "x"),
        ("get", "b", "x"),
        ("get", "c", "theirs"),
    ]
    assert [each.report.count("fail") for each in found] == [0] * 4


def test_listing_may_be_forbidden(connect: t.Any) -> None:
    data = encoded(**{DATA_SOURCE_KEY: URL.format(host="db")})
    cluster = Cluster({("a", "x"): data, ("a", "y"): data})
    cluster.lists = Forbidden("may not list")
    found = run([entry(secret=secret("a", "x")), entry(secret=secret("a", "y"))], cluster)
    assert [each.report.count("fail") for each in found] == [0, 0]


def test_a_secret_that_cannot_be_read_leaves_the_others(connect: t.Any) -> None:
    data = encoded(**{DATA_SOURCE_KEY: URL.format(host="db")})
    cluster = Cluster({("a", "x"): data, ("b", "empty"): {}})
    cluster.gets = {"refused": Forbidden("may not get")}
    wanted = [entry(secret=secret(*place)) for place in [("a", "x"), ("b", "empty"), ("c", "none"), ("d", "refused")]]
    found = run(wanted, cluster)
    assert [each.report.count("fail") for each in found] == [0, 1, 1, 1]
    words = [each.report.checks[0].observed for each in found[1:]]
    assert ["no key" in words[0], "There is no Secret none" in words[1], "may not get" in words[2]] == [True] * 3


def test_a_cluster_that_does_not_answer_fails_only_what_needs_it(connect: t.Any) -> None:
    def cluster() -> t.NoReturn:
        raise Unreachable("no answer")

    found = run([entry(url=URL.format(host="db")), entry(secret=secret("a", "x"))], cluster)
    assert [each.report.count("fail") for each in found] == [0, 1]


def test_secret_to_come_in_check_mode(connect: t.Any) -> None:
    [found] = run([entry(secret=secret("a", "x"))], Cluster({}), check=True)
    assert found.report.checks == []
    assert "does not exist yet" in found.text()
    [found] = run(None, Cluster({}), check=True, secret=secret("a", "x"))
    assert "does not exist yet" in found.text()


def test_single_secret_that_is_missing_is_an_error() -> None:
    with pytest.raises(NotFound):
        run(None, Cluster({}), secret=secret("a", "x"))


@pytest.mark.parametrize("error", [HaError("no"), SystemExit(1)])
def test_once_answers_all_threads_alike(error: BaseException) -> None:
    calls: list[int] = []

    def make() -> t.NoReturn:
        calls.append(1)
        raise error

    made = once(make)
    for _each in range(3):
        with pytest.raises(type(error)):
            made()
    assert calls == [1]
    assert once(lambda: calls)() is calls
