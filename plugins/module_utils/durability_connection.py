# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database that nobody here runs would lose at a failover, as far as kine's own account sees that by SQL.

A provider may replicate below the server (volumes, disks of a region), which no SQL shows: that is unknown, not a refusal.
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import durability_mysql, durability_postgres
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import Risk, risk
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.rules_server import (
    releases_commits,
    standbys_in_words,
    wanted_standbys,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Database
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_facts import MysqlDatabase

_BELOW: t.Mapping[str, str] = {
    "why": "If its provider replicates below the server, such as a second copy of its volume, that shows nowhere in SQL",
    "remedy": "See that its provider's failover is synchronous, or set it up in the server",
}


def postgres_risks(database: Database) -> Iterator[Risk]:
    """Settings show to every account; the state of standbys only to members of pg_monitor, and else their names count."""
    replication, durability = database.replication(), database.durability()
    yield from durability_postgres.flush_risks(fsync=durability.fsync, full_page_writes=durability.full_page_writes)
    asked = bool(replication.wanted)
    yield from durability_postgres.commit_risks("", replication.commit, synchronous=asked)
    seen = standbys_in_words(replication)
    if not asked:
        yield risk("not_seen", f"synchronous_standby_names is empty; {seen}", **_BELOW)
        return
    needed, names = wanted_standbys(replication.wanted)
    # The next in the list takes the place of one that goes; a commit does not wait for it yet.
    able = sum(releases_commits(each, names) or each.sync == "potential" for each in replication.standbys)
    if able < needed:
        yield risk("no_standby_now", f"each write waits for {needed} of {replication.wanted}; {seen}")
    elif able == needed:
        yield risk(
            "strict_impossible",
            f"each write waits for {needed}, and there are no more; {seen}",
            severity="warn",
            why="With a standby down every write hangs, unless who runs the server empties synchronous_standby_names then",
            remedy="Add a standby, or see that synchronous_standby_names follows those that are there",
        )


def mysql_risks(database: MysqlDatabase) -> Iterator[Risk]:
    """Settings and counters show to every account; where the replicas run, and how far they are, does not."""
    replication, durability = database.replication(), database.durability()
    settings = database.variables(
        "log_bin", "sync_binlog", "rpl_semi_sync_master_timeout", "rpl_semi_sync_source_timeout"
    )
    counters = database.status("Rpl_semi_sync_master_status", "Rpl_semi_sync_source_status")
    side = "source" if "rpl_semi_sync_source_timeout" in settings else "master"
    primary = durability_mysql.Primary(
        waits="ON" in counters.values() and any(standby.sync == "sync" for standby in replication.standbys),
        wait_point=replication.commit,
        patience=int(settings.get(f"rpl_semi_sync_{side}_timeout", 0)),
        side=side,
    )
    yield from durability_mysql.flush_risks(
        flushes=durability.fsync,
        syncs_binlog=settings.get("log_bin", "OFF") != "ON" or settings.get("sync_binlog") == "1",
        doublewrites=durability.full_page_writes,
    )
    if replication.wanted:
        yield from durability_mysql.waiting_risks(primary)
    else:
        seen = f"replicas connected: {len(replication.standbys)}"
        yield risk("not_seen", f"semi-synchronous replication is off; {seen}", **_BELOW)
