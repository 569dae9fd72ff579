# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must agree across the collection's files and what no linter compares."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
HEADER = "SPDX-License-Identifier: GPL-3.0-or-later"
WITH_HEADER = {".py", ".yml", ".toml", ".sh", ".go", ".c"}


def load(*parts: str) -> t.Any:
    return yaml.safe_load((ROOT.joinpath(*parts)).read_text(encoding="utf-8"))


def options(role: str) -> dict[str, dict[str, t.Any]]:
    """The documented variables of a role's main entry point."""
    specs = load("roles", role, "meta", "argument_specs.yml")["argument_specs"]
    return t.cast("dict[str, dict[str, t.Any]]", specs["main"]["options"])


@pytest.mark.parametrize("role", ROLES)
def test_defaults_and_argument_specs_agree(role: str) -> None:
    documented = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert load("roles", role, "defaults", "main.yml") == documented


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_bears_the_roles_name(role: str) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role}_")] == []


def test_every_module_is_in_the_action_group_and_reads_kubeconfig_on_the_controller() -> None:
    group = load("meta", "runtime.yml")["action_groups"]["all"]
    assert [entry for entry in group if isinstance(entry, str)] == MODULES
    assert sorted(path.stem for path in (ROOT / "plugins" / "action").glob("*.py")) == MODULES


def test_every_source_file_names_its_license() -> None:
    folders = ("plugins", "roles", "playbooks", "tests", "tools", "meta", "extensions")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in WITH_HEADER]
    assert files
    assert [str(file) for file in files if HEADER not in "".join(file.open(encoding="utf-8").readlines()[:6])] == []


def test_guides_and_examples_name_variables_that_exist() -> None:
    pages = [*(ROOT / "docs").glob("datastore-*.md"), *(ROOT / "docs" / "examples").glob("*.yml")]
    pattern = re.compile(rf"^[ {{-]*((?:{'|'.join(ROLES)})_\w+):", re.MULTILINE)
    named = {name for page in pages for name in pattern.findall(page.read_text(encoding="utf-8"))}
    assert len(named) > 10
    assert named - {name for role in ROLES for name in options(role)} == set()


def test_no_task_of_a_role_shows_a_secret_of_kubernetes() -> None:
    """Also one that removes it: its diff holds what was there."""

    def tasks(found: list[dict[str, t.Any]]) -> t.Iterator[dict[str, t.Any]]:
        for task in found:
            yield task
            for part in ("block", "rescue", "always"):
                yield from tasks(task.get(part) or [])

    def is_secret(module: str, arguments: t.Any) -> bool:
        object_ = {**arguments, **(arguments.get("definition") or {})} if isinstance(arguments, dict) else {}
        return module.startswith("kubernetes.core.k8s") and object_.get("kind") == "Secret"

    files = sorted((ROOT / "roles").glob("*/tasks/*.yml"))
    found = [
        task for path in files for task in tasks(load(str(path))) if any(is_secret(*item) for item in task.items())
    ]
    assert len(found) > 3
    assert [task["name"] for task in found if not task.get("no_log")] == []
