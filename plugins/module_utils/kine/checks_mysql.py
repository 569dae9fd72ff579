# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of checks for MySQL and MariaDB: one row a check, run from top to bottom.

What means the same on every database is the row of ``checks``; where words or settings differ it is a row of its own
under the same id, so that people and programs find the same names.
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_mysql, rules_mysql_table
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks import CHECKS, CONNECTED, ROWS, WRITES, Check

MYSQL = ("mysql",)
COMPACTS = (*WRITES, "revisions")
SHARED: t.Final = {check.id: check for check in CHECKS if "mysql" in check.databases}

# fmt: off
MYSQL_CHECKS: t.Final = (
    SHARED["dsn"],
    SHARED["connect"],
    Check("tls", "Encrypted", MYSQL, "warn", CONNECTED, rules_mysql.is_encrypted,
          "kine's driver uses no TLS unless it is told to"),
    Check("writable", "Primary, writable", MYSQL, "fail", CONNECTED, rules_mysql.is_writable,
          "tried: kine keeps its connections to a demoted primary, where every write fails"),
    Check("isolation", "Isolation level", MYSQL, "warn", CONNECTED, rules_mysql.isolation_is_plain,
          "kine begins its statements without naming a level"),
    Check("schema", "May create its table", MYSQL, "fail", CONNECTED, rules_mysql_table.may_create,
          "kine 0.16 makes table and indexes where there is no table"),
    Check("owner", "May use its table", MYSQL, "fail", CONNECTED, rules_mysql_table.may_use,
          "what kine's statements need"),
    Check("columns", "Columns", MYSQL, "fail", CONNECTED, rules_mysql_table.columns_fit,
          "kine 0.16's table; k3s#6176 for int ids"),
    Check("collation", "Order of keys", MYSQL, "fail", CONNECTED, rules_mysql_table.collation_is_bytes,
          "tried: of two ClusterRoles that differ in case only the second is refused"),
    Check("indexes", "Indexes", MYSQL, "fail", CONNECTED, rules_mysql_table.indexes_fit,
          "kine 0.16's table; kine#504 for the unique one"),
    SHARED["data"],
    Check("sequence", "Numbers left", MYSQL, "fail", ROWS, rules_mysql_table.numbers_go_on,
          "kine: the row's id is the revision; k3s#6176"),
    Check("compacted", "Compaction keeps up", MYSQL, "warn", ROWS, rules_mysql_table.compaction_keeps_up,
          "kine keeps 1000 revisions; k3s#9256, kine#489"),
    Check("gaps", "Gaps in the revisions", MYSQL, "fail", ROWS, rules_mysql_table.gaps_are_rare,
          "tried: auto_increment_increment 3 fills kine's table with rows for missing ids"),
    SHARED["writers"],
    Check("version", "Version of the server", MYSQL, "warn", CONNECTED, rules_mysql.version_is_known,
          "what kine's own tests run on"),
    Check("housekeeping", "Time-outs", MYSQL, "warn", CONNECTED, rules_mysql.timeouts_leave_kine_alone,
          "kine keeps connections open, and lists may take long"),
    Check("prepared", "Prepared statements", MYSQL, "fail", CONNECTED, rules_mysql.statements_stay_prepared,
          "kine's driver prepares every statement; k3s#7808"),
    Check("connections", "Connection slots", MYSQL, "fail", CONNECTED, rules_mysql.connections_suffice,
          "kine 0.16: unlimited pool by default; k3s#1459, k3s#10733"),
    Check("durability", "Survives a crash", MYSQL, "fail", CONNECTED, rules_mysql.survives_a_crash,
          "the manuals of InnoDB and of the binary log"),
    Check("replication", "Survives a failover", MYSQL, "warn", CONNECTED, rules_mysql.replication_is_synchronous,
          "kine keeps its poll revision in memory: watches miss rows that reuse lost ids"),
    Check("revisions", "Revisions in order", MYSQL, "fail", WRITES, rules_mysql_table.revisions_count_up,
          "kine: the row's id is the revision; kine#71"),
    Check("ranges", "Ranges are exact", MYSQL, "fail", WRITES, rules_mysql_table.ranges_are_exact,
          "kine 0.16.3's range queries"),
    SHARED["read_your_writes"],
    Check("compaction", "Compaction works", MYSQL, "fail", COMPACTS,
          rules_mysql_table.compaction_works, "kine compacts in serializable transactions; kine#721"),
    Check("big_value", "Large values", MYSQL, "fail", WRITES, rules_mysql_table.big_values_fit,
          "kine sends an updated object together with the one that it replaces"),
    SHARED["latency"],
)
# fmt: on
