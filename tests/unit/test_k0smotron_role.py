# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role k0smotron asks of the cluster's admission; that pods get it is shown on the lab, by the scenario empty/site."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

ROLE = Path(__file__).resolve().parents[2] / "roles" / "k0smotron"
V1, V1BETA1 = "admissionregistration.k8s.io/v1", "admissionregistration.k8s.io/v1beta1"
ENGINE = Environment(undefined=StrictUndefined)  # noqa: S701  # YAML, no HTML


def versions() -> list[str]:
    tasks = yaml.safe_load((ROLE / "tasks" / "dns_timeout.yml").read_text(encoding="utf-8"))
    return t.cast("list[str]", tasks[0]["loop"])


def admission(*served: str) -> str:
    """The version that the role takes where these are served."""
    expression = yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))["__k0smotron_admission"]
    results = [{"__k0smotron_api": version, "api_found": version in served} for version in versions()]
    return ENGINE.from_string(expression).render(__k0smotron_policies={"results": results})


@pytest.mark.parametrize(
    ("served", "expected"), [((), ""), ((V1BETA1,), V1BETA1), ((V1,), V1), ((V1BETA1, V1), V1)], ids=str
)
def test_the_newest_version_that_is_served(served: tuple[str, ...], expected: str) -> None:
    assert admission(*served) == expected


def test_policy_and_binding_are_of_that_version_and_have_one_name() -> None:
    template = (ROLE / "templates" / "dns_timeout.yml.j2").read_text(encoding="utf-8")
    text = ENGINE.from_string(template).render(__k0smotron_admission=V1, k0smotron_dns_timeout=3)
    policy, binding = [one for one in yaml.safe_load_all(text) if one]
    assert policy["apiVersion"] == binding["apiVersion"] == V1
    assert policy["metadata"]["name"] == binding["metadata"]["name"] == binding["spec"]["policyName"]
    assert "{name: 'timeout', value: '3'}" in policy["spec"]["mutations"][0]["jsonPatch"]["expression"]
