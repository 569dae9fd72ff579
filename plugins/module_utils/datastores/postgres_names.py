# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of databases and roles that every PostgreSQL operator, PostgreSQL itself and kine accept. Pure.

The patterns are those of postgres-operator v1.15.1 (pkg/cluster/cluster.go), narrowed to what PostgreSQL and kine take
as well. CloudNativePG has none of its own for these names, but they become parts of the names of Kubernetes objects.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import names
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.reserved_names import POSTGRES_DATABASES, of_postgres

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import DatabaseSpec

ROLE_FLAGS = ("superuser", "createdb", "createrole", "inherit", "login", "replication", "bypassrls")
# PostgreSQL allows upper case too, but kine looks for the lower-case name.
_DATABASE = re.compile(r"[a-z_][a-z0-9_]{0,62}")
# Zalando's operator allows dots too: with cross-namespace Secrets they move the Secret into another namespace.
_ROLE = re.compile(r"[a-z0-9]([-_a-z0-9]{0,61}[a-z0-9])?")


def check_databases(databases: t.Iterable[DatabaseSpec], operators_roles: t.Container[str]) -> None:
    """Raise InvalidInput for the first name of a database or owner that would not do."""
    names.check_databases(databases, _check_database, lambda role: _check_role(role, operators_roles))


def _check_database(name: str) -> None:
    if not _DATABASE.fullmatch(name):
        raise InvalidInput(
            f"The database name {name!r} would be skipped by the operator or not found by kine",
            "Use at most 63 lower-case letters, digits and _, not beginning with a digit.",
        )
    if name in POSTGRES_DATABASES:
        raise InvalidInput(f"The database {name} belongs to PostgreSQL itself", "Choose another name, such as kine.")


def _check_role(name: str, operators_roles: t.Container[str]) -> None:
    if not _ROLE.fullmatch(name):
        raise InvalidInput(
            f"The role name {name!r} is not accepted by the operator",
            "Use at most 63 lower-case letters, digits, - and _, beginning and ending with a letter or digit.",
        )
    if of_postgres(name) or name in operators_roles:
        raise InvalidInput(f"The role {name} is reserved", "Choose another owner, such as k0smotron.")


def check_flags(flags: t.Iterable[str]) -> None:
    """Raise InvalidInput for a role attribute that PostgreSQL does not have."""
    for flag in flags:
        if flag.lower().removeprefix("no") not in ROLE_FLAGS:
            raise InvalidInput(
                f"The owner flag {flag!r} is unknown", f"Use some of {', '.join(ROLE_FLAGS)}, or none at all."
            )
