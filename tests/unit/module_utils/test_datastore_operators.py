# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Deployment is which operator."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import operators


def deployment(image: str, variable: str, *words: str) -> dict[str, t.Any]:
    container = {"image": image, "env": [{"name": variable, "value": "x"}], "args": list(words)}
    spec = {"selector": {}, "template": {"spec": {"containers": [{}, container]}}}
    return {"metadata": {"name": "any", "namespace": "ops"}, "spec": spec}


KNOWN = {
    "zalando": deployment("mirror.test/zalando/postgres-operator:v1", "CONFIG_MAP_NAME"),
    "cloudnativepg": deployment("any", "OPERATOR_IMAGE_NAME", "controller", "--leader-elect"),
    "mariadb": deployment("any", "MARIADB_OPERATOR_NAME"),
    "innodbcluster": deployment("any", "OTHER", "mysqloperator", "operator"),
}


@pytest.mark.parametrize("provider", KNOWN)
def test_each_operator_is_itself_and_no_other(provider: str) -> None:
    assert [name for name, each in KNOWN.items() if operators.is_operator(provider, each)] == [provider]


def test_a_variable_that_others_have_too_is_not_enough() -> None:
    assert not operators.is_operator("zalando", deployment("mirror.test/web-site:v1", "CONFIG_MAP_NAME"))


@pytest.mark.parametrize(("status", "ready"), [({"readyReplicas": 1}, True), ({"replicas": 1}, False), (None, False)])
def test_an_operator_is_ready_by_its_pods(status: dict[str, t.Any] | None, ready: bool) -> None:
    assert operators.is_ready({**KNOWN["mariadb"], "status": status}) is ready
