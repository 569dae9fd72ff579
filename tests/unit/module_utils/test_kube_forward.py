# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port-forward to a server that speaks first, as MySQL does, delivers its first words however they arrive.

Whatever the API server does not answer, or breaks off, is an error within a time.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import socket
import ssl
import threading
import types
import typing as t
from pathlib import Path

import pytest
from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as core
from kubernetes.client import ApiClient, Configuration

from ansible_collections.k0smotron.ha.plugins.module_utils import kube_forward
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    AccessDenied,
    HaError,
    InvalidInput,
    Unreachable,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_client import Client, Resource
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_forward import execute, forward, open_forward
from ansible_collections.k0smotron.ha.plugins.module_utils.server_certificate import renewed

PORT = 3306
GREETING = b"welcome"
WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455
BINARY, CLOSE, PING, PONG = 0x82, 0x88, 0x89, 0x8A


class ClientOf(Client):
    """A client of one address, as far as a port-forward needs it, with kubernetes.core's headers for an impersonation."""

    def __init__(self, address: tuple[str, int], token: str = "", **impersonated: t.Any) -> None:
        configuration = Configuration(host=f"https://{address[0]}:{address[1]}")
        configuration.verify_ssl = False
        if token:
            configuration.api_key = {"authorization": f"Bearer {token}"}
        api = ApiClient(configuration)
        for header, value in core._create_headers(**impersonated).items():
            core._set_header(api, header, value)
        super().__init__(types.SimpleNamespace(client=api))

    def resource(self, api_version: str, kind: str) -> Resource:
        return Resource(api_version, kind, "pods", True)


def frame(opcode: int, payload: bytes) -> bytes:
    return bytes((opcode, len(payload))) + payload


def handshake(request: bytes) -> bytes:
    [key] = [line.partition(b": ")[2] for line in request.splitlines() if line.lower().startswith(b"sec-websocket-key")]
    accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET_GUID, usedforsecurity=False).digest())
    return b"\r\n".join(
        (
            b"HTTP/1.1 101 Switching Protocols",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Accept: " + accept,
            b"Sec-WebSocket-Protocol: v4.channel.k8s.io",
            b"\r\n",
        )
    )


def asked(connection: ssl.SSLSocket) -> bytes:
    """The request that a client sends first."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4096)
    return request


def shake_hands(connection: ssl.SSLSocket) -> bytes:
    """The answer to it."""
    return handshake(asked(connection))


def serve(listener: ssl.SSLSocket, at_once: bool) -> None:
    """One port-forward: channel 0 carries data, channel 1 errors, each begins with the port's number."""
    number = PORT.to_bytes(2, "little")
    words = b"".join(frame(BINARY, payload) for payload in (b"\0" + number, b"\1" + number, b"\0" + GREETING))
    with contextlib.suppress(OSError):
        connection, _address = listener.accept()
        with connection:
            answer = shake_hands(connection)
            for record in [answer + words] if at_once else [answer, words]:
                connection.sendall(record)
            while received := connection.recv(4096):
                if received[0] == PING:
                    connection.sendall(frame(PONG, b""))


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    _authority, bundle = renewed(None, None, ("localhost",), datetime.datetime.now(datetime.UTC))
    (tmp_path / "server.pem").write_text(bundle.certificate + bundle.key)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(tmp_path / "server.pem")
    return made


@pytest.mark.parametrize("at_once", [True, False], ids=["with the handshake's answer", "after it"])
def test_the_first_words_of_the_server_arrive(context: ssl.SSLContext, at_once: bool) -> None:
    with context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as listener:
        threading.Thread(target=serve, args=(listener, at_once), daemon=True).start()
        forwarded: t.Any = open_forward(ClientOf(listener.getsockname()), "databases", "mariadb-0", PORT)
        with contextlib.closing(forwarded):
            forwarded.settimeout(5)
            assert forwarded.recv(100) == GREETING


def test_a_refusal_without_a_kubernetes_status_is_told_whole() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = closed.getsockname()
    with pytest.raises(
        Unreachable, match=r"portforward to pod databases/mariadb-0 does not work: .*Connection refused"
    ):
        open_forward(ClientOf(address), "databases", "mariadb-0", PORT)


def answer_and(end: t.Callable[[ssl.SSLSocket], object], listener: ssl.SSLSocket) -> None:
    """Open one exec, and end it in some way."""
    with contextlib.suppress(OSError):
        connection, _address = listener.accept()
        with connection:
            connection.sendall(shake_hands(connection))
            end(connection)
            while connection.recv(4096):
                pass


def hang_up(connection: ssl.SSLSocket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def stay_silent(_connection: ssl.SSLSocket) -> None:
    pass


def send_half_a_frame(connection: ssl.SSLSocket) -> None:
    connection.sendall(frame(BINARY, b"\1output")[:4])


@pytest.mark.parametrize(
    ("end", "said"),
    [(hang_up, "was cut off"), (stay_silent, "did not end in 0.5 s"), (send_half_a_frame, "did not end in 0.5 s")],
)
def test_an_exec_that_breaks_off(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, end: t.Callable[[ssl.SSLSocket], object], said: str
) -> None:
    monkeypatch.setattr(kube_forward, "EXEC_SECONDS", 0.5)
    with context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as listener:
        threading.Thread(target=answer_and, args=(end, listener), daemon=True).start()
        with pytest.raises(Unreachable, match=f"cat in pod databases/mariadb-0 {said}"):
            execute(ClientOf(listener.getsockname()), "databases", "mariadb-0", ["cat"], None)


def test_an_exec_whose_server_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_forward, "OPEN_SECONDS", 0.5)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(Unreachable, match=r"exec in pod databases/mariadb-0 did not begin in 0\.5 s"),
    ):
        execute(ClientOf(silent.getsockname()), "databases", "mariadb-0", ["cat"], None)


