# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""clusterctl's variables in manifests."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.manifests_source import load
from ansible_collections.k0smotron.ha.plugins.module_utils.manifests_variables import fill_in


@pytest.mark.parametrize(
    ("text", "variables", "filled"),
    [
        ("${A:=:8443}", {}, ":8443"),
        ("${A:-x}", {}, "x"),
        ("${A=x}", {}, "x"),
        ("${A-x}", {}, "x"),
        ("${A:=}", {}, ""),
        ("${A:=x}", {"A": "y"}, "y"),
        ("${A:=x}", {"A": ""}, "x"),
        ("${A:=x}", {"A": None}, "x"),
        ("${A:=false}", {"A": True}, "true"),
        ("${A}", {"A": 3}, "3"),
        ("${A}", {"A": 0}, "0"),
        ("${A}", {"A": ""}, ""),
        ("${ A }", {"A": "a"}, "a"),
        ("X=${A:=t},Y=${B:=f}", {"B": "b"}, "X=t,Y=b"),
        ("$${A}", {"A": "a"}, "${A}"),
        ("^[a-z]+$ $A $$ $(A) {A}", {"A": "a"}, "^[a-z]+$ $A $$ $(A) {A}"),
        ("${A}", {"A": "${B}"}, "${B}"),
    ],
)
def test_what_is_filled_in(text: str, variables: dict[str, t.Any], filled: str) -> None:
    assert fill_in(text, variables, "s") == filled


def test_all_variables_that_lack_a_value_are_named_at_once() -> None:
    with pytest.raises(
        InvalidInput, match=r"^s needs values for these variables: A, C\. Give them in variables"
    ) as caught:
        fill_in("${C} ${B:=x} ${A} ${C} ${D}", {"D": 1}, "s")
    assert "B" not in caught.value.message


@pytest.mark.parametrize("text", ["${A/x/y}", "${A:=${B}}", "${}", "${#A}", "${A^^}"])
def test_what_cannot_be_filled_in(text: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be filled in"):
        fill_in(text, {"A": "a", "B": "b"}, "s")


CONFIG_MAP = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: '${A:=x}'}}"


@pytest.mark.parametrize(("variables", "data"), [(None, "${A:=x}"), ({}, "x"), ({"A": "y"}, "y")])
def test_a_file_is_filled_in_only_on_demand_and_keeps_its_checksum(
    tmp_path: Path, variables: dict[str, str] | None, data: str
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(CONFIG_MAP)
    plain = load(str(file), expected_sha256=None, kubectl=None, timeout=1)
    loaded = load(str(file), expected_sha256=plain.sha256, kubectl=None, timeout=1, variables=variables)
    assert loaded.objects[0]["data"] == {"a": data}


@pytest.mark.parametrize("is_kustomization", [True, False])
def test_folders_and_kustomizations_are_filled_in(tmp_path: Path, is_kustomization: bool) -> None:
    (tmp_path / "a.yaml").write_text(CONFIG_MAP)
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\ncat $2/a.yaml\n")
    program.chmod(0o755)
    if is_kustomization:
        (tmp_path / "kustomization.yaml").write_text("resources: [a.yaml]\n")
    loaded = load(str(tmp_path), expected_sha256=None, kubectl=str(program), timeout=1, variables={"A": "z"})
    assert [one.get("data") for one in loaded.objects if one["kind"] == "ConfigMap"] == [{"a": "z"}]
