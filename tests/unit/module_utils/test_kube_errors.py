# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server answers, as sentences."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import errors
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import PROVIDERS, Datastore
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_errors import (
    ApiError,
    Request,
    explain,
    kind_not_served,
    unreachable,
)

ROLES = Path(__file__).parents[3] / "roles"
CLUSTERS = Request("patch", "clusters", "k0smotron.io", "team-a", "cp")
SECRETS = Request("patch", "secrets", "", "team-a", "db")


def answer(status: int, message: str, **details: t.Any) -> ApiError:
    return ApiError(status, json.dumps({"kind": "Status", "message": message, "details": details, "code": status}))


def test_a_webhooks_refusal_is_no_missing_permission() -> None:
    refusal = 'admission webhook "validation.cluster" denied the request: it cannot be deleted, because it is used'
    error = explain(answer(403, refusal), CLUSTERS)
    assert (type(error), error.message) == (
        errors.Forbidden,
        f"The API server refuses to patch {CLUSTERS.subject()}: {refusal}",
    )


def test_a_missing_permission_is_named() -> None:
    message = 'clusters.k0smotron.io "cp" is forbidden: User "eve" cannot patch resource "clusters" in API group'
    error = explain(answer(403, message), CLUSTERS)
    assert isinstance(error, errors.Forbidden)
    for part in ("patch", '"clusters"', '"k0smotron.io"', 'namespace "team-a"', '"eve"'):
        assert part in str(error)


def test_a_refusal_by_policy_is_not_called_a_missing_permission() -> None:
    error = explain(answer(403, 'pods "p" is forbidden: exceeded quota: q'), CLUSTERS)
    assert "exceeded quota" in str(error)
    assert "Grant" not in str(error)


def test_a_dying_namespace() -> None:
    causes = [{"reason": "NamespaceTerminating"}]
    error = explain(answer(403, "forbidden: because it is being terminated", causes=causes), CLUSTERS)
    assert isinstance(error, errors.Conflict)
    assert str(error).startswith('Namespace "team-a" is being deleted.')


def test_credentials() -> None:
    error = explain(answer(401, "Unauthorized"), CLUSTERS)
    assert isinstance(error, errors.Forbidden)
    assert "credentials" in error.message


def test_a_missing_namespace() -> None:
    error = explain(answer(404, "not found", kind="namespaces", name="team-a"), CLUSTERS)
    assert isinstance(error, errors.NotFound)
    assert 'Namespace "team-a" does not exist' in str(error)


def test_a_field_conflict_names_the_other_manager() -> None:
    causes = [{"reason": "FieldManagerConflict", "message": 'conflict with "helm" using v1', "field": ".spec.replicas"}]
    error = explain(answer(409, "Apply failed", causes=causes), CLUSTERS)
    assert isinstance(error, errors.Conflict)
    assert '.spec.replicas (conflict with "helm" using v1)' in str(error)


def test_a_lost_race_asks_for_another_run() -> None:
    assert "Run it again" in str(explain(answer(409, "the object has been modified"), CLUSTERS))


def test_field_errors_are_shown() -> None:
    causes = [{"field": "spec.replicas", "message": "Invalid value: 0", "reason": "FieldValueInvalid"}]
    error = explain(answer(422, "is invalid", causes=causes), CLUSTERS)
    assert isinstance(error, errors.InvalidInput)
    assert "spec.replicas: Invalid value: 0" in str(error)


def test_an_immutable_field_says_how_to_go_on() -> None:
    causes = [{"field": "spec.selector", "message": "field is immutable", "reason": "FieldValueInvalid"}]
    error = explain(answer(422, "Deployment is invalid: spec.selector: field is immutable", causes=causes), CLUSTERS)
    assert "fixed at creation" in error.remedy


@pytest.mark.parametrize(
    "failure",
    [
        answer(422, "bad: hunter2", causes=[{"field": "data.url", "message": 'Invalid value: "hunter2"'}]),
        answer(422, "bad: hunter2"),
        answer(500, "illegal base64 data in hunter2"),
        answer(500, 'failed to create typed patch object (team-a/db; /v1, Kind=Secret): .data.url: "hunter2"'),
        answer(409, "conflict", causes=[{"reason": "FieldManagerConflict", "field": ".data.url", "message": "x"}]),
    ],
)
def test_values_of_secrets_are_never_quoted(failure: ApiError) -> None:
    assert "hunter2" not in str(explain(failure, SECRETS))


