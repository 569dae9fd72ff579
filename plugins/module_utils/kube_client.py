# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection to a Kubernetes API server: requests, and which kinds it serves.

kubernetes.core makes the connection, so that every way to authenticate works here as it does there (kubeconfig,
context, token, certificates, proxy, impersonation, K8S_AUTH_* and KUBECONFIG). Requests then go straight to the
paths of the API: no discovery of the whole server, only /apis/<group>/<version> of the kinds in use.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
import traceback
import typing as t
from urllib.parse import quote

from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import mask_text
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_errors import (
    ApiError,
    Request,
    explain,
    kind_not_served,
    unreachable,
)

try:
    import urllib3
    from kubernetes.client.exceptions import ApiException

    IMPORT_ERROR: str | None = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

CONNECT_SECONDS = 5.0
# Longer than the 30 s that the API server itself gives a webhook at most.
ANSWER_SECONDS = 60.0
# The server is busy or restarts. Every request made here may safely be sent twice.
RETRY_STATUS = frozenset({429, 503})
RETRY_PAUSES = (0.5, 1.0, 2.0)

Query: t.TypeAlias = t.Sequence[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Resource:
    """How a kind is addressed: its plural and whether it lives in namespaces."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    @property
    def group(self) -> str:
        """API group; "" for the core group."""
        return self.api_version.rpartition("/")[0]

    def path(self, name: str | None = None, namespace: str | None = None) -> str:
        """The URL path of one object (name given) or of the collection, in all namespaces when none is given."""
        parts = [_version_path(self.api_version)]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        return "/".join(parts)

    def object_path(self, name: str, namespace: str | None) -> str:
        """The URL path of one object. Without its name it would be that of all of them, for DELETE too: InvalidInput."""
        if not name:
            raise InvalidInput(f"The name of a {self.kind} is empty", "Give its name")
        if self.namespaced and namespace == "":
            raise InvalidInput(f"The namespace of {self.kind} {name} is empty", "Give its namespace")
        return self.path(name, namespace)

    def request(self, verb: str, name: str | None = None, namespace: str | None = None) -> Request:
        """The same in the words of access rules, for error sentences."""
        return Request(verb, self.plural, self.group, namespace if self.namespaced else None, name)


def _version_path(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


class Client:
    """Typed requests over kubernetes.core's client. Raises HaError (from explain) for every failure."""

    def __init__(self, dynamic: t.Any) -> None:
        self._dynamic = dynamic
        self._served: dict[str, dict[str, Resource]] = {}

    @property
    def configuration(self) -> t.Any:
        """The kubernetes library's Configuration: host, certificates, token."""
        return self._dynamic.client.configuration

    @property
    def impersonation(self) -> list[tuple[str, str]]:
        """The headers that say as whom we act, one for each group. kubernetes.core adds them to its own requests only."""
        sent = self._dynamic.client.default_headers.items()
        return [(str(name), value) for name, value in sent if name.startswith("Impersonate-")]

    def call(
        self,
        method: str,
        path: str,
        request: Request,
        *,
        query: Query = (),
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """One request; the answer as an object."""
        try:
            answer = self.send(method, path, query=query, body=body, content_type=content_type)
        except ApiError as failure:
            raise explain(failure, request) from failure
        return t.cast(Object, json.loads(answer))

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        """One request, sent again a few times while the server is too busy. Raises ApiError or Unreachable."""
        for pause in RETRY_PAUSES:
            try:
                return self._send_once(method, path, query, body, content_type)
            except ApiError as failure:
                if failure.status not in RETRY_STATUS:
                    raise
            time.sleep(pause)
        return self._send_once(method, path, query, body, content_type)

    def _send_once(self, method: str, path: str, query: Query, body: Object | None, content_type: str) -> bytes:
        try:
            answer = self._dynamic.request(
                method,
                path,
                body=body,
                query_params=list(query),
                header_params={"Accept": "application/json, */*"},
                content_type=content_type,
                _request_timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                serialize=False,
            )
            return t.cast(bytes, answer.data)
        except ApiException as error:
            raise _api_error(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(self.configuration.host, _root_cause(error)) from error

    def find(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind, None when the server does not serve it. Asked once per API version."""
        if kind not in self._served.get(api_version, {}):
            self._served[api_version] = self._ask_served(api_version)
        return self._served[api_version].get(kind)

    def resource(self, api_version: str, kind: str) -> Resource:
        """As find, but raises NotFound with the role to run."""
        found = self.find(api_version, kind)
        if found is None:
            raise kind_not_served(api_version, kind)
        return found

    def _ask_served(self, api_version: str) -> dict[str, Resource]:
        try:
            answer = json.loads(self.send("GET", _version_path(api_version)))
        except ApiError as failure:
            if failure.status == 404:
                return {}
            raise explain(failure, Request("get", f"the API {api_version}")) from failure
        return {
            entry["kind"]: Resource(api_version, entry["kind"], entry["name"], entry["namespaced"])
            for entry in answer.get("resources") or []
            if "/" not in entry["name"]
        }


def _api_error(error: t.Any) -> ApiError:
    """The library's ApiException as ours; its body is text or bytes, depending on the library's version."""
    body = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else error.body
    return ApiError(error.status or 0, body or str(error.reason))


def connect(params: t.Mapping[str, t.Any]) -> Client:
    """A Client from a module's parameters (those of kubernetes.core's k8s_auth_options; others are ignored)."""
    auth = {name: params.get(name) for name in AUTH_ARG_SPEC}
    try:
        return Client(get_api_client(None, **auth).client)
    except ApiException as error:
        raise explain(_api_error(error), Request("get", "the API")) from error
    except urllib3.exceptions.HTTPError as error:
        raise unreachable(_server_in(error), _root_cause(error)) from error
    except HaError:
        raise
    except Exception as error:  # the library lets every parser error of a broken kubeconfig through as it is
        raise InvalidInput(
            f"The connection data ({_source_of(auth)}) cannot be used: {mask_text(str(error))}",
            "Give kubeconfig (and context), or set KUBECONFIG or the K8S_AUTH_* variables",
        ) from error


def _source_of(auth: t.Mapping[str, t.Any]) -> str:
    """Where the connection data came from, without its content."""
    if isinstance(auth.get("kubeconfig"), str):
        return f"kubeconfig {auth['kubeconfig']}"
    if auth.get("kubeconfig"):
        return "the kubeconfig given as data"
    if auth.get("host"):
        return f"host {auth['host']}"
    for variable in ("K8S_AUTH_KUBECONFIG", "K8S_AUTH_HOST", "KUBECONFIG"):
        if os.environ.get(variable):
            return f"{variable}={os.environ[variable]}"
    return "no option and no variable is set, so ~/.kube/config"


def _root_cause(error: BaseException) -> str:
    """urllib3 wraps the cause in layers that repeat the URL: the innermost says what happened."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _root_cause(reason)
    return str(error).rpartition(": ")[2] or type(error).__name__


def _server_in(error: BaseException) -> str:
    pool = getattr(error, "pool", None)
    return f"{pool.host}:{pool.port}" if pool is not None else "of the kubeconfig"
