# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of databases and accounts that mariadb-operator, MariaDB and kine accept, and that stay apart. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import names
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.reserved_names import MARIADB_ACCOUNTS, MARIADB_DATABASES

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import DatabaseSpec

_DATABASE = re.compile(r"[a-z0-9]([a-z0-9_]{0,61}[a-z0-9])?")
_ACCOUNT = re.compile(r"[a-z0-9]([-_a-z0-9]{0,61}[a-z0-9])?")
# repl is the operator's own (v0.38.1, pkg/controller/replication/config.go).
_OWN_ACCOUNTS = (*MARIADB_ACCOUNTS, "repl")


def check_databases(databases: t.Sequence[DatabaseSpec]) -> None:
    """Raise InvalidInput for the first name of a database or account that would not do."""
    names.check_databases(databases, _check_database, _check_account)
    _check_grants([item.name for item in databases])


def _check_database(name: str) -> None:
    if name.lower() != name:
        raise InvalidInput(
            f"The database name {name!r} has upper-case letters: one server takes it for the same as {name.lower()!r},"
            " another does not",
            f"Call it {name.lower()}.",
        )
    if not _DATABASE.fullmatch(name):
        raise InvalidInput(
            f"The database name {name!r} cannot name its Database object",
            "Use at most 63 lower-case letters, digits and _, with a letter or digit at both ends.",
        )
    if name in MARIADB_DATABASES:
        raise InvalidInput(f"The database {name} belongs to MariaDB itself", "Choose another name, such as kine.")


def _check_account(name: str) -> None:
    if not _ACCOUNT.fullmatch(name):
        raise InvalidInput(
            f"The account name {name!r} cannot name its User object",
            "Use at most 63 lower-case letters, digits, - and _, with a letter or digit at both ends.",
        )
    if name in _OWN_ACCOUNTS:
        raise InvalidInput(f"The account {name} is reserved", "Choose another owner, such as k0smotron.")


def _check_grants(databases: t.Sequence[str]) -> None:
    """In a GRANT, _ stands for any character, and the operator does not escape it (v0.38.1, pkg/sql/sql.go).

    Not compared with databases that are declared elsewhere, or were made by hand.
    """
    everybodys = (*databases, *MARIADB_DATABASES)
    for granted, other in ((one, two) for one in databases for two in everybodys if one != two):
        if re.fullmatch(granted.replace("_", "."), other):
            raise InvalidInput(
                f"Who owns the database {granted} would own {other}, too: MariaDB reads _ in a grant as any character",
                f"Rename {granted}." if other in MARIADB_DATABASES else "Rename one of them.",
            )
