# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that the Zalando operator really accepts: what it does not, it often skips without a word. Pure.

The patterns are those of postgres-operator v1.15.1 (pkg/cluster/cluster.go, pkg/apis/acid.zalan.do/v1/const.go),
narrowed to what PostgreSQL and kine take as well.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import STATEFUL_SET_NAME_LIMIT, require_dns_label

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import DatastoreOptions

# The operator allows upper case too, but kine looks for the lower-case name.
_DATABASE = re.compile(r"[a-z_][a-z0-9_]{0,62}")
# The operator allows dots too: with cross-namespace Secrets they move the Secret into another namespace.
_ROLE = re.compile(r"[a-z0-9]([-_a-z0-9]{0,61}[a-z0-9])?")
_ROLE_FLAGS = ("superuser", "createdb", "createrole", "inherit", "login", "replication", "bypassrls")
_OWN_DATABASES = ("postgres", "template0", "template1")
# Protected by the operator's default settings, its own, or refused by PostgreSQL.
_OWN_ROLES = ("postgres", "standby", "admin", "cron_admin", "pooler", "public", "none")


def check_names(options: DatastoreOptions) -> None:
    """Raise InvalidInput for the first name that would not do."""
    _check_cluster_name(options.name)
    require_dns_label("The namespace", options.namespace)
    seen: dict[str, str] = {}
    for item in options.databases:
        _check_database(item.name)
        _check_role(item.owner)
        if item.name in seen:
            raise InvalidInput(f"The database {item.name} is listed twice", "List each database once.")
        seen[item.name] = item.owner
    _check_secrets(set(seen.values()))
    _check_flags(options.owner_flags)


def _check_cluster_name(name: str) -> None:
    require_dns_label("The datastore's name", name, STATEFUL_SET_NAME_LIMIT)
    if not name[0].isalpha():
        raise InvalidInput(
            f"The datastore's name {name!r} begins with a digit, which no Service may", "Begin it with a letter."
        )


def _check_database(name: str) -> None:
    if not _DATABASE.fullmatch(name):
        raise InvalidInput(
            f"The database name {name!r} would be skipped by the operator or not found by kine",
            "Use at most 63 lower-case letters, digits and _, not beginning with a digit.",
        )
    if name in _OWN_DATABASES:
        raise InvalidInput(f"The database {name} belongs to PostgreSQL itself", "Choose another name, such as kine.")


def _check_role(name: str) -> None:
    if not _ROLE.fullmatch(name):
        raise InvalidInput(
            f"The role name {name!r} is not accepted by the operator",
            "Use at most 63 lower-case letters, digits, - and _, beginning and ending with a letter or digit.",
        )
    if name in _OWN_ROLES or name.startswith("pg_"):
        raise InvalidInput(f"The role {name} is reserved", "Choose another owner, such as k0smotron.")


def _check_secrets(owners: set[str]) -> None:
    by_secret: dict[str, str] = {}
    for owner in sorted(owners):
        other = by_secret.setdefault(owner.replace("_", "-"), owner)
        if other != owner:
            raise InvalidInput(
                f"The roles {other} and {owner} would share one credential Secret, because the operator writes _ as -",
                "Rename one of them.",
            )


def _check_flags(flags: t.Iterable[str]) -> None:
    for flag in flags:
        if flag.lower().removeprefix("no") not in _ROLE_FLAGS:
            raise InvalidInput(
                f"The owner flag {flag!r} is unknown", f"Use some of {', '.join(_ROLE_FLAGS)}, or none at all."
            )
