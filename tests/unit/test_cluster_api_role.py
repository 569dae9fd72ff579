# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role cluster_api makes of its variables; what it does to a cluster is shown on the lab, by empty/cluster_api."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from jinja2 import StrictUndefined
from jinja2.nativetypes import NativeEnvironment

VARS = Path(__file__).resolve().parents[2] / "roles" / "cluster_api" / "vars" / "main.yml"
ENGINE = NativeEnvironment(undefined=StrictUndefined)


def value(name: str, **variables: t.Any) -> t.Any:
    """What a variable of the role comes to."""
    return ENGINE.from_string(yaml.safe_load(VARS.read_text(encoding="utf-8"))[name]).render(**variables)


@pytest.mark.parametrize(
    ("given", "found"), [("/srv/core.yaml", ["/srv/core.yaml"]), ("a,b", ["a", "b"]), (["a", "b"], ["a", "b"])]
)
def test_sources_may_be_texts(given: str | list[str], found: list[str]) -> None:
    sources = value("__cluster_api_sources", cluster_api_source=given, cluster_api_k0smotron_source=["own"])
    assert sources == [found, ["own"]]
    sources = value("__cluster_api_sources", cluster_api_source=["own"], cluster_api_k0smotron_source=given)
    assert sources == [["own"], found]


@pytest.mark.parametrize(
    ("namespaces", "elsewhere"), [([], []), (["k0smotron"], []), (["k0smotron", "platform"], ["platform"])]
)
def test_a_k0smotron_of_another_namespace_is_seen(namespaces: list[str], elsewhere: list[str]) -> None:
    found = {"resources": [{"metadata": {"namespace": namespace}} for namespace in namespaces]}
    assert list(value("__cluster_api_elsewhere", __cluster_api_k0smotron=found)) == elsewhere
