# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns what the Kubernetes API server answers into sentences that say what to do. PURE."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import mask_text
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    AccessDenied,
    Conflict,
    Forbidden,
    HaError,
    InvalidInput,
    NotFound,
    Stale,
    Unreachable,
    WebhookSilent,
)

# The role that brings a group's custom resource definitions, for "no CRD installed" sentences.
ROLE_OF_GROUP = {
    "acid.zalan.do": "k0smotron.ha.postgres_operator",
    "postgresql.cnpg.io": "k0smotron.ha.cloudnativepg_operator",
    "k8s.mariadb.com": "k0smotron.ha.mysql_operator",
    "mysql.oracle.com": "k0smotron.ha.mysql_operator with mysql_operator_provider: innodbcluster",
    "k0smotron.io": "k0smotron.ha.k0smotron",
    "cluster.x-k8s.io": "k0smotron.ha.cluster_api",
    "controlplane.cluster.x-k8s.io": "k0smotron.ha.cluster_api",
    "infrastructure.cluster.x-k8s.io": "k0smotron.ha.cluster_api",
}

CORRECT = "Correct the input"
# What the API server says, with status 500, while the store behind it chooses another leader or is slow.
STORE_CHANGES = re.compile(r"etcdserver|leader changed")


@dataclasses.dataclass(frozen=True)
class Request:
    """What was asked of the API server, in the words of Kubernetes' access rules."""

    verb: str
    resource: str
    group: str = ""
    namespace: str | None = None
    name: str | None = None

    def subject(self) -> str:
        """`secrets "db" in namespace "team-a"`."""
        name = f' "{self.name}"' if self.name else ""
        namespace = f' in namespace "{self.namespace}"' if self.namespace else ""
        return f"{self.resource}{name}{namespace}"


class ApiError(Exception):
    """An answer of the API server with an error status; status 0 means that no answer came."""

    def __init__(self, status: int, body: str) -> None:
        self.status = status
        self.content = _status_object(body)
        self.message = mask_text(str(self.content.get("message") or body or "no further words"))
        super().__init__(f"{status}: {self.message}")

    @property
    def details(self) -> dict[str, t.Any]:
        return self.content.get("details") or {}

    @property
    def causes(self) -> list[dict[str, t.Any]]:
        return self.details.get("causes") or []


