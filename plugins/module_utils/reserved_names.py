# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases and accounts that a server has for itself, whoever runs it: no control plane may get them. Pure."""

from __future__ import annotations

POSTGRES_DATABASES = ("postgres", "template0", "template1")
_POSTGRES_ROLES = ("postgres", "public", "none")

_DATABASES = ("mysql", "information_schema", "performance_schema", "sys")
MARIADB_DATABASES = (*_DATABASES, "test")
"""Where MariaDB was set up with its defaults, everybody may use test."""
MYSQL_DATABASES = (*_DATABASES, "mysql_innodb_cluster_metadata")
MARIADB_ACCOUNTS = ("root", "mysql", "public", "none")


def of_postgres(role: str) -> bool:
    """Whether PostgreSQL keeps the name of this role for itself."""
    return role in _POSTGRES_ROLES or role.startswith("pg_")
