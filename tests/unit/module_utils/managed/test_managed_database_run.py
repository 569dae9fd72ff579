# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of managed_database_check to the connection that kine is going to have, and to the result."""

from __future__ import annotations

import dataclasses
import datetime
import types
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import database_ca, managed_database_run
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.webhook_certificate import issue
from tests.unit.module_utils.managed.test_managed_rules import EMPTY, MADE

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
    from ansible_collections.k0smotron.ha.plugins.module_utils.managed.rules import Server


def params(ca_file: str | None = None, tls: str = "require", **connection: t.Any) -> dict[str, t.Any]:
    given = {"scheme": "postgres", "user": "team_a", "password": "p", "host": "db", "port": None, "database": "team_a"}
    return {
        "connection": {**given, "params": {}, **connection},
        "administrator": {"user": "admin", "password": "secret", "database": "postgres"},
        "tls": tls,
        "ca_file": ca_file,
        "reset_password": False,
        "drop": [],
        "reserved_connections": 0,
        "timeout": 30,
    }


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    """Give a file with the certificate of an authority."""
    path = tmp_path / "ca.crt"
    path.write_text(issue(["db"], datetime.datetime.now(datetime.UTC)).ca)
    return str(path)


@pytest.mark.parametrize(
    ("scheme", "tls", "expected"),
    [
        (
            "postgres",
            "verify_full",
            {
                "connect_timeout": "2",
                "target_session_attrs": "read-write",
                "sslmode": "verify-full",
                "sslrootcert": database_ca.PATH,
            },
        ),
        (
            "postgres",
            "verify_ca",
            {
                "connect_timeout": "2",
                "target_session_attrs": "read-write",
                "sslmode": "verify-ca",
                "sslrootcert": database_ca.PATH,
            },
        ),
        ("mysql", "verify_full", {}),
    ],
)
def test_kine_verifies_by_the_file_of_its_pods(ca_file: str, scheme: str, tls: str, expected: dict[str, str]) -> None:
    found = managed_database_run.connection_of(params(ca_file, tls, scheme=scheme))
    assert found.params == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scheme": "mysql", "password": "a|b"}, r"MySQL credentials hold a \|"),
        ({"scheme": "mysql", "password": "a #b"}, "ends a YAML value"),
        ({"scheme": "mysql", "tls": "verify_ca"}, "no way to do tls=verify_ca"),
        ({"params": {"connect_timeout": "5s"}}, "connect_timeout"),
        ({"host": "a b"}, "host"),
        ({"ca_file": "/"}, "/ is a folder"),
        ({"ca_file": "/dev/null"}, "/dev/null is empty"),
    ],
)
def test_what_kine_could_not_use_is_refused_without_its_password(given: dict[str, t.Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        managed_database_run.connection_of(params(**given))
    assert given.get("password", "\0") not in str(refused.value)


class Looking:
    """Stands in for the drivers: what they would find on the server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.administrator: Dsn | None = None
        self.logs_in: bool | None = None

    def __call__(self, administrator: Dsn, _owner: Dsn, _ca_file: str, _seconds: float, *, logs_in: bool) -> Server:
        self.administrator, self.logs_in = administrator, logs_in
        return self.server


def result(monkeypatch: pytest.MonkeyPatch, looking: Looking, warn: t.Any = None, **options: t.Any) -> dict[str, t.Any]:
    """The result; warn collects the warnings of check mode."""
    monkeypatch.setattr(managed_database_run, "_seen", looking)
    module: t.Any = types.SimpleNamespace(params={**params(), **options}, check_mode=warn is not None, warn=warn)
    return managed_database_run.check(module, lambda: None)


def test_what_is_left_to_do_on_an_empty_server(monkeypatch: pytest.MonkeyPatch) -> None:
    looking = Looking(EMPTY)
    assert result(monkeypatch, looking) == {
        "changed": False,
        "owner_exists": False,
        "database_exists": False,
        "set_password": True,
        "grant_owner": True,
        "max_connections": 97,
    }
    assert looking.administrator
    assert (looking.administrator.user, looking.administrator.database) == ("admin", "postgres")


def test_nothing_is_left_to_do_where_all_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    found = result(monkeypatch, Looking(MADE), reserved_connections=15)
    assert not found["set_password"]
    assert not found["grant_owner"]
    assert found["max_connections"] == 85, "of what the server and the provider reserve the larger counts"


def test_the_rules_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HaError, match="is the administrator"):
        result(monkeypatch, Looking(MADE), administrator={"user": "team_a", "password": "p", "database": ""})


def test_to_drop_nobody_logs_in_as_the_owner_and_other_rules_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = params(password="")["connection"]
    looking = Looking(MADE)
    result(monkeypatch, looking, drop=["database"], connection=connection)
    assert looking.logs_in is False
    with pytest.raises(HaError, match="Nothing was dropped"):
        result(monkeypatch, Looking(dataclasses.replace(MADE, sessions=1)), drop=["database"], connection=connection)
    result(monkeypatch, looking)
    assert looking.logs_in is True


def test_in_check_mode_sessions_may_end_before_the_database_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    used = dataclasses.replace(MADE, sessions=2)
    said: list[str] = []
    result(monkeypatch, Looking(used), said.append, drop=["database"])
    assert [text.startswith("Unless this run removes the control plane first, it will fail: ") for text in said] == [
        True
    ]
    assert "in use by 2 sessions" in said[0]
    with pytest.raises(HaError, match="other databases"):
        result(
            monkeypatch,
            Looking(dataclasses.replace(used, other_databases=("b",))),
            said.append,
            drop=["database", "owner"],
        )
    said.clear()
    for server, drop in ((MADE, ["database"]), (used, [])):
        result(monkeypatch, Looking(server), said.append, drop=drop)
    assert not said
