# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what on a server elsewhere: an administrator that is no superuser, as clouds give one."""

from __future__ import annotations

import secrets
import typing as t

from .. import files

if t.TYPE_CHECKING:
    from pathlib import Path

ADMINISTRATOR = "cloud_admin"
REPLICA = "replica"
POSTGRES_RIGHTS = ("CREATEROLE", "CREATEDB")
# What Amazon RDS gives its master user, as far as it concerns databases and accounts.
MYSQL_RIGHTS = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES,"
    " CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE,"
    " CREATE USER, EVENT, TRIGGER"
)


def password(folder: Path) -> str:
    """The administrator's, made once and kept in `folder`."""
    kept = folder / "password"
    if not kept.exists():
        files.write(kept, secrets.token_hex(16), mode=0o600)
    return kept.read_text()
