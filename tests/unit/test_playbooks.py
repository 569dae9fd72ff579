# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How site and teardown choose by site_datastore. They run for real, and end where they first ask for a Kubernetes cluster."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE = Path(sys.executable).parent / "ansible-playbook"


def run(tmp_path: Path, playbook: str, **variables: t.Any) -> tuple[str, int]:
    """A playbook's output and exit code."""
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "KUBECONFIG": str(tmp_path / "none"),
        "HOME": str(tmp_path),
    }
    command = [str(ANSIBLE), playbook, f"--extra-vars={json.dumps(variables)}"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr, done.returncode


def roles_that_ran(output: str) -> list[str]:
    """The roles with a task that was not skipped."""
    tasks = re.findall(r"^TASK \[k0smotron\.ha\.(\w+) : .*\n(?!skipping)", output, re.MULTILINE)
    return list(dict.fromkeys(tasks))


@pytest.mark.parametrize("playbook", ["site", "teardown"])
def test_an_unknown_datastore_is_refused_with_those_that_are_known(tmp_path: Path, playbook: str) -> None:
    output, ended = run(tmp_path, f"k0smotron.ha.{playbook}", site_datastore="oracle", teardown_confirm=True)
    assert ended != 0
    assert "site_datastore is oracle. Use one of zalando, cloudnativepg, mariadb, managed." in output
    assert roles_that_ran(output) == []


@pytest.mark.parametrize(
    ("variables", "first"),
    [
        ({}, "postgres_operator"),
        ({"postgres_cluster_provider": "cloudnativepg"}, "cloudnativepg_operator"),
        ({"site_datastore": "cloudnativepg"}, "cloudnativepg_operator"),
        ({"site_datastore": "mariadb"}, "mysql_operator"),
        ({"site_datastore": "managed"}, "managed_database"),
    ],
)
def test_the_site_begins_with_what_its_datastore_needs(tmp_path: Path, variables: dict[str, str], first: str) -> None:
    output, ended = run(tmp_path, "k0smotron.ha.site", **variables)
    assert ended != 0
    assert roles_that_ran(output) == [first]


MADE: tuple[tuple[dict[str, t.Any], dict[str, str]], ...] = (
    ({}, {"provider": "zalando", "name": "acid-minimal-cluster", "namespace": "default", "database": "kine"}),
    (
        {"postgres_cluster_provider": "cloudnativepg", "postgres_cluster_name": "one", "mysql_cluster_name": "two"},
        {"provider": "cloudnativepg", "name": "one", "namespace": "default", "database": "kine"},
    ),
    (
        {"control_plane_provider": "mariadb", "mysql_cluster_namespace": "databases"},
        {"provider": "mariadb", "name": "control-planes", "namespace": "databases", "database": "kine"},
    ),
    (
        {"control_plane_provider": "mariadb", "mysql_cluster_databases": [{"name": "a", "owner": "b"}]},
        {"provider": "mariadb", "name": "control-planes", "namespace": "default", "database": "a"},
    ),
)


def test_a_control_planes_datastore_is_the_one_that_was_made(tmp_path: Path) -> None:
    compare = {"that": "control_plane_datastore == expected", "fail_msg": "{{ control_plane_datastore | to_json }}"}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(ROOT / "roles" / "control_plane" / folder / "main.yml") for folder in ("defaults", "vars")],
        "tasks": [
            {"ansible.builtin.assert": compare, "vars": {**variables, "expected": datastore}}
            for variables, datastore in MADE
        ],
    }
    (tmp_path / "compare.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    output, ended = run(tmp_path, "compare.yml")
    assert ended == 0, output
