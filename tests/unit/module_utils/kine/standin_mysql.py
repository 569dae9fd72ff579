# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy MariaDB, whose facts a test may spoil, for the rules of MySQL and MariaDB."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import (
    Home,
    LiveIndex,
    Replication,
    Standby,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_facts import Missing, MysqlDatabase
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_schema import COLUMNS, INDEXES
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Finding, Server
from tests.unit.module_utils.kine.standin import PLAN, TABLE, StandIn, look_at

URL = "mysql://kine:s3cret@tcp(db.example:3306)/kine?tls=true&rejectReadOnly=true"
MARIA_TABLE = replace(
    TABLE,
    columns={column.name: column.type for column in COLUMNS},
    indexes=tuple(LiveIndex(index, usable=True) for index in INDEXES),
    collation="ascii_bin",
)
SEMI_SYNC = Replication("semi-sync", "AFTER_SYNC", (Standby("", "streaming", "sync"),))
ACCOUNT = Home("'kine'@'%'", "kine", "kine", may_create=True)
MARIADB = Server("MariaDB", "10.11.19")
NOTHING = Missing((), ())
VARIABLES = {
    "auto_increment_increment": "1",
    "auto_increment_offset": "1",
    "wsrep_on": "OFF",
    "innodb_flush_log_at_trx_commit": "1",
    "innodb_doublewrite": "ON",
    "log_bin": "ON",
    "sync_binlog": "1",
    "innodb_snapshot_isolation": "OFF",
    "max_allowed_packet": str(64 * 2**20),
}


@dataclass
class Maria(StandIn, MysqlDatabase):
    """The facts of a healthy MariaDB."""

    place: Home = ACCOUNT
    kine: t.Any = MARIA_TABLE
    level: str = "repeatable read"
    copies: Replication | Exception = SEMI_SYNC
    product: Server = MARIADB
    settings: dict[str, str] = field(default_factory=dict)
    counters: dict[str, str] = field(default_factory=dict)
    lacks: Missing = NOTHING
    stored: str = "InnoDB"

    def server(self) -> Server:
        return self.product

    def variables(self, *names: str) -> t.Mapping[str, str]:
        found = VARIABLES | self.settings
        return {name: found[name] for name in names if name in found}

    def status(self, *names: str) -> t.Mapping[str, str]:
        found = {"rpl_semi_sync_master_status": "ON"} | self.counters
        return {name.lower(): found[name.lower()] for name in names if name.lower() in found}

    def missing(self) -> Missing:
        return self.lacks

    def engine(self) -> str:
        return self.stored


def judge(rule: t.Callable[..., Finding], database: StandIn, url: str = URL, **plan: t.Any) -> Finding:
    return rule(look_at(database, replace(PLAN, **plan), url))


def with_facts(database: Maria, **facts: t.Any) -> Maria:
    """Return the database with methods that answer with these facts."""
    for name, fact in facts.items():
        setattr(database, name, lambda fact=fact: fact)
    return database