def test_an_exec_that_begins_too_late_is_ended(context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_forward, "OPEN_SECONDS", 0.5)
    with context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as listener:
        with pytest.raises(Unreachable, match="did not begin"):
            execute(ClientOf(listener.getsockname()), "databases", "mariadb-0", ["cat"], None)
        connection, _address = listener.accept()
        with connection:
            connection.settimeout(10)
            connection.sendall(shake_hands(connection))
            assert connection.recv(4096)[0] == CLOSE


def refuse(listener: ssl.SSLSocket, status: bytes, message: bytes) -> None:
    """Answer each request for a web socket with a Kubernetes Status."""
    body = b'{"kind":"Status","message":"' + message + b'"}'
    with contextlib.suppress(OSError):
        while True:
            connection, _address = listener.accept()
            with connection:
                shake_hands(connection)
                length = str(len(body)).encode()
                connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: " + length + b"\r\n\r\n" + body)


def use_a_forward(server: ssl.SSLSocket, heard: bytes) -> None:
    """Hear the server through a port-forward, then nothing of it through a second one, as a driver that gives up."""
    with forward(ClientOf(server.getsockname()), "databases", "mariadb-0", PORT) as address:
        with socket.create_connection(address, timeout=10) as first:
            assert first.recv(100) == heard
        server.close()
        with socket.create_connection(address, timeout=10) as second:
            assert second.recv(100) == b""
        raise Unreachable("the other side hung up")


MISSING_RIGHT = b"pods is forbidden: User eve cannot get resource pods/portforward"


@pytest.mark.parametrize(
    ("status", "message", "kind", "said"),
    [
        (b"403 Forbidden", MISSING_RIGHT, AccessDenied, 'Grant .* the verb "get" on resource "pods/portforward"'),
        (b"404 Not Found", b"pods mariadb-0 not found", Unreachable, "mariadb-0 not found"),
    ],
)
def test_who_fails_on_a_refused_port_forward_learns_the_reason(
    context: ssl.SSLContext, status: bytes, message: bytes, kind: type[HaError], said: str
) -> None:
    with context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as listener:
        threading.Thread(target=refuse, args=(listener, status, message), daemon=True).start()
        with pytest.raises(HaError, match=said) as caught:
            use_a_forward(listener, b"")
    assert caught.type is kind


def test_what_fails_behind_a_port_forward_that_works_stays_what_it_is(context: ssl.SSLContext) -> None:
    with context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as listener:
        threading.Thread(target=serve, args=(listener, False), daemon=True).start()
        with pytest.raises(Unreachable, match="hung up"):
            use_a_forward(listener, GREETING)


def use_an_exec(client: Client) -> None:
    execute(client, "databases", "mariadb-0", ["cat"], None)


def use_a_socket(client: Client) -> None:
    open_forward(client, "databases", "mariadb-0", PORT).close()


@pytest.mark.parametrize("use", [use_an_exec, use_a_socket])
@pytest.mark.parametrize(
    ("impersonated", "told"),
    [
        ({}, []),
        ({"impersonate_user": "eve"}, ["impersonate-user: eve"]),
        (
            {"impersonate_user": "eve", "impersonate_groups": ["devs", "system:masters"]},
            ["impersonate-group: devs", "impersonate-group: system:masters", "impersonate-user: eve"],
        ),
    ],
)
@pytest.mark.parametrize("token", ["", "secret"], ids=["a certificate", "a token"])
def test_a_pod_is_reached_as_whom_all_else_is_done(
    context: ssl.SSLContext, use: t.Callable[[Client], None], token: str, impersonated: t.Any, told: list[str]
) -> None:
    heard: list[str] = []

    def listen(server: ssl.SSLSocket) -> None:
        with contextlib.suppress(OSError):
            connection, _address = server.accept()
            with connection:
                request = asked(connection)
                heard.extend(request.decode().splitlines())
                connection.sendall(handshake(request))

    with context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as server:
        listener = threading.Thread(target=listen, args=(server,), daemon=True)
        listener.start()
        with contextlib.suppress(HaError):  # the server hangs up
            use(ClientOf(server.getsockname(), token, **impersonated))
        listener.join(10)
    headers = [(name.lower(), value) for name, _colon, value in (line.partition(": ") for line in heard)]
    assert sorted(f"{name}: {value}" for name, value in headers if name.startswith("impersonate")) == told
    assert [value for name, value in headers if name == "authorization"] == ([f"Bearer {token}"] if token else [])
    [protocols] = [value for name, value in headers if name == "sec-websocket-protocol"]
    assert "v4.channel.k8s.io" in protocols.split(",")


@pytest.mark.parametrize("name", ["eve\r\nImpersonate-Group: system:masters", "zo\u00eb", "a\tb"])
@pytest.mark.parametrize("impersonated", ["impersonate_user", "impersonate_groups"])
def test_whom_no_header_can_name_is_refused(impersonated: str, name: str) -> None:
    given: t.Any = name if impersonated == "impersonate_user" else ["devs", name]
    with pytest.raises(InvalidInput, match="Choose another user or group"):
        use_an_exec(ClientOf(("127.0.0.1", 1), **{impersonated: given}))
