# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role managed_database with a cluster that keeps the password it makes; the database is a real one beside it."""

from __future__ import annotations

import secrets
import typing as t

import pytest

from tests.integration.kine_check.server import BIN, NEEDS, Server
from tests.integration.managed.conftest import Role
from tests.integration.managed.elsewhere import ElsewherePostgres
from tests.integration.modules.runner import get, kubectl

if t.TYPE_CHECKING:
    from pathlib import Path

DROP = {"managed_database_state": "absent", "managed_database_drop": ["database", "owner", "secret"]}


@pytest.fixture
def elsewhere() -> t.Iterator[ElsewherePostgres]:
    """Give a PostgreSQL that exists elsewhere."""
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


@pytest.mark.matrix
def test_a_password_is_made_once_and_kept(kubeconfig: Path, elsewhere: ElsewherePostgres, tmp_path: Path) -> None:
    assert kubeconfig.is_file()
    name, role = f"managed-{secrets.token_hex(3)}", Role(tmp_path)
    database, secret = name.replace("-", "_"), f"{name}-database"
    wanted = elsewhere.variables(database, managed_database_control_plane=name, managed_database_secret=secret)
    try:
        assert "Create the namespace" in role.ok(wanted, check=True).changed
        assert get("namespace", name, "default") is None
        made = role.ok(wanted)
        again = role.ok(wanted)
        assert (again.changed, again.returned) == ([], made.returned)
        kept = get("secret", secret, name)
        assert kept
        assert set(kept["data"]) == {"username", "password", "host", "port", "database"}
        role.ok({**wanted, **DROP})
        assert get("secret", secret, name) is None
        assert database not in elsewhere.names()
    finally:
        kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")
