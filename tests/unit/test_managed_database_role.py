# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role managed_database sends a server: its own expressions, by the template engine that Ansible uses."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.plugins.filter.core import to_bool
from jinja2.nativetypes import NativeEnvironment

from ansible_collections.k0smotron.ha.plugins.filter.scram_verifier import scram_verifier

ROLE = Path(__file__).resolve().parents[2] / "roles" / "managed_database"
ENGINE = NativeEnvironment()
ENGINE.filters |= {"bool": to_bool, "expanduser": os.path.expanduser, "k0smotron.ha.scram_verifier": scram_verifier}
PASSWORD = "hunter2"


def load(*parts: str) -> t.Any:
    return yaml.safe_load(ROLE.joinpath(*parts).read_text(encoding="utf-8"))


def sent(set_password: bool, in_clear: bool | str) -> t.Any:
    """The password of the task that creates PostgreSQL's owner."""
    [task] = [task for task in load("tasks", "postgres.yml")[0]["block"] if task["name"] == "Create the owner"]
    variables = {"__managed_database_password": PASSWORD, "managed_database_password_in_clear": in_clear}
    made = ENGINE.from_string(load("vars", "main", "main.yml")["__managed_database_sent_password"]).render(variables)
    return ENGINE.from_string(task["community.postgresql.postgresql_user"]["password"]).render(
        {
            **variables,
            "__managed_database_sent_password": made,
            "__managed_database_server": {"set_password": set_password},
        },
        omit="omitted",
    )


def test_no_password_is_in_postgresqls_statements() -> None:
    assert sent(set_password=True, in_clear=False).startswith("SCRAM-SHA-256$4096:")


@pytest.mark.parametrize("in_clear", [True, "true"])
def test_a_server_that_refuses_what_is_hashed_gets_the_password(in_clear: bool | str) -> None:
    assert sent(set_password=True, in_clear=in_clear) == PASSWORD


@pytest.mark.parametrize("in_clear", [True, False])
def test_an_owner_that_has_the_password_is_sent_none(in_clear: bool) -> None:
    """Its salt is another one each time, so a second run would change it."""
    assert sent(set_password=False, in_clear=in_clear) == "omitted"


@pytest.mark.parametrize(
    ("given", "read"), [("~/db.pem", f"{Path.home()}/db.pem"), ("files/db.pem", "files/db.pem"), ("", "omitted")]
)
def test_postgresqls_modules_get_the_file_that_the_check_read(given: str, read: str) -> None:
    login = load("vars", "main", "main.yml")["__managed_database_login"]["postgres"]
    assert ENGINE.from_string(login["ca_cert"]).render(managed_database_ca_file=given, omit="omitted") == read
