# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of databases and accounts that MySQL, its operator and kine accept, and the statements that make them. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import names
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import Statement
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.reserved_names import MYSQL_DATABASES

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import DatabaseSpec

_DATABASE = re.compile(r"[a-z0-9]([a-z0-9_]{0,61}[a-z0-9])?")
_ACCOUNT = re.compile(r"[a-z0-9]([-_a-z0-9]{0,30}[a-z0-9])?")
_OWN_ACCOUNTS = re.compile(r"root|localroot|mysql.*")
"""The operator's own are mysqladmin, mysqlrouter, mysqlbackup and mysqlhealthchecker (mysqloperator/controller/config.py)."""


def check_databases(databases: t.Sequence[DatabaseSpec]) -> None:
    """Raise InvalidInput for the first name of a database or account that would not do."""
    names.check_databases(databases, _check_database, _check_account)


def _check_database(name: str) -> None:
    if not _DATABASE.fullmatch(name):
        raise InvalidInput(
            f"The database name {name!r} is none that kine and MySQL agree on",
            "Use at most 63 lower-case letters, digits and _, with a letter or digit at both ends.",
        )
    if name in MYSQL_DATABASES:
        raise InvalidInput(f"The database {name} belongs to MySQL itself", "Choose another name, such as kine.")


def _check_account(name: str) -> None:
    if not _ACCOUNT.fullmatch(name):
        raise InvalidInput(
            f"The account name {name!r} cannot name an account and its Secret",
            "Use at most 32 lower-case letters, digits, - and _, with a letter or digit at both ends.",
        )
    if _OWN_ACCOUNTS.fullmatch(name):
        raise InvalidInput(f"The account {name} is reserved", "Choose another owner, such as k0smotron.")


def statements(
    databases: t.Sequence[DatabaseSpec], passwords: t.Mapping[str, str], *, require_tls: bool
) -> list[Statement]:
    """What makes databases and accounts that are missing, and gives accounts their Secret's password again."""
    require = "SSL" if require_tls else "NONE"
    found = []
    for owner in dict.fromkeys(item.owner for item in databases):
        found.append(Statement(f"CREATE USER IF NOT EXISTS `{owner}`@'%%' IDENTIFIED BY %s", (passwords[owner],)))
        found.append(Statement(f"ALTER USER `{owner}`@'%%' IDENTIFIED BY %s REQUIRE {require}", (passwords[owner],)))
    for item in databases:
        found.append(
            Statement(f"CREATE DATABASE IF NOT EXISTS `{item.name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        )
        # In a grant _ stands for any character unless it is escaped.
        pattern = item.name.replace("_", "\\_")
        found.append(Statement(f"GRANT ALL PRIVILEGES ON `{pattern}`.* TO `{item.owner}`@'%'"))
    return found
