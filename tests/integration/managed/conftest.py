# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that the role managed_database finds, and the role as a user runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.kine_check import mariadb_server
from tests.integration.kine_check.mariadb_server import MariaServer
from tests.integration.kine_check.server import BIN, NEEDS, Server
from tests.integration.managed.elsewhere import Elsewhere, ElsewhereMaria, ElsewherePostgres
from tests.integration.modules.runner import Modules

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  roles: [k0smotron.ha.managed_database]
  tasks:
    - name: Keep what the role returns
      ansible.builtin.copy:
        content: "{{ {'connection': managed_database_connection,
          'max_connections': managed_database_max_connections} | to_json }}"
        dest: "{{ playbook_dir }}/returned.json"
        mode: "0600"
      changed_when: false
      no_log: true
      when: managed_database_connection is defined
"""
RUN_SECONDS = 180
_TASK = re.compile(r"^TASK \[(?:k0smotron\.ha\.)?managed_database : (.*)\]", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """How a run of the role ended; changed: the names of the tasks that changed something, or would."""

    failed: bool
    changed: list[str]
    text: str
    returned: dict[str, t.Any]


@dataclass(frozen=True)
class Role:
    """Runs the role in a folder of its own. No output may hold one of the secrets, at the highest verbosity in use."""

    folder: Path

    def run(self, variables: dict[str, t.Any], *, check: bool = False, secrets: tuple[str, ...] = ()) -> Outcome:
        """Run the role with ansible-playbook."""
        returned = self.folder / "returned.json"
        returned.unlink(missing_ok=True)
        (self.folder / "play.yml").write_text(PLAYBOOK)
        (self.folder / "variables.json").write_text(json.dumps(variables))
        command = ["ansible-playbook", "-vvv", "--diff", "-e", "@variables.json", "play.yml"]
        done = subprocess.run(
            [*command, "--check"] if check else command,
            cwd=self.folder,
            env={**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        text = done.stdout + done.stderr
        made = json.loads(returned.read_text()) if returned.exists() else {}
        for secret in (*secrets, "hunter2", made.get("connection", {}).get("password", "hunter2")):
            assert secret not in text, "the run shows a secret"
        return Outcome(done.returncode != 0, _changed(done.stdout), text, made)

    def ok(self, variables: dict[str, t.Any], *, check: bool = False) -> Outcome:
        """As run(), for a run that has to succeed."""
        outcome = self.run(variables, check=check)
        assert not outcome.failed, outcome.text
        return outcome

    def refused(self, variables: dict[str, t.Any]) -> str:
        """Return what a run that has to fail said."""
        outcome = self.run(variables)
        assert outcome.failed, outcome.text
        assert not outcome.changed, outcome.changed
        return " ".join(outcome.text.split())


def _changed(text: str) -> list[str]:
    parts = _TASK.split(text)
    return [name for name, said in zip(parts[1::2], parts[2::2], strict=True) if "\nchanged: [" in said]


@pytest.fixture
def role(tmp_path: Path, without_cluster: None) -> Role:
    """Give the role; no cluster may be asked."""
    del without_cluster
    return Role(tmp_path)


@pytest.fixture
def modules(without_cluster: None) -> Modules:
    """Give the runner of modules; no result may show a password."""
    del without_cluster
    return Modules(secrets=["hunter2"])


@pytest.fixture(scope="session")
def postgres() -> t.Iterator[ElsewherePostgres]:
    """Give a PostgreSQL with TLS."""
    if not BIN.is_dir():
        pytest.fail(NEEDS)
    server = Server("elsewhere")
    try:
        server.create()
        place = ElsewherePostgres(server)
        place.prepare()
        yield place
    finally:
        server.remove()


@pytest.fixture(scope="session")
def maria() -> t.Iterator[ElsewhereMaria]:
    """Give a MariaDB that refuses plaintext."""
    if not mariadb_server.installed():
        pytest.fail(mariadb_server.NEEDS)
    server = MariaServer("elsewhere")
    try:
        server.permanent["require_secure_transport"] = "ON"
        server.create()
        place = ElsewhereMaria(server)
        place.prepare()
        yield place
    finally:
        server.remove()


@pytest.fixture(params=["postgres", "maria"])
def place(request: pytest.FixtureRequest) -> Elsewhere:
    """Give each server in turn."""
    return t.cast(Elsewhere, request.getfixturevalue(request.param))
