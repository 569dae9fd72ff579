# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 - all statements are constants
# pylint: disable=redundant-keyword-arg
# Why: astroid takes a field that MysqlFault gives another default for one more, behind all others.
"""The faults that a MariaDB is given on purpose, as data: how each is made, and the check that has to name it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_schema import COLLATION, TABLE, ddl
from tests.integration.kine_check.faults import PLAN, Fault

RECOLLATE = f"ALTER TABLE {TABLE} MODIFY name VARCHAR(630) CHARACTER SET ascii COLLATE {COLLATION}"
FIT = (ddl(), RECOLLATE)
CASE = "takes keys that differ in case for one; lists: in another order"
"""What kine does with a table that it made itself: it names a collation that ignores case."""
QUERY = "tls=skip-verify&rejectReadOnly=true"
PLAIN = "rejectReadOnly=true"
GALERA = "/usr/lib/galera/libgalera_smm.so"


@dataclass(frozen=True)
class MysqlFault(Fault):
    """One fault of a MariaDB.

    Unless a row says otherwise, kine's table is there with its collation mended, so that what kine does wrong by itself
    does not cover what it does because of the fault. ``ca_file`` is kine's own, ``restart`` are settings that a running
    server does not take.
    """

    owner: tuple[str, ...] = FIT
    query: str = QUERY
    ca_file: str = ""
    restart: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def alone(self) -> bool:
        """Whether the fault is one of the whole server, so that no other database can be looked at meanwhile."""
        return super().alone or bool(self.restart)


def table(*changes: str) -> tuple[str, ...]:
    """Statements that make kine's table with its collation mended, and then change it."""
    return (*FIT, *changes)


_ROW = f"INSERT INTO {TABLE} (name, created, deleted, create_revision, prev_revision, lease, value)"
_UNIQUE = "kine_name_prev_revision_uindex"
_EMPTY = replace(PLAN, expect="empty")
_INTEGERS = f"ALTER TABLE {TABLE} MODIFY id INTEGER AUTO_INCREMENT, MODIFY prev_revision INTEGER"

