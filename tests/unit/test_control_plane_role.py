# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role control_plane leaves out on MySQL: its own expressions, by the template engine that Ansible uses."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.plugins.filter.core import to_bool
from jinja2.nativetypes import NativeEnvironment

ROLE = Path(__file__).resolve().parents[2] / "roles" / "control_plane"
ENGINE = NativeEnvironment()
ENGINE.filters["bool"] = to_bool
ENGINE.tests["match"] = lambda text, pattern: bool(re.match(pattern, text))
POSTGRES, MYSQL = "postgres://kine:not-made-yet@db.team:5432/kine", "mysql://kine:not-made-yet@tcp(db.team:3306)/kine"


def load(*parts: str) -> t.Any:
    return yaml.safe_load(ROLE.joinpath(*parts).read_text(encoding="utf-8"))


def evaluated(text: str, variables: dict[str, t.Any]) -> t.Any:
    return ENGINE.from_string(text).render(variables)


def on_mysql(url: str, found: dict[str, str]) -> t.Any:
    variables = {"control_plane_data_source_url": url, "__control_plane_data_source": found}
    return evaluated(load("vars", "main.yml")["__control_plane_on_mysql"], variables)


@pytest.mark.parametrize(
    ("url", "found", "mysql"),
    [
        ("", {"dsn": MYSQL}, True),
        ("", {"dsn": POSTGRES}, False),
        (MYSQL, {}, True),
        (POSTGRES, {}, False),
        ("", {}, False),  # an existing Secret, which nobody has read yet
    ],
)
def test_what_the_database_is_shows_before_its_secret_is_there(url: str, found: dict[str, str], mysql: bool) -> None:
    assert on_mysql(url, found) is mysql


@pytest.mark.parametrize(
    ("dsn", "wanted", "runs"), [(MYSQL, True, False), (POSTGRES, True, True), (POSTGRES, False, False)]
)
def test_commits_are_ordered_on_postgresql_only(dsn: str, wanted: bool, runs: bool) -> None:
    """On an empty cluster check mode would foresee a change that never comes: the module cannot tell without a Secret."""
    [task] = [task for task in load("tasks", "present.yml") if "k0smotron.ha.commit_order" in task]
    variables = {"control_plane_commit_order": wanted, "__control_plane_on_mysql": on_mysql("", {"dsn": dsn})}
    assert evaluated(f"{{{{ {task['when']} }}}}", variables) is runs


@pytest.mark.parametrize(
    ("found", "new", "check", "candidate"),
    [
        ({"replaces": True}, False, False, True),
        ({"replaces": True}, True, False, False),
        ({"replaces": True}, False, True, False),
        ({"replaces": False}, False, False, False),
        ({"skipped": True}, False, False, False),  # an existing Secret, or a URL in the Cluster
        (None, None, False, False),  # verify, which writes nothing
    ],
)
def test_another_data_source_is_proved_beside_the_one_that_replicas_read(
    found: dict[str, t.Any] | None, new: bool | None, check: bool, candidate: bool
) -> None:
    known = {"__control_plane_data_source": found, "__control_plane_is_new": new, "ansible_check_mode": check}
    variables = {name: value for name, value in known.items() if value is not None}
    assert evaluated(load("vars", "main.yml")["__control_plane_replaces"], variables) is candidate
