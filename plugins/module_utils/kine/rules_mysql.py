# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the connection and the server on MySQL and MariaDB, where their words or settings are not PostgreSQL's."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_connection
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Finding
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.rules_connection import (
    connections_to_ask,
    judge_tls,
    judge_writable,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.rules_server import (
    BELOW,
    WHOLE_PAGES,
    judge_connections,
)

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_facts import MysqlDatabase
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Status

LEVELS = ("read committed", "repeatable read")
# Statements that take longer are ended, and idle connections closed: below these seconds kine's own suffer.
TIMEOUTS: t.Final = {
    "max_statement_time": 60,
    "max_execution_time": 60,
    "wait_timeout": 180,
    "idle_transaction_timeout": 60,
    "idle_write_transaction_timeout": 60,
}
# The oldest of each product that kine's own tests run on, or that its makers still repair.
OLDEST: t.Final = {"MariaDB": (10, 11), "MySQL": (8, 0)}


def database_of(look: Look) -> MysqlDatabase:
    """Return the database of a look at MySQL: these rules apply to no other."""
    return t.cast("MysqlDatabase", look.database)


def is_encrypted(look: Look) -> Finding:
    """Record TLS; plaintext sends every Secret of the hosted cluster in the clear."""
    return judge_tls(
        look.tls,
        f"tls={look.dsn.params.get('tls', 'false, the default')}",
        "Give the server a certificate, and kine its CA (--ca-file), or put tls=true or tls=skip-verify into the DSN.",
    )


def is_writable(look: Look) -> Finding:
    """Ask several connections whether they landed on a primary that accepts writes."""
    return judge_writable(
        look.database.write_states(connections_to_ask(look)),
        "replica",
        "Point the DSN at the Service or address of the primary only.",
        "A demoted primary is read only: point the DSN at the primary, and add rejectReadOnly=true so that kine"
        " leaves it by itself. If this is the primary: SET GLOBAL read_only = 0; (MySQL: super_read_only = 0;"
        " too), and see why it was set.",
    )


def isolation_is_plain(look: Look) -> Finding:
    """Warn of levels that nobody tries kine on. Serializable changes nothing where each statement is a transaction.

    Tried: kine 0.16.4 works under it, as its own compactions do.
    """
    level = look.database.isolation()
    expected = " or ".join(LEVELS)
    if level in LEVELS:
        return Finding("ok", level, expected)
    remedy = "SET GLOBAL TRANSACTION ISOLATION LEVEL REPEATABLE READ; and in the server's configuration, or remove it"
    return Finding("warn", level, expected, f"{remedy} from the DSN.")


def connections_suffice(look: Look) -> Finding:
    """Compare the free slots with what the planned control planes may open."""
    return judge_connections(
        look,
        lambda least: (
            f"SET GLOBAL max_connections = {least}; or more, and in the server's configuration; where the account is"
            f" limited: ALTER USER {look.home.role} WITH MAX_USER_CONNECTIONS 0; (the MariaDB operator's User allows 10 by"
            " default); or lower KINE_KINE_DATASTORE_MAX_OPEN_CONNECTIONS in the Secret."
        ),
    )


def survives_a_crash(look: Look) -> Finding:
    """Refuse settings that lose acknowledged writes in a crash; torn pages and a lagging binary log are warnings."""
    found = database_of(look).variables(
        "innodb_flush_log_at_trx_commit", "innodb_doublewrite", "log_bin", "sync_binlog"
    )
    safe, engine = look.database.durability(), database_of(look).engine()
    if engine.lower() != "innodb":
        remedy = "SET GLOBAL default_storage_engine = 'InnoDB'; and for a table that is there: ALTER TABLE kine ENGINE = InnoDB;"
        return Finding("fail", f"the storage engine is {engine}, which keeps no transactions", _CRASH_SAFE, remedy)
    observed, remedies = [], []
    if not safe.fsync:
        observed.append(f"innodb_flush_log_at_trx_commit is {found.get('innodb_flush_log_at_trx_commit')}")
        remedies.append("SET GLOBAL innodb_flush_log_at_trx_commit = 1; and in the server's configuration.")
    status: Status = "fail" if observed else "warn"
    if not safe.full_page_writes:
        tears = f"a crash tears pages, {WHOLE_PAGES.format('16 KiB: RDS Optimized Writes, Aurora, ZFS')}"
        observed.append(f"innodb_doublewrite is {found.get('innodb_doublewrite')}: {tears}")
        remedies.append("Where they may tear: innodb_doublewrite = ON in the server's configuration, and restart.")
    if found.get("log_bin", "OFF") == "ON" and found.get("sync_binlog") != "1":
        lacks = "after a crash the binary log lacks writes, and replicas too"
        observed.append(f"sync_binlog is {found.get('sync_binlog')}: {lacks}")
        remedies.append("SET GLOBAL sync_binlog = 1; and in the server's configuration.")
    if observed:
        return Finding(status, "; ".join(observed), _CRASH_SAFE, " ".join(remedies))
    return Finding("ok", _CRASH_SAFE, _CRASH_SAFE)


_CRASH_SAFE = (
    "InnoDB, innodb_flush_log_at_trx_commit 1, innodb_doublewrite on, and sync_binlog 1 where there is a binary log"
)


def replication_is_synchronous(look: Look) -> Finding:
    """Look for semi-synchronous replication that is in effect: without it a failover loses revisions.

    kine then gives the lost ids to other rows, which watches miss without a word.
    """
    replication = look.database.replication()
    expected = "semi-synchronous replication, with a replica that acknowledges"
    waiting = sum(standby.sync == "sync" for standby in replication.standbys)
    observed = f"replicas connected: {len(replication.standbys)}, semi-synchronous: {waiting}"
    if not replication.wanted:
        return Finding("warn", *_unseen(look, observed, bool(replication.standbys), expected))
    found = database_of(look).status("Rpl_semi_sync_master_status", "Rpl_semi_sync_source_status")
    if "ON" not in found.values() or not waiting:
        off = f"semi-synchronous replication is enabled but off, so commits wait for nobody; {observed}"
        return Finding("warn", off, expected, "Bring a replica back: SHOW REPLICA STATUS tells there what stopped it.")
    if replication.commit != "AFTER_SYNC":
        early = f"the wait point is {replication.commit}, where others see a write before a replica has it; {observed}"
        return Finding("warn", early, expected, f"SET GLOBAL {_semi_sync(look, 'wait_point')} = 'AFTER_SYNC';")
    return Finding("ok", f"semi-synchronous; {observed}", expected)


def _unseen(look: Look, observed: str, replicas: bool, expected: str) -> tuple[str, str, str]:
    """Return what is observed without semi-synchronous replication, with what is expected, and the remedy."""
    group = database_of(look).variables("group_replication_group_name").get("group_replication_group_name", "")
    if group:
        online = (
            "SELECT * FROM performance_schema.replication_group_members; as an administrator: each has to be ONLINE."
        )
        return "group replication, whose members this account does not see", "a group with a majority", online
    enabled = _semi_sync(look, "enabled")
    remedy = (
        f"Run a replica or more with semi-synchronous replication ({enabled}, with the MariaDB operator spec.replication);"
        " accept it knowingly where the loss of the last writes at a failover is bearable."
    )
    if replicas:
        return f"asynchronous; {observed}", expected, remedy
    return "no replica shows in SQL, and semi-synchronous replication is off", expected, f"{remedy} {BELOW}"


def _semi_sync(look: Look, what: str) -> str:
    """Return the name of a variable of semi-synchronous replication, which only MySQL has renamed (8.0.26)."""
    new, old = f"rpl_semi_sync_source_{what}", f"rpl_semi_sync_master_{what}"
    found = database_of(look).variables(new, old)
    return next(iter(found), old if look.server.product == "MariaDB" else new)


def version_is_known(look: Look) -> Finding:
    """Compare the server with the oldest that kine is tried on."""
    server = look.server
    oldest = OLDEST[server.product]
    expected = " or ".join(f"{name} {'.'.join(map(str, version))}+" for name, version in OLDEST.items())
    numbers = tuple(int(number) for number in re.findall(r"\d+", server.version)[:2])
    observed = f"{server.product} {server.version}"
    if numbers < oldest:
        return Finding("warn", observed, expected, "Update the server: kine is not tried on this version.")
    return Finding("ok", observed, expected)


def timeouts_leave_kine_alone(look: Look) -> Finding:
    """Look for time-outs that end kine's longer lists, or the connections that it keeps for two minutes."""
    found = look.database.housekeeping().timeouts
    short = {name: found[name] for name, least in TIMEOUTS.items() if 0 < found.get(name, 0) < least}
    expected = ", ".join(f"{name} 0 or {least} s and more" for name, least in TIMEOUTS.items() if name in found)
    if short:
        observed = "; ".join(f"{name} is {seconds:g} s" for name, seconds in short.items())
        settings = ", ".join(f"GLOBAL {name} = {28800 if name == 'wait_timeout' else 0}" for name in short)
        return Finding("warn", observed, expected, f"SET {settings}; and in the server's configuration.")
    return Finding("ok", "no short time-outs", expected)


def statements_stay_prepared(look: Look) -> Finding:
    """Use a prepared statement in several transactions: kine's driver prepares every statement."""
    finding = rules_connection.statements_stay_prepared(look)
    remedy = "Point the DSN at the server, not at a proxy that gives each transaction another session."
    return replace(finding, remedy=remedy) if finding.remedy else finding
