# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an owner's login tells of its password, by PostgreSQL's own words. Real servers: test_managed_refusals.py."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres_errors import connect_error
from ansible_collections.k0smotron.ha.plugins.module_utils.managed import postgres

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn

WRONG = 'FATAL: password authentication failed for user "team_a"'
NO_ENTRY = 'FATAL: no pg_hba.conf entry for host "192.0.2.9", user "team_a", database "postgres", SSL encryption'
NO_PLAINTEXT = 'FATAL: pg_hba.conf rejects connection for host "192.0.2.9", user "team_a", database "a", no encryption'
NO_DATABASE = 'FATAL: database "team_a" does not exist'
NOT_ALLOWED = 'FATAL: permission denied for database "postgres"'
FIRST, SECOND = (dsns.parse(f"postgres://team_a:s3cret@db/{name}?sslmode=require") for name in ("postgres", "team_a"))


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give the server's words to a login, by its database; "" lets it in."""
    words: dict[str, str] = {}

    class Login:
        def __init__(self, dsn: Dsn, *_rest: t.Any) -> None:
            self.dsn = dsn

        def open(self) -> None:
            if text := words[self.dsn.database]:
                raise connect_error(text, self.dsn, "directly")

        def close(self) -> None:
            pass

    monkeypatch.setattr(postgres, "Connector", Login)
    return words


@pytest.mark.parametrize(
    ("first", "second", "accepts"),
    [
        ("", WRONG, True),
        (WRONG, "", False),
        (NOT_ALLOWED, WRONG, True),
        # The entries of pg_hba.conf are for the owner's own database, which is yet to be made.
        (NO_ENTRY, NO_DATABASE, True),
        (NO_ENTRY, WRONG, False),
        (NO_PLAINTEXT, WRONG, False),
        (NO_ENTRY, NO_ENTRY, None),
        (NO_ENTRY, NO_PLAINTEXT, None),
    ],
)
def test_what_a_login_tells_of_the_password(
    said: dict[str, str], first: str, second: str, accepts: bool | None
) -> None:
    said.update({"postgres": first, "team_a": second})
    nowhere: t.Any = None
    answer = postgres._answer([FIRST, SECOND], nowhere, nowhere, {})
    assert answer.accepts is accepts
    assert bool(answer.not_asked) == (accepts is None)
    assert "s3cret" not in answer.not_asked
