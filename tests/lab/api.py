# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of the Kubernetes API from the standard library: JSON in, JSON out."""

from __future__ import annotations

import http.client
import json
import ssl
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError

Json = dict[str, t.Any]
MERGE = "application/merge-patch+json"


class NotFound(LabError):
    """The server has no such object."""


class Conflict(LabError):
    """The object exists, or it changed meanwhile."""


ERRORS: t.Mapping[int, type[LabError]] = {404: NotFound, 409: Conflict}


@dataclass(frozen=True)
class Api:
    host: str
    port: int
    authority: Path
    certificate: Path
    key: Path

    def get(self, path: str) -> Json:
        return self.call("GET", path)

    def items(self, path: str) -> list[Json]:
        """The items of the list at ``path``."""
        return t.cast("list[Json]", self.get(path)["items"])

    def call(
        self, method: str, path: str, body: Json | None = None, kind: str = "application/json", timeout: float = 10
    ) -> Json:
        """One request; ``kind`` is the body's content type. Raises NotFound, Conflict, LabError."""
        connection = self._connect(timeout)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": kind, "Accept": "application/json"})
            response = connection.getresponse()
            answer = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise LabError(f"The lab's API server does not answer ({error}).") from error
        finally:
            connection.close()
        if response.status >= 400:
            raise ERRORS.get(response.status, LabError)(f"{method} {path}: {response.status} {_message(answer)}")
        return t.cast(Json, json.loads(answer))

    def ready(self) -> bool:
        """Whether the server says of itself that it is ready."""
        connection = self._connect(2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def watch(self, path: str, seconds: int) -> t.Iterator[Json]:
        """Events of the collection at ``path`` for about ``seconds``; starts with one ADDED for each that exists."""
        connection = self._connect(seconds + 10)
        try:
            connection.request(
                "GET", f"{path}?watch=true&timeoutSeconds={seconds}", headers={"Accept": "application/json"}
            )
            response = connection.getresponse()
            if response.status != 200:
                raise LabError(f"WATCH {path}: {response.status} {_message(response.read().decode())}")
            for line in response:
                yield json.loads(line)
        except (OSError, http.client.HTTPException) as error:
            raise LabError(f"The lab's API server ended a watch ({error}).") from error
        finally:
            connection.close()

    def _connect(self, timeout: float) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.authority))
        context.load_cert_chain(self.certificate, self.key)
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=context)


def _message(answer: str) -> str:
    try:
        return str(json.loads(answer)["message"])
    except (ValueError, KeyError, TypeError):
        return answer[:500]
