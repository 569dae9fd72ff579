# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kine keeps in MySQL and MariaDB, and the statements by which it reads and writes it. Pure data.

Read from kine 0.16.4. It makes no index for lists here, and makes table and indexes only when there is no table yet.
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import schema
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import Column, Index

TABLE: t.Final = schema.TABLE
COLLATION = "ascii_bin"
NAME_TYPE = "varchar(630)"

# Signed and shorter numbers are what kine made before 0.10; migration 1 widens them.
COLUMNS: t.Final = (
    Column("id", "bigint unsigned", ("int", "bigint"), "BIGINT UNSIGNED NOT NULL AUTO_INCREMENT"),
    Column("name", NAME_TYPE, (), "VARCHAR(630) CHARACTER SET ascii"),
    Column("created", "int"),
    Column("deleted", "int"),
    Column("create_revision", "bigint unsigned", ("int", "bigint")),
    Column("prev_revision", "bigint unsigned", ("int", "bigint")),
    Column("lease", "int"),
    Column("value", "mediumblob"),
    Column("old_value", "mediumblob"),
)
PRIMARY_KEY: t.Final = Index("PRIMARY", ("id",), unique=True)
INDEXES: t.Final = (PRIMARY_KEY, *(index for index in schema.INDEXES[1:] if index is not schema.LIST_INDEX))
# The highest id that a column of this type and kine itself can hold.
LIMITS: t.Final = {"int": 2**31 - 1, "int unsigned": 2**32 - 1}
LARGEST = 2**63 - 1


def ddl(table: str = TABLE) -> str:
    """Return the one statement that makes kine's table with all its indexes: it is there whole, or not at all."""
    parts = [f"{column.name} {column.ddl or column.type}" for column in COLUMNS]
    parts.append("PRIMARY KEY (id)")
    parts += [
        f"{'UNIQUE INDEX' if index.unique else 'INDEX'} {index.name} ({', '.join(index.keys)})" for index in INDEXES[1:]
    ]
    return f"CREATE TABLE {table} ({', '.join(parts)})"


# The id of the new row comes with the answer, so nothing is returned here.
INSERT: t.Final = schema.INSERT.removesuffix(" RETURNING id")
_DIGITS = " UNION ALL ".join(f"SELECT {digit} AS digit" for digit in range(10))


def fill(table: str, rows: int) -> str:
    """Return a statement that creates that many keys from a prefix, a value and their number; counting is the server's."""
    places = range(len(str(rows)))
    number = " + ".join(f"{10**place} * place{place}.digit" for place in places)
    sources = " CROSS JOIN ".join(f"({_DIGITS}) AS place{place}" for place in places)
    # S608: what is put into statements are names of our own; values from outside go as parameters.
    return (
        f"INSERT INTO {table} (name, created, deleted, create_revision, prev_revision, lease, value)"  # noqa: S608
        " SELECT CONCAT(%s, LPAD(numbers.number, 6, '0')), 1, 0, 0, 0, 0, %s"
        f" FROM (SELECT {number} AS number FROM {sources}) AS numbers"
        " WHERE numbers.number BETWEEN 1 AND %s ORDER BY numbers.number"
    )


NEWEST: t.Final = "SELECT COALESCE(MAX(id), 0) FROM {table}"
COMPACTED: t.Final = "SELECT MAX(prev_revision) FROM {table} WHERE name = %s"
COMPACT: t.Final = (
    "DELETE old FROM {table} AS old JOIN ("
    "SELECT newer.prev_revision AS id FROM {table} AS newer"
    " WHERE newer.prev_revision <> 0 AND newer.name <> %s AND newer.id <= %s"
    " UNION SELECT dead.id FROM {table} AS dead WHERE dead.deleted <> 0 AND dead.id <= %s) AS gone USING (id)"
)
MARK_COMPACTED: t.Final = "UPDATE {table} SET prev_revision = %s WHERE name = %s"