def _status_object(body: str) -> dict[str, t.Any]:
    """The Kubernetes Status object in an error answer; {} when a proxy or a broken server sent something else."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def explain(failure: ApiError, request: Request) -> HaError:
    """The typed error for a failed request."""
    if "failed calling webhook" in failure.message or "conversion webhook" in failure.message:
        return _webhook(failure, request)
    explainers: dict[int, t.Callable[[ApiError, Request], HaError]] = {
        401: _unauthorized,
        403: _forbidden,
        404: _not_found,
        409: _conflict,
        422: _invalid,
    }
    return explainers.get(failure.status, _other)(failure, request)


def unreachable(server: str, reason: str) -> Unreachable:
    """The API server did not answer at all."""
    return Unreachable(
        f"The Kubernetes API server {server} cannot be reached: {mask_text(reason)}",
        "Check that the cluster runs, and that kubeconfig and context name the right one",
    )


def kind_not_served(api_version: str, kind: str) -> NotFound:
    """The API server knows no such kind: its custom resource definition is missing or has other versions."""
    group = api_version.rpartition("/")[0]
    role = ROLE_OF_GROUP.get(group)
    remedy = f"Run the role {role} first" if role else f"Install what brings {kind} of {api_version}"
    return NotFound(f"This cluster does not serve {kind} of {api_version}: no CRD of that version is installed", remedy)


def _unauthorized(failure: ApiError, request: Request) -> HaError:
    return AccessDenied(
        f"The API server does not accept the credentials (401 {failure.message})",
        "Renew the token or client certificate in the kubeconfig, or choose another context",
    )


def _forbidden(failure: ApiError, request: Request) -> HaError:
    if any(cause.get("reason") == "NamespaceTerminating" for cause in failure.causes):
        return Conflict(f'Namespace "{request.namespace}" is being deleted', "Wait until it is gone, then run again")
    if "cannot" not in failure.message or failure.message.startswith("admission webhook"):
        return Forbidden(f"The API server refuses to {request.verb} {request.subject()}: {failure.message}")
    user = re.search(r'User "([^"]*)"', failure.message)
    who = f'user "{user.group(1)}"' if user else "the current user"
    where = f' in namespace "{request.namespace}"' if request.namespace else " cluster-wide"
    return AccessDenied(
        f"Not allowed to {request.verb} {request.subject()}",
        f'Grant {who} the verb "{request.verb}" on resource "{request.resource}" of API group "{request.group}"{where}',
    )


def _not_found(failure: ApiError, request: Request) -> HaError:
    if failure.details.get("kind") == "namespaces":
        missing = failure.details.get("name") or request.namespace
        return NotFound(f'Namespace "{missing}" does not exist', "Create it first")
    return NotFound(f"There is no {request.subject()} ({failure.message})")


def _conflict(failure: ApiError, request: Request) -> HaError:
    owned = [cause for cause in failure.causes if cause.get("reason") == "FieldManagerConflict"]
    if not owned:
        error = Stale if "has been modified" in failure.message else Conflict
        return error(f"Somebody else changes {request.subject()} right now: {failure.message}", "Run it again")
    fields = ", ".join(f"{cause.get('field')} ({cause.get('message')})" for cause in owned)
    return Conflict(
        f"Another manager owns fields of {request.subject()}: {fields}",
        "Set these fields there, or take them out of there",
    )


def _invalid(failure: ApiError, request: Request) -> HaError:
    remedy = CORRECT
    if "immutable" in failure.message:
        remedy = "This field is fixed at creation: keep its value, or delete the object and run again"
    return InvalidInput(f"The API server refuses {request.subject()}: {_field_errors(failure, request)}", remedy)


def _field_errors(failure: ApiError, request: Request) -> str:
    """`spec.replicas: must be at least 1; ...`; for a Secret without the text, which quotes the refused value."""
    if request.resource == "secrets":
        fields = [f"{cause.get('field')}: {cause.get('reason')}" for cause in failure.causes]
        return "; ".join(fields) or "invalid content"
    fields = [mask_text(f"{cause.get('field')}: {cause.get('message')}") for cause in failure.causes]
    return "; ".join(fields) or failure.message


def _patch_error(failure: ApiError, request: Request) -> str:
    """The end of a long sentence, as in `.spec.foo: field not declared in schema`; it may quote a Secret's value."""
    if request.resource == "secrets":
        return "its content does not fit the schema"
    return failure.message.partition("): ")[2] or failure.message


def _webhook(failure: ApiError, request: Request) -> HaError:
    name = re.search(r'failed calling webhook "([^"]*)"', failure.message)
    which = f'admission webhook "{name.group(1)}"' if name else "conversion webhook"
    restarts = "no endpoints available" in failure.message or "connection refused" in failure.message
    return (WebhookSilent if restarts else Unreachable)(
        f"The {which} that must approve {request.subject()} does not answer: {failure.message}",
        "Check the Deployment behind the webhook's Service, and that the webhook's caBundle fits its certificate",
    )


def _other(failure: ApiError, request: Request) -> HaError:
    if "failed to create typed patch object" in failure.message:
        return InvalidInput(f"The API server refuses {request.subject()}: {_patch_error(failure, request)}", CORRECT)
    text = "invalid content" if request.resource == "secrets" else failure.message
    sentence = f"The API server answers {failure.status} to {request.verb} {request.subject()}: {text}"
    passes = failure.status in (429, 502, 503, 504) or STORE_CHANGES.search(failure.message)
    return Unreachable(sentence, "Run it again") if passes else HaError(sentence)
