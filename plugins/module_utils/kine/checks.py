# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of checks: one row each. A new check is one function in a rules_*.py file and one row here."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import (
    rules_connection,
    rules_data,
    rules_latency,
    rules_server,
    rules_table,
    rules_writes,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Finding

POSTGRES = ("postgres",)
EVERY = ("postgres", "mysql")
CONNECTED = ("connect",)
# Checks that read kine's rows need its columns.
ROWS = ("connect", "columns")
# Checks that write need a place that takes writes, and commits that return.
WRITES = ("connect", "writable", "schema", "replication")


@dataclass(frozen=True)
class Check:
    """A row: the worst status it may give, the checks it makes no sense without, and where its rule comes from."""

    id: str
    title: str
    databases: tuple[str, ...]
    severity: t.Literal["warn", "fail"]
    needs: tuple[str, ...]
    function: t.Callable[[Look], Finding]
    source: str


# fmt: off
CHECKS: t.Final = (
    Check("dsn", "DSN is sound", EVERY, "fail", (), rules_connection.dsn_is_sound,
          "how kine, its driver and k0smotron take a DSN apart"),
    Check("connect", "Connects", EVERY, "fail", (), rules_connection.connects,
          "kine pings the database before it serves"),
    Check("tls", "Encrypted", POSTGRES, "warn", CONNECTED, rules_connection.is_encrypted,
          "kine's driver falls back to plaintext under sslmode=prefer"),
    Check("writable", "Primary, writable", POSTGRES, "fail", CONNECTED, rules_connection.is_writable,
          "every kine writes, there are no read-only ones"),
    Check("isolation", "Isolation level", POSTGRES, "fail", CONNECTED, rules_connection.isolation_is_plain,
          "tried: serializable fails plain inserts"),
    Check("schema", "May create its table", POSTGRES, "fail", CONNECTED, rules_table.may_create,
          "kine 0.16 runs its CREATE statements at every start"),
    Check("owner", "Owns its table", POSTGRES, "fail", CONNECTED, rules_table.owns_table,
          "kine 0.16 runs CREATE INDEX at every start"),
    Check("columns", "Columns", POSTGRES, "fail", CONNECTED, rules_table.columns_fit,
          "kine 0.16's table; k3s#6176 for integer ids"),
    Check("collation", "Order of keys", POSTGRES, "fail", CONNECTED, rules_table.collation_is_bytes,
          "kine 0.16.3's range queries; k3s#14505"),
    Check("indexes", "Indexes", POSTGRES, "fail", CONNECTED, rules_table.indexes_fit,
          "kine 0.16's table; kine#504 for the unique one"),
    Check("data", "Whose data", EVERY, "fail", ROWS, rules_data.data_is_expected,
          "two control planes on one table destroy each other"),
    Check("sequence", "Numbers left", POSTGRES, "fail", ROWS, rules_data.numbers_go_on,
          "kine: the row's id is the revision; k3s#6176"),
    Check("compacted", "Compaction keeps up", POSTGRES, "warn", ROWS, rules_data.compaction_keeps_up,
          "kine keeps 1000 revisions; k3s#9256, kine#489"),
    Check("gaps", "Gaps in the revisions", POSTGRES, "fail", ROWS, rules_data.gaps_are_rare,
          "kine fills missing ids with rows of their own; kine#82"),
    Check("writers", "Nobody else writes", EVERY, "fail", CONNECTED, rules_server.no_foreign_writers,
          "two control planes on one table destroy each other"),
    Check("version", "Version of the server", POSTGRES, "warn", CONNECTED, rules_server.version_is_tested,
          "the versions in kine 0.16's continuous integration"),
    Check("housekeeping", "Time-outs and upkeep", POSTGRES, "warn", CONNECTED, rules_server.upkeep_leaves_kine_alone,
          "kine keeps connections open, and replaces every row that it updates"),
    Check("prepared", "Prepared statements", POSTGRES, "fail", CONNECTED, rules_connection.statements_stay_prepared,
          "kine's driver prepares every statement once a connection; k3s#7808"),
    Check("connections", "Connection slots", POSTGRES, "fail", CONNECTED, rules_server.connections_suffice,
          "kine 0.16: unlimited pool by default; k3s#1459, k3s#10733"),
    Check("durability", "Survives a crash", POSTGRES, "fail", CONNECTED, rules_server.survives_a_crash,
          "PostgreSQL's manual on reliability"),
    Check("replication", "Survives a failover", POSTGRES, "fail", CONNECTED, rules_server.replication_is_synchronous,
          "kine keeps its poll revision in memory: watches miss rows that reuse lost ids"),
    Check("revisions", "Revisions in order", POSTGRES, "fail", WRITES, rules_writes.revisions_count_up,
          "kine: the row's id is the revision; kine#71, kine#82"),
    Check("ranges", "Ranges are exact", POSTGRES, "fail", WRITES, rules_writes.ranges_are_exact,
          "kine 0.16.3's range queries; k3s#14505"),
    Check("read_your_writes", "Reads what was written", EVERY, "fail", WRITES, rules_writes.own_writes_are_read,
          "the API server reads through any of kine's connections"),
    Check("compaction", "Compaction works", POSTGRES, "fail", (*WRITES, "isolation", "revisions"), rules_writes.compaction_works,
          "kine compacts in a serializable transaction; kine#721"),
    Check("big_value", "Large values", POSTGRES, "fail", WRITES, rules_writes.big_values_fit,
          "the API server stores objects up to 1.5 MiB"),
    Check("latency", "Latency", EVERY, "fail", WRITES, rules_latency.database_is_quick,
          "slow databases stall compaction and leases; k3s#11901"),
)
# fmt: on
