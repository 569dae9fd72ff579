# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of database clusters, databases and roles, as far as every operator has the same rules for them. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import require_dns_label

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import DatabaseSpec

Check: t.TypeAlias = t.Callable[[str], None]


def check_cluster_name(name: str, limit: int) -> None:
    """Raise InvalidInput for a name that the database cluster's Services and pods could not have."""
    require_dns_label("The datastore's name", name, limit)
    if not name[0].isalpha():
        raise InvalidInput(
            f"The datastore's name {name!r} begins with a digit, which no Service may", "Begin it with a letter."
        )


def check_databases(databases: t.Iterable[DatabaseSpec], check_database: Check, check_role: Check) -> None:
    """Raise InvalidInput for the first name that its check refuses, or that is there twice."""
    seen: dict[str, str] = {}
    for item in databases:
        check_database(item.name)
        check_role(item.owner)
        if item.name in seen:
            raise InvalidInput(f"The database {item.name} is listed twice", "List each database once.")
        seen[item.name] = item.owner
    _check_secrets(set(seen.values()))


def _check_secrets(owners: t.Iterable[str]) -> None:
    by_secret: dict[str, str] = {}
    for owner in sorted(owners):
        other = by_secret.setdefault(in_kubernetes(owner), owner)
        if other != owner:
            raise InvalidInput(
                f"The roles {other} and {owner} would share one credential Secret, whose name has - instead of _",
                "Rename one of them.",
            )


def in_kubernetes(name: str) -> str:
    """A role or database as a part of a Kubernetes object's name, which has no underscores."""
    return name.replace("_", "-")