def test_passwords_of_urls_are_never_quoted() -> None:
    causes = [{"field": "spec.url", "message": 'Invalid value: "postgres://u:hunter2@h/d"'}]
    error = explain(answer(422, 'Invalid value: "postgres://u:hunter2@h/d"', causes=causes), CLUSTERS)
    assert "hunter2" not in str(error)


def test_a_field_that_the_schema_does_not_know() -> None:
    message = "failed to create typed patch object (team-a/cp; k0smotron.io/v1beta1, Kind=Cluster): .spec.x: field not"
    error = explain(answer(500, message), CLUSTERS)
    assert isinstance(error, errors.InvalidInput)
    assert ": .spec.x: field not" in str(error)


@pytest.mark.parametrize(
    "message",
    [
        'Internal error occurred: failed calling webhook "v.k0smotron.io": failed to call webhook: no endpoints',
        'conversion webhook for k0smotron.io/v1beta2, Kind=Cluster failed: Post "https://x": x509: unknown authority',
    ],
)
def test_a_webhook_that_does_not_answer(message: str) -> None:
    error = explain(answer(500, message), CLUSTERS)
    assert isinstance(error, errors.Unreachable)
    assert "caBundle" in error.remedy
    assert message.rpartition(": ")[2] in str(error)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ('no endpoints available for service "k0smotron-webhook-service"', errors.WebhookSilent),
        ("dial tcp 10.0.0.1:443: connect: connection refused", errors.WebhookSilent),
        ("x509: certificate signed by unknown authority", errors.Unreachable),
    ],
)
def test_only_a_webhook_that_restarts_is_asked_again(reason: str, kind: type[errors.HaError]) -> None:
    message = f'Internal error occurred: failed calling webhook "v.k0smotron.io": failed to call webhook: {reason}'
    assert explain(answer(500, message), CLUSTERS).__class__ is kind


@pytest.mark.parametrize(
    ("status", "kind"), [(503, errors.Unreachable), (429, errors.Unreachable), (500, errors.HaError)]
)
def test_what_may_pass_by_itself(status: int, kind: type[errors.HaError]) -> None:
    assert explain(answer(status, "busy"), CLUSTERS).__class__ is kind


@pytest.mark.parametrize("message", ["etcdserver: request timed out", "rpc error: leader changed"])
def test_a_store_that_changes_its_leader_passes_by_itself(message: str) -> None:
    assert explain(answer(500, message), CLUSTERS).__class__ is errors.Unreachable


def test_an_answer_of_something_else_than_kubernetes() -> None:
    assert "<html>teapot" in str(explain(ApiError(418, "<html>teapot"), CLUSTERS))


@pytest.mark.parametrize(
    ("api_version", "kind", "role"),
    [
        ("k0smotron.io/v1beta1", "Cluster", "k0smotron.ha.k0smotron"),
        (
            "mysql.oracle.com/v2",
            "InnoDBCluster",
            "k0smotron.ha.mysql_operator with mysql_operator_provider: innodbcluster",
        ),
    ],
)
def test_a_missing_definition_names_the_role_that_brings_it(api_version: str, kind: str, role: str) -> None:
    sentence = str(kind_not_served(api_version, kind))
    assert "no CRD" in sentence
    assert role in sentence


@pytest.mark.parametrize("provider", PROVIDERS.values())
def test_each_database_operator_has_its_role(provider: type[Datastore]) -> None:
    remedy = kind_not_served(provider.api_version, provider.kind).remedy
    role = re.match(r"Run the role k0smotron\.ha\.(\w+)", remedy)
    assert role, remedy
    assert (ROLES / role[1] / "tasks" / "main.yml").is_file()


def test_unreachable_names_the_server() -> None:
    assert "https://k:6443" in str(unreachable("https://k:6443", "Connection refused"))
