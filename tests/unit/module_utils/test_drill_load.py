# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the drill's clients take an API server's answers, from a stand-in that answers as it is told; the lab has the real one."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
import time
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import drill_load
from ansible_collections.k0smotron.ha.plugins.module_utils.drill import script
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import Anew, Log, Write
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_load import Address, Clients, Load
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Unreachable

Answer: t.TypeAlias = "t.Callable[[StandIn], None]"
LIST = {"metadata": {"resourceVersion": "10"}, "items": []}


class NoTls:
    """Instead of an SSL context: the stand-in speaks plaintext."""

    def wrap_socket(self, raw: socket.socket, server_hostname: str) -> socket.socket:
        assert server_hostname == "api.test"
        return raw


class StandIn(http.server.BaseHTTPRequestHandler):
    """An API server that acknowledges everything, but for what a test wants otherwise."""

    protocol_version = "HTTP/1.1"
    answers: t.ClassVar[dict[str, Answer]] = {}
    version = 10

    def do_GET(self) -> None:
        kind = (
            "watch" if "watch=true" in self.path else "read" if self.path.rpartition("/")[2] != "configmaps" else "list"
        )
        self.answers.get(kind, StandIn.accept)(self)

    def do_POST(self) -> None:
        self.answers.get("write", StandIn.accept)(self)

    do_PUT = do_DELETE = do_POST  # noqa: N815  # http.server finds methods by these names

    def accept(self) -> None:
        StandIn.version += 1
        found = LIST if self.path.endswith("configmaps") and self.command == "GET" else {}
        self.say(200, {"metadata": {"resourceVersion": str(StandIn.version)}, **found})

    def say(self, status: int, body: t.Any, *headers: tuple[str, str]) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        text = json.dumps(body).encode()
        self.send_response(status)
        for header in (("Content-Length", str(len(text))), *headers):
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(text)

    def hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, *_arguments: t.Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def api(**answers: Answer) -> t.Iterator[Address]:
    StandIn.answers = answers
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield Address("127.0.0.1", server.server_port, "api.test", t.cast("t.Any", NoTls()))
        server.shutdown()


def saying(status: int, body: t.Any) -> Answer:
    return lambda handler: handler.say(status, body)


def watching(*events: t.Any) -> Answer:
    """A watch that tells these events and ends."""

    def tell(handler: StandIn) -> None:
        handler.send_response(200)
        handler.end_headers()
        for event in events:
            handler.wfile.write(json.dumps(event).encode() + b"\n")
        handler.close_connection = True

    return tell


def seen(
    address: Address, enough: t.Callable[[Log], t.Any], *, watchers: int = 0, readers: int = 0, retries: int = 0
) -> Log:
    """What clients saw until it was enough, or for ten seconds."""
    clients = Clients(address, "drill", Load(1, 50, readers, watchers, retries))
    clients.start()
    until = time.monotonic() + 10
    while not enough(clients.log) and time.monotonic() < until:
        time.sleep(0.05)
    clients.stop_writing()
    clients.stop()
    return clients.log


@pytest.mark.parametrize(
    ("answer", "outcome", "error"),
    [
        (saying(201, {"metadata": {"resourceVersion": "11"}}), "acknowledged", ""),
        (saying(403, {"reason": "Forbidden", "message": "no"}), "failed", "403 Forbidden no"),
        (saying(429, {"reason": "TooManyRequests"}), "failed", "429 TooManyRequests"),
        (saying(500, {"message": "etcdserver: request timed out"}), "unknown", "500  etcdserver: request timed out"),
        (StandIn.hang_up, "unknown", "RemoteDisconnected: Remote end closed connection without response"),
    ],
)
def test_an_answer_has_one_outcome(answer: Answer, outcome: str, error: str) -> None:
    with api(write=answer) as address:
        first = seen(address, lambda log: log.writes).writes[0]
    assert (first.verb, first.key, first.value) == ("create", "w0-0", "w0-0.1")
    assert (first.outcome, first.error) == (outcome, error)
    assert first.version == (11 if outcome == "acknowledged" else None)


def test_a_request_that_nobody_got_has_failed() -> None:
    with api() as address:
        clients = Clients(address, "drill", Load(writers=1, rate=50, readers=0, watchers=0))
    write = clients._try(drill_load.Connection(address), script.steps(0, 0)[0])
    assert write.outcome == "failed"
    assert "ConnectionRefusedError" in write.error


