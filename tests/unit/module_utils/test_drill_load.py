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
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import Log
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


def seen(address: Address, enough: t.Callable[[Log], t.Any], *, watchers: int = 0, readers: int = 0) -> Log:
    """What clients saw until it was enough, or for ten seconds."""
    clients = Clients(address, "drill", Load(writers=1, rate=50, readers=readers, watchers=watchers))
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
    assert log.calm_at >= log.writes[-1].ended


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
    with api(watch=watching(gone)) as address:
        [watched] = seen(address, lambda log: log.watchers[0].relisted, watchers=1).watchers
    assert watched.relisted >= 1


def test_an_api_that_does_not_answer_is_named() -> None:
    with api() as address:
        pass
    with pytest.raises(Unreachable, match=f"127.0.0.1:{address.port} did not answer GET /api"):
        Clients(address, "drill", Load(1, 1, 0, 0)).start()
