# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reaches into pods through the API server: port-forward on loopback, HTTPS over it, exec.

The API server's address and credentials are all that is needed: no route to the pod network, no open node port.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import functools
import http.client
import json
import os
import re
import select
import socket
import ssl
import tempfile
import threading
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import mask_text
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    AccessDenied,
    HaError,
    InvalidInput,
    Unreachable,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_errors import ApiError, Request, explain

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube_client import Client

try:
    from kubernetes.client.exceptions import ApiException
    from kubernetes.stream import ws_client
    from websocket import WebSocketException, WebSocketTimeoutException
except ImportError:
    pass  # kube_module.run() reports it

BLOCK_BYTES = 64 * 1024
OPEN_SECONDS = 30.0
EXEC_SECONDS = 60.0
LONGEST_REASON = 400
PROTOCOL = "v4.channel.k8s.io"
"""Of exec and port-forward; what every API server knows."""
HANDSHAKE_STATUS = re.compile(r"Handshake status (\d{3})")


@contextlib.contextmanager
def forward(client: Client, namespace: str, pod: str, port: int) -> t.Iterator[tuple[str, int]]:
    """Listen on loopback and pipe each accepted connection through a port-forward of its own.

    Gives (host, port). At exit the listener and all connections are closed. A connection whose port-forward fails
    is closed at once: the client sees what it would see of a server that hangs up. When the body fails and no
    port-forward ever worked, the error is that of the first one.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = _Relay(client, namespace, pod, port, listener)
        acceptor = threading.Thread(target=relay.accept, name=f"forward {pod}:{port}", daemon=True)
        acceptor.start()
        try:
            host, local_port = listener.getsockname()
            yield host, local_port
        except (HaError, OSError) as error:
            refusal = relay.refusal
            if refusal is None:
                raise
            raise refusal from error
        finally:
            relay.close()
            acceptor.join(timeout=5)


class _Relay:
    """The accept loop of one listener and the connections it made."""

    def __init__(self, client: Client, namespace: str, pod: str, port: int, listener: socket.socket) -> None:
        self._client = client
        self._namespace, self._pod, self._port = namespace, pod, port
        self._listener = listener
        self._open: set[t.Any] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._first_error: HaError | None = None
        self._worked = False

    @property
    def refusal(self) -> HaError | None:
        """Why no port-forward ever worked; None when one did, or none was tried."""
        error = self._first_error
        if error is None or self._worked:
            return None
        # A pod that has just gone, for example, is one that does not answer: the next one may.
        typed = isinstance(error, AccessDenied | Unreachable)
        return error if typed else Unreachable(error.message, error.remedy)

    def accept(self) -> None:
        """Until close(): one thread per connection."""
        while True:
            try:
                local, _address = self._listener.accept()
            except OSError:  # close() shut the listener down
                return
            threading.Thread(target=self._pipe, args=(local,), daemon=True).start()

    def close(self) -> None:
        """End accept() and every connection."""
        with self._lock:
            self._closed = True
            connections = list(self._open)
        # A plain close() would not wake the thread that blocks in accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for connection in connections:
            _shut(connection)

    def _pipe(self, local: socket.socket) -> None:
        with local:
            try:
                remote = open_forward(self._client, self._namespace, self._pod, self._port)
            except HaError as error:
                self._first_error = self._first_error or error
                return
            self._worked = True
            with self._registered(local, remote), contextlib.suppress(OSError):
                _exchange(local, remote)
            remote.close()

    @contextlib.contextmanager
    def _registered(self, *connections: t.Any) -> t.Iterator[None]:
        with self._lock:
            if self._closed:
                for connection in connections:
                    _shut(connection)
            self._open.update(connections)
        try:
            yield
        finally:
            with self._lock:
                self._open.difference_update(connections)


def _shut(connection: t.Any) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _exchange(left: t.Any, right: t.Any) -> None:
    """Copy bytes both ways until one side ends; OSError when one breaks."""
    other = {left: right, right: left}
    while True:
        readable, _writable, _broken = select.select(list(other), [], [])
        for source in readable:
            block = source.recv(BLOCK_BYTES)
            if not block:
                return
            other[source].sendall(block)


def open_forward(client: Client, namespace: str, pod: str, port: int) -> t.Any:
    """One port-forward to a pod as a socket. Raises Unreachable."""
    # The library's `kubernetes.stream.portforward` replaces a method of the shared client for the duration of the
    # call, so two threads would disturb each other; the function underneath it has no shared state.
    url = _pod_url(client, namespace, pod, "portforward")
    try:
        forwarded = ws_client.portforward_call(
            client.configuration, "GET", url, query_params=[("ports", str(port))], headers=_headers(client)
        )
        # Where a server speaks first, as MySQL does, its words may arrive in one TLS record with the answer to the
        # handshake. The library then waits for the network although it holds them (37.0.2), and so for ever, because
        # the client waits, too. The answer to a ping makes it look.
        forwarded.websocket.ping()
    except ApiException as error:
        raise _refused(namespace, pod, "portforward", error) from error
    except (OSError, WebSocketException) as error:
        raise Unreachable(f"portforward to pod {namespace}/{pod} ended at once: {error}") from error
    return forwarded.socket(port)


def execute(client: Client, namespace: str, pod: str, command: t.Sequence[str], container: str | None) -> str:
    """Run a command in a pod and return its standard output. Raises HaError."""
    query = [("command", word) for word in command] + [("stdout", "true"), ("stderr", "true")]
    query += [("container", container)] if container else []
    url = _pod_url(client, namespace, pod, "exec")
    call = functools.partial(
        ws_client.websocket_call,
        client.configuration,
        "GET",
        url,
        query_params=query,
        headers=_headers(client),
        _preload_content=False,
        capture_all=False,
    )
    late = Unreachable(f"{command[0]} in pod {namespace}/{pod} did not end in {EXEC_SECONDS:g} s")
    try:
        session = _opened(call)
        if session is None:
            raise Unreachable(f"exec in pod {namespace}/{pod} did not begin in {OPEN_SECONDS:g} s")
        with contextlib.closing(session):
            session.sock.settimeout(EXEC_SECONDS)  # for a frame of which only a part comes
            session.run_forever(timeout=EXEC_SECONDS)
            if session.is_open():  # to read on now would wait for ever
                raise late
            output, errors = session.read_stdout() or "", session.read_stderr() or ""
            failure = _exec_failure(session.read_channel(ws_client.ERROR_CHANNEL))
    except ApiException as error:
        raise _refused(namespace, pod, "exec", error) from error
    except WebSocketTimeoutException as error:
        raise late from error
    except (OSError, WebSocketException) as error:
        raise Unreachable(f"{command[0]} in pod {namespace}/{pod} was cut off: {error}") from error
    if failure:
        raise HaError(f"{command[0]} in pod {namespace}/{pod} failed: {failure}: {mask_text(errors.strip())}")
    return str(output)


def _opened(call: t.Callable[[], t.Any]) -> t.Any:
    """The session that a call of the library opens, None when it takes too long. Raises what the call raises.

    The library connects and shakes hands without a time-out and takes none. A thread that is left behind costs nothing.
    """
    opening = concurrent.futures.Future[t.Any]()

    def open_it() -> None:
        try:
            opening.set_result(call())
        except Exception as error:  # it belongs to who waits
            opening.set_exception(error)

    threading.Thread(target=open_it, daemon=True).start()
    try:
        return opening.result(OPEN_SECONDS)
    except TimeoutError:
        opening.add_done_callback(_end_unwanted)
        return None


def _end_unwanted(opening: concurrent.futures.Future[t.Any]) -> None:
    """Close a session that opened when nobody waited for it any more."""
    if opening.exception() is None:
        opening.result().close()


def _exec_failure(text: str) -> str:
    """What the API server says at the end of an exec; "" for success.

    The library reads an exit status out of it and breaks on a program that could not even be started.
    """
    if not text:
        return "the connection ended before the program did"
    status = json.loads(text)
    if status.get("status") == "Success":
        return ""
    causes = (status.get("details") or {}).get("causes") or []
    code = next((cause["message"] for cause in causes if cause.get("reason") == "ExitCode"), None)
    return f"exit status {code}" if code else mask_text(str(status.get("message")))


def _pod_url(client: Client, namespace: str, pod: str, subresource: str) -> str:
    path = client.resource("v1", "Pod").path(pod, namespace)
    return f"{client.configuration.host}{path}/{subresource}"


def _headers(client: Client) -> dict[str, str]:
    """Who we are, and as whom we act; certificates are in the configuration.

    Of the headers that it gets the library sends only the token and the protocol on, each as it stands (create_websocket,
    24.2.0 to 37.0.2). So those of an impersonation follow the protocol, which always is there, in lines of their own.
    """
    token = client.configuration.auth_settings().get("BearerToken")
    found = {"authorization": token["value"]} if token else {}
    if acting_as := [_line(name, value) for name, value in client.impersonation]:
        found["sec-websocket-protocol"] = "\r\n".join([PROTOCOL, *acting_as])
    return found


def _line(name: str, value: str) -> str:
    """One header. Raises InvalidInput for a value that would end it, or that other requests send in another encoding."""
    if not (value.isascii() and value.isprintable()):
        raise InvalidInput(
            f"{name} {value!r} cannot be told when reaching into a pod: it is more than printable ASCII",
            "Choose another user or group for impersonate_user and impersonate_groups",
        )
    return f"{name}: {value}"


def _refused(namespace: str, pod: str, subresource: str, error: t.Any) -> HaError:
    """The error of a web socket that did not open.

    The library puts the answer's headers and body into one text, with the body (a Kubernetes Status) at the end.
    """
    reason = str(error.reason)
    status = HANDSHAKE_STATUS.search(reason)
    start = reason.find('{"kind"')
    body = reason[start:] if start >= 0 else mask_text(reason)[:LONGEST_REASON]
    failure = ApiError(int(status.group(1)) if status else 0, body)
    if failure.status in (401, 403, 404):
        return explain(failure, Request("get", f"pods/{subresource}", "", namespace, pod))
    sentence = f"{subresource} to pod {namespace}/{pod} does not work: {failure.message}"
    return Unreachable(sentence, "Check that the pod and its node run")


@dataclasses.dataclass(frozen=True)
class ClientIdentity:
    """Who we are to a TLS server and how we know it: PEM texts, and the name its certificate must carry."""

    ca: str
    cert: str
    key: str = dataclasses.field(repr=False)
    server_name: str


def https(
    address: tuple[str, int], method: str, path: str, identity: ClientIdentity, timeout: float, accept: str
) -> tuple[int, str]:
    """(status, body) of a request; the server must prove identity.server_name against identity.ca. Raises Unreachable."""
    connection = http.client.HTTPConnection(identity.server_name, timeout=timeout)
    try:
        context = tls_context(identity)
        with socket.create_connection(address, timeout=timeout) as raw:
            connection.sock = context.wrap_socket(raw, server_hostname=identity.server_name)
            connection.request(method, path, headers={"Accept": accept})
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:  # ssl.SSLError and time-outs are OSErrors
        raise Unreachable(f"{method} {path} from {identity.server_name} failed: {error}") from error
    finally:
        connection.close()


def tls_context(identity: ClientIdentity) -> ssl.SSLContext:
    """What proves us to a server, and a server to us."""
    context = ssl.create_default_context(cadata=identity.ca)
    # The ssl module reads a client certificate only from a file: ours lives for a moment, for this user alone.
    with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
        try:
            file.write(f"{identity.cert}\n{identity.key}\n")
            file.close()
            context.load_cert_chain(file.name)
        finally:
            os.unlink(file.name)
    return context