def test_nobody_waits_long_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill_load, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as others:
        address = full.getsockname()
        for _number in range(2):  # with nobody to accept them, the kernel drops the next one's SYN, as a lost node does
            other = others.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(address)
        began = time.monotonic()
        with pytest.raises(drill_load.NotSent, match="timed out"):
            drill_load.Connection(Address(address[0], address[1], "api.test", t.cast("t.Any", NoTls()))).ask("GET", "/")
    assert 0.2 <= time.monotonic() - began < drill_load.REQUEST_SECONDS / 2


def test_an_answer_may_take_longer_than_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill_load, "CONNECT_SECONDS", 0.2)

    def late(handler: StandIn) -> None:
        time.sleep(0.5)
        handler.accept()

    with api(write=late) as address:
        assert seen(address, lambda log: log.writes).writes[0].outcome == "acknowledged"


def after_a_first(
    first: Answer, then: Answer, found: Answer = StandIn.accept, verb: str = "create"
) -> tuple[Write, list[tuple[str, int]]]:
    """A write whose first attempt is answered otherwise than all after it, by a client that tries again; what the API got."""
    got: list[tuple[str, int]] = []

    def note(answer: Answer) -> Answer:
        def noted(handler: StandIn) -> None:
            got.append((handler.command, handler.client_address[1]))
            answer(handler)

        return noted

    def in_turn(handler: StandIn) -> None:
        note(then if got else first)(handler)

    step = next(step for number in range(8) for step in script.steps(0, number) if step.verb == verb)
    with api(write=in_turn, read=note(found)) as address:
        clients = Clients(address, "drill", Load(writers=1, rate=50, readers=0, watchers=0, retries=1))
        with contextlib.closing(drill_load.Connection(address)) as connection:
            return clients._try(connection, step), got


@pytest.mark.parametrize("first", [StandIn.hang_up, saying(500, {}), saying(429, {})])
def test_a_request_is_tried_once_more_over_a_new_connection(first: Answer) -> None:
    write, got = after_a_first(first, StandIn.accept)
    assert (write.outcome, write.tries, write.error) == ("acknowledged", 2, "")
    assert [method for method, _port in got] == ["POST", "POST"]
    assert got[0][1] != got[1][1]


@pytest.mark.parametrize(
    ("answer", "got"), [(saying(403, {}), 1), (StandIn.accept, 1), (saying(503, {}), 2), (StandIn.hang_up, 2)]
)
def test_a_request_is_tried_twice_at_most_and_not_after_a_refusal(answer: Answer, got: int) -> None:
    write, sent = after_a_first(answer, answer)
    assert (write.tries, len(sent)) == (got, got)


OBJECT = {"metadata": {"resourceVersion": "11"}, "data": {"value": "w0-0.1"}}


@pytest.mark.parametrize(
    ("found", "outcome", "version"),
    [
        (saying(200, OBJECT), "acknowledged", 11),
        (saying(200, {**OBJECT, "data": {"value": "another"}}), "unknown", None),
        (saying(404, {}), "unknown", None),
        (StandIn.hang_up, "unknown", None),
    ],
)
def test_a_create_that_exists_at_the_second_attempt_is_read(found: Answer, outcome: str, version: int | None) -> None:
    write, got = after_a_first(StandIn.hang_up, saying(409, {"reason": "AlreadyExists"}), found)
    assert (write.outcome, write.version) == (outcome, version)
    assert [method for method, _port in got] == ["POST", "POST", "GET"]


def test_an_object_whose_write_was_tried_twice_is_left_alone() -> None:
    """Its first attempt may still be done, after whatever came next."""
    seen_keys: set[str] = set()

    def first_time(handler: StandIn) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        handler.headers.replace_header("Content-Length", "0")
        key = body["metadata"]["name"]
        new = key not in seen_keys
        seen_keys.add(key)
        handler.say(503, {}) if new else handler.accept()

    with api(write=first_time) as address:
        log = seen(address, lambda log: len(log.writes) > 8, retries=1)
    assert {write.verb for write in log.writes} == {"create"}
    assert {(write.outcome, write.tries) for write in log.writes[:-1]} == {("acknowledged", 2)}


