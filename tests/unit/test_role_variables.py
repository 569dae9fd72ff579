# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of ``-e name=value`` and of AWX surveys are texts: Ansible checks their types and leaves them so."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from jinja2.nativetypes import NativeEnvironment

ROLES = Path(__file__).resolve().parents[2] / "roles"
FILES = [*ROLES.glob("*/tasks/*.yml"), *ROLES.glob("*/vars/**/*.yml"), *ROLES.parent.glob("playbooks/*.yml")]


def declared_bool() -> set[str]:
    specs = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in ROLES.glob("*/meta/argument_specs.yml")]
    entries = [entry for spec in specs for entry in spec["argument_specs"].values()]
    return {
        name
        for entry in entries
        for name, option in (entry.get("options") or {}).items()
        if option.get("type") == "bool"
    }


def misused(line: str, names: set[str]) -> set[str]:
    """Those that an expression takes as they are; what only hands one on leaves it to a module to read it."""
    if re.search(r':\s+"\{\{ \w+ \}\}"$', line):
        return set()
    return set(re.findall(r"\b\w+\b(?! \| bool\b)(?!:)", line)) & names


def expressions(path: Path) -> t.Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if re.match(r"\s*(when|that|until|failed_when|changed_when):|.*\{\{", line):
            yield line


def test_no_text_is_taken_for_true() -> None:
    names = declared_bool()
    assert len(names) > 10
    assert {line for path in FILES for line in expressions(path) if misused(line, names)} == set()


@pytest.mark.parametrize("given", ["database,owner", "database, owner", ["database", "owner"]])
def test_what_to_drop_is_a_list(given: str | list[str]) -> None:
    variables = yaml.safe_load((ROLES / "managed_database" / "vars" / "main" / "main.yml").read_text(encoding="utf-8"))
    engine = NativeEnvironment()
    found = engine.from_string(variables["__managed_database_drop"]).render(managed_database_drop=given)
    assert list(found) == ["database", "owner"]


def test_no_loop_of_a_role_hides_the_item_of_a_loop_around_it() -> None:
    """The role's variables may be made of that one, and are evaluated anew in each task."""

    def tasks(found: t.Any) -> t.Iterator[dict[str, t.Any]]:
        for task in found:
            yield task
            for part in ("block", "rescue", "always"):
                yield from tasks(task.get(part) or [])

    loops = [
        (path, task["name"], (task.get("loop_control") or {}).get("loop_var"))
        for path in ROLES.glob("*/tasks/*.yml")
        for task in tasks(yaml.safe_load(path.read_text(encoding="utf-8")))
        if "loop" in task
    ]
    assert len(loops) > 5
    assert [(path, name) for path, name, variable in loops if not variable] == []
