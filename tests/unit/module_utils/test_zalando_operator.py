# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Zalando operator would do with the data of a deleted database cluster."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.zalando_operator import (
    changed_after_start,
    find_operators,
    retention,
)

KEEP = {"enable_persistent_volume_claim_deletion": "false", "enable_secrets_deletion": "false"}


def deployment(env: dict[str, str], ready: int = 1) -> dict[str, t.Any]:
    containers = [{"name": "x", "env": [{"name": key, "value": value} for key, value in env.items()]}]
    return {
        "metadata": {"name": "operator", "namespace": "databases"},
        "spec": {"selector": {"matchLabels": {"name": "op"}}, "template": {"spec": {"containers": containers}}},
        "status": {"readyReplicas": ready} if ready else {},
    }


def config_map(data: dict[str, str], written: str = "2026-11-22T10:00:00Z") -> dict[str, t.Any]:
    return {"kind": "ConfigMap", "metadata": {"managedFields": [{"time": written}]}, "data": data}


@pytest.mark.parametrize(
    ("env", "where"),
    [
        ({"CONFIG_MAP_NAME": "settings"}, ("ConfigMap", "settings", "databases")),
        ({"CONFIG_MAP_NAME": "other/settings"}, ("ConfigMap", "settings", "other")),
        (
            {"CONFIG_MAP_NAME": "settings", "POSTGRES_OPERATOR_CONFIGURATION_OBJECT": "wins"},
            ("OperatorConfiguration", "wins", "databases"),
        ),
    ],
)
def test_where_the_settings_are(env: dict[str, str], where: tuple[str, str, str]) -> None:
    [operator] = find_operators([deployment({"OTHER": "x"}), deployment(env)])
    assert (operator.settings_kind, operator.settings_name, operator.settings_namespace) == where
    assert operator.running


def test_a_stopped_operator_is_not_running() -> None:
    [operator] = find_operators([deployment({"CONFIG_MAP_NAME": "x"}, ready=0)])
    assert not operator.running


@pytest.mark.parametrize(
    ("data", "volumes", "secrets"),
    [
        pytest.param({}, False, False, id="its defaults delete everything"),
        pytest.param(KEEP, True, True, id="kept"),
        pytest.param(KEEP | {"enable_secrets_deletion": "true"}, True, False, id="Secrets go"),
        pytest.param(KEEP | {"enable_persistent_volume_claim_deletion": "True"}, False, True, id="volumes go"),
        pytest.param(
            KEEP | {"persistent_volume_claim_retention_policy": "when_deleted:delete,when_scaled:retain"},
            False,
            True,
            id="the StatefulSet takes its claims along",
        ),
        pytest.param(
            KEEP | {"persistent_volume_claim_retention_policy": "when_deleted:retain,when_scaled:delete"},
            True,
            True,
            id="only scaling deletes claims",
        ),
        pytest.param(KEEP | {"enable_owner_references": "true"}, True, False, id="owned Secrets go with their owner"),
    ],
)
def test_retention_by_config_map(data: dict[str, str], volumes: bool, secrets: bool) -> None:
    found = retention(config_map(data))
    assert (found.volumes, found.secrets) == (volumes, secrets)
    assert found.keeps_everything == (volumes and secrets)
    assert bool(found.why) != found.keeps_everything


def test_retention_by_operator_configuration() -> None:
    kubernetes: dict[str, t.Any] = {
        "enable_persistent_volume_claim_deletion": False,
        "enable_secrets_deletion": False,
        "persistent_volume_claim_retention_policy": {"when_deleted": "retain"},
    }
    settings = {"kind": "OperatorConfiguration", "configuration": {"kubernetes": kubernetes}}
    assert retention(settings).keeps_everything
    kubernetes["persistent_volume_claim_retention_policy"]["when_deleted"] = "delete"
    assert not retention(settings).volumes


@pytest.mark.parametrize(
    ("started", "stale"),
    [("2026-11-22T10:00:01Z", False), ("2026-11-22T10:00:00Z", False), ("2026-11-22T09:59:59Z", True)],
)
def test_settings_written_after_the_start_are_not_in_force(started: str, stale: bool) -> None:
    assert changed_after_start(config_map(KEEP), [{"status": {"startTime": started}}]) is stale


def test_no_times_no_verdict() -> None:
    assert not changed_after_start(config_map(KEEP), [{"status": {}}])