def test_a_read_is_tried_once_more() -> None:
    answers = iter([saying(500, {}), saying(200, {})])

    def in_turn(handler: StandIn) -> None:
        next(answers, StandIn.accept)(handler)

    with api(read=in_turn) as address:
        first = seen(address, lambda log: log.reads, readers=1, retries=1).reads[0]
    assert (first.found, first.tries) == (True, 2)


def test_a_connection_that_the_server_ends_is_made_anew() -> None:
    def last(handler: StandIn) -> None:
        handler.close_connection = True
        handler.say(201, {"metadata": {"resourceVersion": "11"}}, ("Connection", "close"))

    with api(write=last) as address:
        writes = seen(address, lambda log: len(log.writes) > 3).writes
    assert len(writes) > 3
    assert {write.outcome for write in writes} == {"acknowledged"}


def test_an_object_whose_write_was_not_acknowledged_is_left_alone() -> None:
    with api(write=saying(500, {})) as address:
        writes = seen(address, lambda log: len(log.writes) > 4).writes
    assert len(writes) > 4
    assert {write.verb for write in writes} == {"create"}


def test_all_steps_of_an_object_come_in_order() -> None:
    with api() as address:
        log = seen(address, lambda log: any(write.key == "w0-8" for write in log.writes))
    assert [write.verb for write in log.writes if write.key == "w0-7"] == ["create", "update", "delete"]


def test_the_last_request_of_a_writer_is_waited_for_and_is_no_gap() -> None:
    under_way = threading.Event()

    def slow(handler: StandIn) -> None:
        under_way.set()
        time.sleep(0.5)
        handler.say(201, {"metadata": {"resourceVersion": "11"}})

    with api(write=slow) as address:
        log = seen(address, lambda _log: under_way.is_set())
    assert log.writes[-1].began <= log.calm_at < log.writes[-1].ended


@pytest.mark.parametrize(
    ("answer", "found"),
    [(saying(200, {}), True), (saying(404, {}), False), (saying(500, {}), None), (StandIn.hang_up, None)],
)
def test_a_read_finds_or_does_not_or_is_not_answered(answer: Answer, found: bool | None) -> None:
    with api(read=answer) as address:
        reads = seen(address, lambda log: log.reads, readers=1).reads
    assert reads
    assert {read.found for read in reads} == {found}


def event(kind: str, key: str, version: int) -> dict[str, t.Any]:
    return {
        "type": kind,
        "object": {"metadata": {"name": key, "resourceVersion": str(version)}, "data": {"value": key}},
    }


def test_a_watch_goes_on_from_where_it_ended() -> None:
    paths: list[str] = []

    def tell(handler: StandIn) -> None:
        paths.append(handler.path)
        watching(event("ADDED", "w0-0", 11), event("ADDED", "kube-root-ca.crt", 12), event("BOOKMARK", "", 13))(handler)

    with api(watch=tell) as address:
        [watched] = seen(address, lambda _log: len(paths) > 1, watchers=1).watchers
    assert [path.rpartition("resourceVersion=")[2] for path in paths[:2]] == ["10", "13"]
    assert watched.broken >= 1
    assert {(each.kind, each.key, each.version) for each in watched.events} == {("ADDED", "w0-0", 11)}


def test_a_watch_that_is_too_old_begins_anew() -> None:
    gone = {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}
    items = [{"metadata": {"name": name}, "data": {"value": "x"}} for name in ("w0-0", "kube-root-ca.crt")]
    lists = iter([LIST, {"metadata": {"resourceVersion": "15"}, "items": items}])
    paths: list[str] = []

    def tell(handler: StandIn) -> None:
        paths.append(handler.path.rpartition("resourceVersion=")[2])
        watching(event("ADDED", "w0-0", 12), gone)(handler) if len(paths) == 1 else StandIn.hang_up(handler)

    with api(watch=tell, list=lambda handler: handler.say(200, next(lists))) as address:
        [watched] = seen(address, lambda _log: len(paths) > 1, watchers=1).watchers
    assert paths[:2] == ["10", "15"]
    assert watched.anew == [Anew(after=12, version=15, objects={"w0-0": "x"})]


def test_an_api_that_does_not_answer_is_named() -> None:
    with api() as address:
        pass
    with pytest.raises(Unreachable, match=f"127.0.0.1:{address.port} did not answer GET /api"):
        Clients(address, "drill", Load(1, 1, 0, 0)).start()
