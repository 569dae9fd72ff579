# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill's clients: writers, readers and watchers of a hosted API, each a thread with a connection of its own.

They come through the address that everybody uses. Measured is what a client without patience sees, which never tries a
request again; or one that tries it once more, at once and over a new connection.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import itertools
import json
import random
import socket
import threading
import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.drill import attempts, script
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import (
    ACKNOWLEDGED,
    FAILED,
    UNKNOWN,
    Anew,
    Event,
    Log,
    Read,
    Watched,
    Write,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

if t.TYPE_CHECKING:
    import ssl

CONNECT_SECONDS = 2.0
"""A connection takes milliseconds inside a network, and for ever when its replica's node was lost: Kubernetes sends a share of
all new ones there until it knows (40 s). With more patience the drill would measure that patience."""
REQUEST_SECONDS = 10.0
"""A request without an answer for so long is given up; the writer or reader goes on with the next one."""
WATCH_SILENCE_SECONDS = 30.0
"""client-go takes a connection that was silent for so long for dead (the default of its HTTP/2 health check)."""
PAUSE_SECONDS = 0.2
"""Before a connection that failed is made again."""
GONE = 410


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a hosted API answers, which name its certificate carries, and as whom to ask it."""

    host: str
    port: int
    server_name: str
    context: ssl.SSLContext


class NotSent(Exception):
    """The API server never got the request."""


NO_ANSWER = (NotSent, OSError, http.client.HTTPException, ValueError)
"""What is raised for a request without an answer; a ValueError where an answer broke off."""


class Connection:
    """One connection to an API, made anew when it was lost."""

    def __init__(self, address: Address, timeout: float = REQUEST_SECONDS) -> None:
        self._address, self._timeout = address, timeout
        self._http: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, body: Object | None = None) -> http.client.HTTPResponse:
        """The response, its body still to be read. Raises NotSent, or OSError or HTTPException when no answer came."""
        # http.client ends a connection that the server will not go on with, and would open a plain one in its place.
        if self._http is None or self._http.sock is None:
            self._http = self._connected()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        self._http.request(method, path, json.dumps(body) if body is not None else None, headers)
        return self._http.getresponse()

    def _connected(self) -> http.client.HTTPConnection:
        to, name = self._address, self._address.server_name
        connection = http.client.HTTPConnection(name, timeout=self._timeout)
        try:
            raw = socket.create_connection((to.host, to.port), timeout=CONNECT_SECONDS)
            raw.settimeout(self._timeout)
            connection.sock = to.context.wrap_socket(raw, server_hostname=name)
        except OSError as error:
            connection.close()
            raise NotSent(f"{type(error).__name__}: {error}") from error
        return connection

    def ask(self, method: str, path: str, body: Object | None = None) -> tuple[int, Object]:
        """(status, object). Raises as send() does; the connection is closed then."""
        try:
            response = self.send(method, path, body)
            return response.status, json.loads(response.read() or b"{}")
        except NO_ANSWER:
            self.close()
            raise

    def close(self) -> None:
        """End it; the next request makes another one."""
        if self._http is not None:
            self._http.close()
            self._http = None


def ask(address: Address, method: str, path: str, body: Object | None = None) -> Object:
    """The answer to a single request, {} when there is no such object. Raises Unreachable, or HaError for a refusal."""
    with contextlib.closing(Connection(address)) as connection:
        try:
            status, found = connection.ask(method, path, body)
        except NO_ANSWER as error:
            raise Unreachable(
                f"The hosted API at {address.host}:{address.port} did not answer {method} {path}: {error}"
            ) from error
    if status == http.client.NOT_FOUND:
        return {}
    if status >= 300:
        raise HaError(f"The hosted API answered {status} to {method} {path}: {found.get('message')}")
    return found


@dataclasses.dataclass(frozen=True)
class Load:
    """How much is asked of the hosted API: writes a second by all writers together, and how many clients of each sort.

    ``retries`` is how often writers and readers try a request again.
    """

    writers: int
    rate: float
    readers: int
    watchers: int
    retries: int = 0


class Clients:
    """All clients of one drill, in a namespace of the hosted cluster that is the drill's own."""

    def __init__(self, address: Address, namespace: str, load: Load) -> None:
        self.log = Log()
        self._address, self._load = address, load
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"
        self._started = time.monotonic()
        self._no_more_writes, self._end = threading.Event(), threading.Event()
        self._readable: list[str] = []
        self._writing: list[threading.Thread] = []
        self._looking: list[threading.Thread] = []

    def now(self) -> float:
        """Seconds since the drill began."""
        return time.monotonic() - self._started

    def start(self) -> None:
        """Begin to watch, then to write and to read."""
        version = ask(self._address, "GET", self._path)["metadata"]["resourceVersion"]
        self.log.watchers = [Watched(f"watcher {number}") for number in range(self._load.watchers)]
        self._looking = [self._thread(self._watch, each, version) for each in self.log.watchers]
        self._writing = [self._thread(self._write, number) for number in range(self._load.writers)]
        self._writing += [self._thread(self._read) for _number in range(self._load.readers)]

    def stop_writing(self) -> None:
        """End writers and readers, each after the request it is at."""
        self._no_more_writes.set()
        self.log.calm_at = self.now()  # that a last request is not answered is no gap: nobody asks any more
        for thread in self._writing:
            thread.join()

    def stop(self) -> None:
        """End everybody. Watchers may hang in a connection: they are left behind, and what they see is seen no more."""
        self._no_more_writes.set()
        self._end.set()

    def _thread(self, act: t.Callable[..., None], *arguments: t.Any) -> threading.Thread:
        thread = threading.Thread(target=act, args=arguments, daemon=True, name=f"drill {act.__name__}")
        thread.start()
        return thread

    # -- writers --------------------------------------------------------------------------------------------------

    def _write(self, writer: int) -> None:
        connection, period = Connection(self._address), self._load.writers / self._load.rate
        # Or all writers would write at the same moments.
        due = time.monotonic() + period * random.random()  # noqa: S311
        for number in itertools.count():
            for step in script.steps(writer, number):
                if self._no_more_writes.wait(max(0.0, due - time.monotonic())):
                    connection.close()
                    return
                due = max(due + period, time.monotonic())
                write = self._try(connection, step)
                self.log.writes.append(write)
                if write.outcome == ACKNOWLEDGED and step.verb == "create" and script.stays(step.key):
                    self._readable.append(step.key)
                if write.outcome != ACKNOWLEDGED or write.tries > 1:
                    break  # what became of it must stay to be seen; and a first attempt may still be done, late

    def _try(self, connection: Connection, step: script.Step) -> Write:
        began, tries = self.now(), 1
        found = self._attempt(connection, step)
        if self._load.retries and attempts.worth_another(found.status):
            connection.close()
            second, tries = self._attempt(connection, step), 2
            found = attempts.together(step.verb, found, second, lambda: self._version_of(connection, step))
        return Write(
            step.verb, step.key, step.value, began, self.now(), found.outcome, found.version, found.error, tries
        )

    def _attempt(self, connection: Connection, step: script.Step) -> attempts.Attempt:
        method = {"create": "POST", "update": "PUT", "delete": "DELETE"}[step.verb]
        path = self._path if step.verb == "create" else f"{self._path}/{step.key}"
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": step.key}, "data": {"value": step.value}}
        try:
            status, answer = connection.ask(method, path, None if step.verb == "delete" else body)
            if status < 300:
                version = None if step.verb == "delete" else int(answer["metadata"]["resourceVersion"])
                return attempts.Attempt(ACKNOWLEDGED, status, version)
            error = f"{status} {answer.get('reason') or ''} {answer.get('message') or ''}"[:200].strip()
            return attempts.Attempt(FAILED if status < 500 else UNKNOWN, status, error=error)
        except NotSent as cause:
            return attempts.Attempt(FAILED, None, error=str(cause))
        except (OSError, http.client.HTTPException, ValueError) as cause:
            return attempts.Attempt(UNKNOWN, None, error=f"{type(cause).__name__}: {cause}")

    def _version_of(self, connection: Connection, step: script.Step) -> int | None:
        """The resourceVersion of a step's object when it says what the step wants, None when it does not or does not answer."""
        with contextlib.suppress(*NO_ANSWER):
            status, answer = connection.ask("GET", f"{self._path}/{step.key}")
            if status == http.client.OK and (answer.get("data") or {}).get("value") == step.value:
                return int(answer["metadata"]["resourceVersion"])
        return None

    # -- readers --------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """GET what was acknowledged last: the one request that no API server answers out of its memory."""
        connection = Connection(self._address)
        while not self._no_more_writes.wait(PAUSE_SECONDS):
            if not self._readable:
                continue
            key, began, tries = self._readable[-1], self.now(), 1
            status = self._status_of(connection, key)
            if self._load.retries and attempts.worth_another(status):
                connection.close()
                status, tries = self._status_of(connection, key), 2
            found = {http.client.OK: True, http.client.NOT_FOUND: False}.get(status or 0)
            self.log.reads.append(Read(key, began, self.now(), found, tries))
        connection.close()

    def _status_of(self, connection: Connection, key: str) -> int | None:
        with contextlib.suppress(*NO_ANSWER):
            return connection.ask("GET", f"{self._path}/{key}")[0]
        return None

    # -- watchers -------------------------------------------------------------------------------------------------

    def _watch(self, watched: Watched, version: str) -> None:
        connection = Connection(self._address, WATCH_SILENCE_SECONDS)
        while not self._end.is_set():
            path = f"{self._path}?watch=true&allowWatchBookmarks=true&resourceVersion={version}"
            try:
                response = connection.send("GET", path)
                if response.status == http.client.OK:
                    for line in response:
                        version = self._note(watched, json.loads(line)) or version
                elif response.status == GONE:
                    raise _Gone
            except _Gone:
                with contextlib.suppress(HaError):
                    version = self._begin_anew(watched, version)
            except NO_ANSWER:
                pass
            if not self._end.is_set():
                watched.broken += 1
            connection.close()
            self._end.wait(PAUSE_SECONDS)

    def _begin_anew(self, watched: Watched, after: str) -> str:
        """List, and write down what is there; the version to go on from."""
        found = ask(self._address, "GET", self._path)
        version = found["metadata"]["resourceVersion"]
        objects = {
            item["metadata"]["name"]: str((item.get("data") or {}).get("value"))
            for item in found["items"]
            if script.is_ours(item["metadata"]["name"])
        }
        if not self._end.is_set():
            watched.anew.append(Anew(int(after), int(version), objects))
        return str(version)

    def _note(self, watched: Watched, event: Object) -> str:
        """Write an event down; the version to go on from."""
        kind, found = event["type"], event["object"]
        if kind == "ERROR":
            raise _Gone if found.get("code") == GONE else http.client.HTTPException(str(found.get("message")))
        metadata = found["metadata"]
        if kind in ("ADDED", "MODIFIED", "DELETED") and script.is_ours(metadata["name"]) and not self._end.is_set():
            value = (found.get("data") or {}).get("value")
            watched.events.append(Event(self.now(), kind, metadata["name"], value, int(metadata["resourceVersion"])))
        return str(metadata["resourceVersion"])


class _Gone(Exception):
    """The API server does not know the version any more from which a watch wants to go on."""