# fmt: off
MYSQL_FAULTS: t.Final = (
    MysqlFault("nothing: an empty database", "", "ok", owner=()),
    MysqlFault("nothing: kine's table, its collation mended", "", "ok"),
    MysqlFault("nothing: the unique index has another name", "", "ok", owner=table(
        f"ALTER TABLE {TABLE} RENAME INDEX {_UNIQUE} TO other")),
    MysqlFault("nothing: kine's own CA file", "", "ok", query=PLAIN, ca_file="{ca}"),
    MysqlFault("nothing: an offset for ids without steps", "", "ok", settings={"auto_increment_offset": 2}),
    MysqlFault("nothing: read committed by default", "", "ok", settings={"tx_isolation": "READ-COMMITTED"}),

    MysqlFault("DSN with a value that the driver refuses", "dsn", "fail", query=f"{QUERY}&timeout=5"),
    MysqlFault("DSN without rejectReadOnly", "dsn", "warn", query="tls=skip-verify"),
    MysqlFault("DSN that takes TLS or plaintext", "dsn", "warn", query=f"{PLAIN}&tls=preferred"),

    MysqlFault("wrong password", "connect", "fail", parts={"password": "another"}),
    MysqlFault("unknown account", "connect", "fail", parts={"user": "ghost"}),
    MysqlFault("locked account", "connect", "fail", around="locked"),
    MysqlFault("account for another address", "connect", "fail", around="other address"),
    MysqlFault("database of others", "connect", "fail", parts={"database": "mysql"}),
    MysqlFault("unknown database, which the account may make", "connect", "fail",
               ("GRANT ALL ON {database}x.* TO {role}@'%'",), parts={"database": "{database}x"}),
    MysqlFault("unknown database", "connect", "fail",
               ("GRANT SELECT ON {database}x.* TO {role}@'%'",), parts={"database": "{database}x"}),
    MysqlFault("DSN with a parameter that is no variable", "connect", "fail", query=f"{QUERY}&pool_size=5"),
    MysqlFault("closed port", "connect", "fail", parts={"port": "1"}),
    MysqlFault("unknown host name", "connect", "fail", parts={"host": "db.nowhere.invalid"}),
    MysqlFault("a web server instead of a database", "connect", "fail", around="web server"),
    MysqlFault("a port that accepts and says nothing", "connect", "fail", around="no answer"),
    MysqlFault("no connection slot is free for the account", "connect", "fail", around="connected",
               admin=("ALTER USER {role}@'%' WITH MAX_USER_CONNECTIONS 1",)),
    MysqlFault("plaintext of an account that must use TLS", "connect", "fail", query=PLAIN,
               admin=("ALTER USER {role}@'%' REQUIRE SSL",)),
    MysqlFault("plaintext to a server that wants TLS", "connect", "fail", query=PLAIN,
               settings={"require_secure_transport": 1}),
    MysqlFault("TLS to a server that has none", "connect", "fail", restart={"skip_ssl": "1"}),
    MysqlFault("certificate of another authority", "connect", "fail", query=PLAIN, ca_file="{other_ca}"),
    MysqlFault("certificate of an authority that the system does not know", "connect", "fail", query=f"{PLAIN}&tls=true"),
    MysqlFault("certificate for another host name", "connect", "fail", query=PLAIN, ca_file="{ca}",
               parts={"host": "localhost"}),
    MysqlFault("expired certificate", "connect", "fail", query=PLAIN, ca_file="{ca}", around="expired certificate"),
    MysqlFault("plaintext", "tls", "warn", query=PLAIN),

    MysqlFault("read-only server", "writable", "fail", settings={"read_only": 1}),
    MysqlFault("read-only transactions", "writable", "fail", settings={"tx_read_only": 1}),
    MysqlFault("replica", "writable", "fail", around="replica", says="replica"),
    MysqlFault("primary that was demoted", "writable", "fail", around="demoted", says="rejectReadOnly"),
    MysqlFault("serializable by default", "isolation", "warn", settings={"tx_isolation": "SERIALIZABLE"}),
    MysqlFault("serializable by the DSN", "isolation", "warn", query=f"{QUERY}&tx_isolation='SERIALIZABLE'"),
    MysqlFault("read uncommitted by default", "isolation", "warn", settings={"tx_isolation": "READ-UNCOMMITTED"}),

    MysqlFault("no CREATE on the database", "schema", "fail",
               ("REVOKE CREATE ON {database}.* FROM {role}@'%'",), (), says="lacks CREATE"),
    MysqlFault("no INDEX on the database", "schema", "fail",
               ("REVOKE INDEX ON {database}.* FROM {role}@'%'",), (), says="lacks INDEX"),
    MysqlFault("rows of the table only", "schema", "warn", (
        *FIT, "REVOKE ALL ON {database}.* FROM {role}@'%'",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.kine TO {role}@'%'"), ()),
    MysqlFault("no DELETE on the table", "owner", "fail", (
        *FIT, "REVOKE DELETE ON {database}.* FROM {role}@'%'"), ()),

    MysqlFault("integer ids", "columns", "warn", owner=table(_INTEGERS)),
    MysqlFault("values are text", "columns", "fail", owner=table(f"ALTER TABLE {TABLE} MODIFY value MEDIUMTEXT")),
    MysqlFault("a column is missing", "columns", "fail", owner=table(f"ALTER TABLE {TABLE} DROP COLUMN old_value")),
    MysqlFault("a column that kine does not fill", "columns", "fail", owner=table(
        f"ALTER TABLE {TABLE} ADD COLUMN tenant INTEGER NOT NULL")),
    MysqlFault("ids without AUTO_INCREMENT", "columns", "fail", owner=table(
        f"ALTER TABLE {TABLE} MODIFY id BIGINT UNSIGNED NOT NULL")),
    MysqlFault("kine's table as it makes it: order of keys without case", "collation", "warn", owner=(ddl(),)),
    MysqlFault("order of keys of a language", "collation", "warn", owner=table(
        f"ALTER TABLE {TABLE} MODIFY name VARCHAR(630) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")),
    MysqlFault("no unique index", "indexes", "fail", owner=table(f"ALTER TABLE {TABLE} DROP INDEX {_UNIQUE}")),
    MysqlFault("unique index that is none", "indexes", "fail", owner=table(
        f"ALTER TABLE {TABLE} DROP INDEX {_UNIQUE}, ADD INDEX {_UNIQUE} (name, prev_revision)")),
    MysqlFault("an index is missing", "indexes", "warn", owner=table(f"ALTER TABLE {TABLE} DROP INDEX kine_name_index")),

    MysqlFault("integer ids that are used up", "sequence", "fail", owner=table(
        _INTEGERS, f"ALTER TABLE {TABLE} AUTO_INCREMENT = 2147483640")),
    MysqlFault("ids beyond what kine can hold", "sequence", "fail", owner=table(
        f"ALTER TABLE {TABLE} AUTO_INCREMENT = 9223372036854775800")),
    MysqlFault("data of another control plane", "data", "fail", plan=_EMPTY, owner=table(
        f"{_ROW} VALUES ('/registry/namespaces/default', 1, 0, 0, 0, 0, 'x')")),
    MysqlFault("compaction stalled", "compacted", "warn", owner=table(
        f"{_ROW} SELECT '/registry/leases/one', 0, 0, 1, seq, 0, 'x' FROM seq_0_to_5999")),
    MysqlFault("many rows that fill gaps", "gaps", "warn", owner=table(
        f"{_ROW} SELECT CONCAT('gap-', seq), 1, 1, 0, 0, 0, '' FROM seq_1_to_600")),
    MysqlFault("two records of the compaction", "gaps", "fail", owner=table(
        f"{_ROW} SELECT CONCAT('/registry/old/', seq), 1, 0, 0, 0, 0, '' FROM seq_1_to_9",
        f"{_ROW} SELECT 'compact_rev_key', 1, 0, 0, seq, 0, '' FROM seq_0_to_1")),
    MysqlFault("somebody is connected already", "writers", "fail", around="connected", plan=_EMPTY),
    MysqlFault("an old MariaDB, by what it says of itself", "version", "warn", restart={"version": "10.5.0-MariaDB"}),
    MysqlFault("statements end after 1 s", "housekeeping", "warn", ("ALTER USER {role}@'%' WITH MAX_STATEMENT_TIME 1",)),
    MysqlFault("no prepared statement is left", "prepared", "fail", settings={"max_prepared_stmt_count": 0}),
    MysqlFault("account limited to 10 connections", "connections", "fail",
               ("ALTER USER {role}@'%' WITH MAX_USER_CONNECTIONS 10",), says="may open only 10"),
    MysqlFault("more control planes than slots", "connections", "fail", plan=Plan(3, 3, 12, 5)),
    MysqlFault("log flushed once a second", "durability", "fail", settings={"innodb_flush_log_at_trx_commit": 0}),
    MysqlFault("pages may tear", "durability", "warn", restart={"innodb_doublewrite": "OFF"}, says="innodb_doublewrite"),
    MysqlFault("engine without transactions", "durability", "fail", owner=table(f"ALTER TABLE {TABLE} ENGINE = Aria")),
    MysqlFault("binary log flushed late", "durability", "warn", settings={"sync_binlog": 0}),
    MysqlFault("replication is asynchronous", "replication", "warn", settings={"rpl_semi_sync_master_enabled": 0}),
    MysqlFault("the replica is gone, commits no longer wait", "replication", "warn", around="replica gone",
               settings={"rpl_semi_sync_master_timeout": 200}, says="enabled but off"),
    MysqlFault("others see writes before a replica has them", "replication", "warn",
               settings={"rpl_semi_sync_master_wait_point": "AFTER_COMMIT"}),

    MysqlFault("ids in steps of 2", "revisions", "fail",
               settings={"auto_increment_increment": 2}, says="auto_increment_increment is 2"),
    MysqlFault("ids in steps of 2, from an offset", "revisions", "fail",
               settings={"auto_increment_increment": 2, "auto_increment_offset": 2}),
    MysqlFault("Galera, one node", "revisions", "fail", restart={
        "wsrep_on": "ON", "wsrep_provider": GALERA, "wsrep_cluster_address": "gcomm://", "innodb_autoinc_lock_mode": "2"}),
    # It takes a write in the middle of a compaction.
    MysqlFault("snapshot isolation", "compaction", "fail", settings={"innodb_snapshot_isolation": 1}, says="beside writes",
               varies=("compactions fail", "works")),
    # The server says 1153 and hangs up; kine's driver, still sending, may see only the second.
    MysqlFault("packets of 1 MiB", "big_value", "fail", settings={"max_allowed_packet": 2**20},
               varies=("refuses an object of 1.4 MiB", "refuses an object of 1.4 MiB (1153)")),
    MysqlFault("packets of 8 MiB", "big_value", "warn", settings={"max_allowed_packet": 2**23}),
    MysqlFault("commits take 100 ms", "latency", "warn",
               settings={"binlog_commit_wait_count": 100, "binlog_commit_wait_usec": 100_000}),
)
# fmt: on
