# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Zalando operator does with a database's data once its custom resource is deleted. PURE.

The custom resource has no say in this: only the operator's own settings decide, and they delete everything unless
told otherwise (postgres-operator 1.15 and 2.0: both deletion settings default to true). The operator reads its
settings once, at start, so what counts is what they said when its pod started.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

Object: t.TypeAlias = t.Mapping[str, t.Any]

# Environment variables by which a Deployment names the operator's settings; the second wins when both are set.
CONFIG_MAP_ENV = "CONFIG_MAP_NAME"
CONFIGURATION_ENV = "POSTGRES_OPERATOR_CONFIGURATION_OBJECT"
# What Go's strconv.ParseBool takes for true.
TRUE_WORDS = ("1", "t", "true")


@dataclasses.dataclass(frozen=True)
class Operator:
    """A running (or stopped) operator and where its settings are."""

    name: str
    namespace: str
    running: bool
    pod_labels: t.Mapping[str, str]
    settings_api_version: str
    settings_kind: str
    settings_name: str
    settings_namespace: str


@dataclasses.dataclass(frozen=True)
class Retention:
    """Which data stays after the custom resource is gone.

    volumes and secrets: True means they stay. why: one short reason for each thing that goes.
    """

    volumes: bool
    secrets: bool
    why: tuple[str, ...] = ()

    @property
    def keeps_everything(self) -> bool:
        return self.volumes and self.secrets


def find_operators(deployments: t.Iterable[Object]) -> list[Operator]:
    """The operators among Deployments, known by the variables that name their settings, whatever they are called."""
    found = (_operator(deployment) for deployment in deployments)
    return [operator for operator in found if operator]


def _operator(deployment: Object) -> Operator | None:
    containers = deployment["spec"]["template"]["spec"].get("containers") or []
    env = {item["name"]: item.get("value") or "" for c in containers for item in c.get("env") or []}
    metadata = deployment["metadata"]
    if env.get(CONFIGURATION_ENV):
        settings = ("acid.zalan.do/v1", "OperatorConfiguration", env[CONFIGURATION_ENV], metadata["namespace"])
    elif env.get(CONFIG_MAP_ENV):
        namespace, _slash, name = env[CONFIG_MAP_ENV].rpartition("/")
        settings = ("v1", "ConfigMap", name, namespace or metadata["namespace"])
    else:
        return None
    return Operator(
        metadata["name"],
        metadata["namespace"],
        bool((deployment.get("status") or {}).get("readyReplicas")),
        deployment["spec"]["selector"].get("matchLabels") or {},
        *settings,
    )


def retention(settings: Object) -> Retention:
    """What a ConfigMap or OperatorConfiguration says about the data of deleted databases."""
    values = _kubernetes_settings(settings)
    reasons: list[str] = []
    volumes = not _is_true(values.get("enable_persistent_volume_claim_deletion", True))
    if not volumes:
        reasons.append("enable_persistent_volume_claim_deletion is true (its default)")
    if _deletes_claims_with_stateful_set(values.get("persistent_volume_claim_retention_policy")):
        volumes = False
        reasons.append("persistent_volume_claim_retention_policy says when_deleted:delete")
    secrets = not _is_true(values.get("enable_secrets_deletion", True))
    if not secrets:
        reasons.append("enable_secrets_deletion is true (its default)")
    if _is_true(values.get("enable_owner_references", False)):
        secrets = False
        reasons.append("enable_owner_references is true, so Kubernetes removes the Secrets with their owner")
    return Retention(volumes, secrets, tuple(reasons))


def _kubernetes_settings(settings: Object) -> Object:
    """The flat settings of a ConfigMap, or the same ones out of an OperatorConfiguration's `kubernetes` section."""
    if settings.get("kind") == "OperatorConfiguration":
        return (settings.get("configuration") or {}).get("kubernetes") or {}
    return settings.get("data") or {}


def _is_true(value: t.Any) -> bool:
    return str(value).lower() in TRUE_WORDS


def _deletes_claims_with_stateful_set(policy: t.Any) -> bool:
    """The policy is a map in an OperatorConfiguration, and text in a ConfigMap: `when_deleted:retain,...`."""
    if isinstance(policy, str):
        policy = dict(pair.split(":", 1) for pair in policy.split(",") if ":" in pair)
    return (policy or {}).get("when_deleted") == "delete"


def changed_after_start(settings: Object, pods: t.Iterable[Object]) -> bool:
    """True when the settings were written after an operator pod started: that pod still works by the old ones."""
    writes = [entry["time"] for entry in settings["metadata"].get("managedFields") or [] if entry.get("time")]
    starts = [start for pod in pods if (start := (pod.get("status") or {}).get("startTime"))]
    if not writes or not starts:
        return False
    return max(map(_when, writes)) > min(map(_when, starts))


def _when(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)
