# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account may do, read from SHOW GRANTS. Pure."""

from __future__ import annotations

import re
import typing as t

ALL = "ALL PRIVILEGES"
# What kine's CREATE statements take, and what its reads and writes take.
TO_MAKE = ("CREATE", "INDEX")
TO_USE = ("SELECT", "INSERT", "UPDATE", "DELETE")

# The session's sql_mode (ANSI_QUOTES) and sql_quote_show_create decide between `name`, "name" and name.
_NAME = r"""(?:\*|`(?:[^`]|``)*`|"(?:[^"]|"")*"|[\w$]+)"""
_GRANT = re.compile(rf"GRANT (?P<privileges>.+?) ON (?:TABLE )?(?P<database>{_NAME})\.(?P<table>{_NAME}) TO ")
# Privileges on single columns help nobody who writes whole rows.
_ON_COLUMNS = re.compile(r"\w+(?: \w+)* \([^)]*\)")


def granted(grants: t.Iterable[str], database: str, table: str) -> frozenset[str]:
    """Return the privileges that these grants give on a table of a database, in upper case.

    table "" asks for those on every table of the database. Database names in grants are patterns.
    """
    found: set[str] = set()
    for grant in grants:
        match = _GRANT.match(grant)
        if (
            match
            and _covers(match["database"], database)
            and (match["table"] == "*" or _plain(match["table"]) == table)
        ):
            privileges = _ON_COLUMNS.sub("", match["privileges"])
            found |= {privilege.strip().upper() for privilege in privileges.split(",")}
    return frozenset(found - {""})


def lacking(has: frozenset[str], needed: t.Iterable[str]) -> tuple[str, ...]:
    """Return the needed privileges that are not there."""
    return () if ALL in has else tuple(privilege for privilege in needed if privilege not in has)


def _plain(name: str) -> str:
    quote = name[0]
    return name[1:-1].replace(quote * 2, quote) if quote in '`"' else name


def _covers(pattern: str, database: str) -> bool:
    r"""Say whether a database name in a grant, with ``_``, ``%`` and ``\`` as LIKE has them, is this database's."""
    if pattern == "*":
        return True
    parts = re.findall(r"\\.|.", _plain(pattern), re.DOTALL)
    regex = "".join({"%": ".*", "_": "."}.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(regex, database, re.DOTALL) is not None
