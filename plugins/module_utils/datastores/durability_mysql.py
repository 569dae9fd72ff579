# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The risks that a MySQL or MariaDB primary tells of its semi-synchronous replication. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import Risk, risk

if t.TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Primary:
    """A primary that is set to wait for replicas. ``waits``: whether it does now, ``patience``: milliseconds.

    ``side``: what its variables call it, ``master`` or, on MySQL from 8.0.26 on, ``source``.
    """

    waits: bool
    wait_point: str
    patience: int
    side: str = "master"


def waiting_risks(primary: Primary) -> Iterator[Risk]:
    """What semi-synchronous replication gives away: after its time-out the primary goes on alone, by design."""
    semi_sync = f"rpl_semi_sync_{primary.side}"
    yield risk(
        "not_strict",
        f"semi-synchronous, for {primary.patience / 1000:g} s at most",
        why="A primary whose replicas do not answer that long goes on alone, and a second failure loses what was acknowledged"
        " in that time",
        remedy=f"Accept it knowingly, or raise {semi_sync}_timeout; strict is PostgreSQL's synchronous: strict",
    )
    if not primary.waits:
        yield risk(
            "no_standby_now", f"{semi_sync.capitalize()}_status is OFF or nobody acknowledges: commits wait for nobody"
        )
    if primary.wait_point != "AFTER_SYNC":
        setting = f"{semi_sync}_wait_point"
        observed = f"{setting} is {primary.wait_point or 'not known'}"
        yield risk("wait_point", observed, remedy=f"Set {setting} to AFTER_SYNC")


def flush_risks(*, flushes: bool, syncs_binlog: bool, doublewrites: bool = True) -> Iterator[Risk]:
    """What a crash of the server itself would cost: is each commit on the disk, in the data and in the log for replicas."""
    if not flushes:
        yield risk("not_flushed", "innodb_flush_log_at_trx_commit is not 1")
    if not syncs_binlog:
        yield risk(
            "not_flushed",
            "sync_binlog is not 1",
            severity="warn",
            why="After a crash the log that replicas read may lack writes that the primary has",
        )
    if not doublewrites:
        yield risk("torn_pages", "innodb_doublewrite is off")
