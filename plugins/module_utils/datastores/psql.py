# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The superuser's psql, in a pod of Zalando's operator or CloudNativePG, where the socket wants no password. Pure."""

from __future__ import annotations

SEARCH_PATH = "-csearch_path=pg_catalog"
"""Whoever owns a database, or may create in its schema public, as every login may up to PostgreSQL 14, could have names and
operators that the superuser writes without a schema mean functions of theirs (CVE-2018-1058). It comes before what was set for
the database or the role."""


def superuser_psql(*statements: str, database: str = "postgres") -> tuple[str, ...]:
    """Runs each in a transaction of its own, and stops at the first that fails.

    The database is in the environment, because psql takes an argument with = or :// in it for a whole connection string.
    """
    environment = (f"PGOPTIONS={SEARCH_PATH}", f"PGDATABASE={database}")
    options = ("--username=postgres", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1")
    return ("env", *environment, "psql", *options, *(f"--command={statement}" for statement in statements))
