# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What MariaDB servers say about their replication: the question, and the answer taken apart. Pure.

mariadb-operator reports Ready and Slave from one variable alone. A replica whose SQL thread ended with an error goes on
to acknowledge writes that it never applies, and the operator goes on to call it ready (seen with v0.38.1).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Object: t.TypeAlias = t.Mapping[str, t.Any]

_STATEMENTS = (
    "SHOW SLAVE STATUS",
    "SELECT @@global.read_only AS read_only, @@global.gtid_binlog_pos AS written, @@global.gtid_slave_pos AS applied,"
    " (SELECT variable_value FROM information_schema.global_status"
    " WHERE variable_name = 'Rpl_semi_sync_master_status') AS semi_sync,"
    " (SELECT variable_value FROM information_schema.global_status"
    " WHERE variable_name = 'Rpl_semi_sync_master_clients') AS semi_sync_replicas,"
    " (SELECT variable_value FROM information_schema.global_status"
    " WHERE variable_name = 'Rpl_semi_sync_slave_status') AS acknowledges,"
    " @@global.rpl_semi_sync_master_wait_point AS wait_point, @@global.rpl_semi_sync_master_timeout AS wait_ms,"
    " @@global.innodb_flush_log_at_trx_commit AS flushes, IF(@@global.log_bin, @@global.sync_binlog, 1) AS syncs_binlog",
)
_DIVERGED = "extra erroneous transactions"
"""In the words of error 1236 (MariaDB 10.11), which has other reasons, too."""
# The password is in the container's environment, and goes neither into a list of processes nor into a URL.
_ASK = (
    'MYSQL_PWD="$MARIADB_ROOT_PASSWORD" exec timeout {seconds} mariadb --no-defaults --user=root {form} --execute="$1"'
)
COMMAND = ("bash", "-c", _ASK.format(seconds=5, form="--vertical"), "ask", "; ".join(_STATEMENTS))


PRIMARY_ONLY = (
    "EXECUTE IMMEDIATE IF(@@global.read_only, 'SIGNAL SQLSTATE ''45000'' SET MESSAGE_TEXT ="
    " ''This server is not the primary any more: try again''', 'DO 0')"
)
"""Fails on a replica. To root it is not read-only, and what root changed there the others would not have, nor could it follow."""


def administration(sql: str) -> tuple[str, ...]:
    """A command that runs statements as root on a primary, and prints values only."""
    shell = _ASK.format(seconds=30, form="--batch --skip-column-names")
    return ("bash", "-c", shell, "administer", f"{PRIMARY_ONLY}; {sql}")


@dataclass(frozen=True)
class Server:
    """One server in its own words. ``problem``: why it gave no answer, "" if it did."""

    pod: str
    problem: str
    said: t.Mapping[str, str]

    @property
    def read_only(self) -> bool:
        return self.said.get("read_only") != "0"

    @property
    def replicates(self) -> bool:
        """Whether it has a primary to follow, whatever comes of that."""
        return "Slave_SQL_Running" in self.said

    @property
    def acknowledges(self) -> bool:
        """Whether the primary waits for it."""
        return self.said.get("acknowledges") == "ON"

    @property
    def semi_synchronous(self) -> bool:
        """Whether it waits for a replica before it commits; a primary without any gives up on that after 10 s."""
        return self.said.get("semi_sync") == "ON" and self.said.get("semi_sync_replicas") not in (None, "0", "NULL")

    @property
    def diverged(self) -> bool:
        """Whether it does not follow because it has transactions of its own.

        So has a primary that was killed and led for another moment when it was back, in which the operator set it up anew
        (seen with v0.38.1). It follows when it has started once more.
        """
        return _DIVERGED in self.said.get("Last_IO_Error", "") and self.said.get("Slave_IO_Running") != "Yes"

    def broken(self) -> str:
        """Why it does not follow the primary, "" while both of its threads do."""
        for thread, error in (("Slave_SQL_Running", "Last_SQL_Error"), ("Slave_IO_Running", "Last_IO_Error")):
            if self.said[thread] != "Yes":
                why = self.said.get(error) or "no error is given"
                return f"{thread} is {self.said[thread]} ({why})"
        return ""


def server(pod: str, answers: t.Sequence[Object] | None) -> Server:
    """A server from the answer to COMMAND."""
    answer: Object = answers[0] if answers else {"problem": "it was not asked"}
    problem = str(answer.get("problem") or "")
    said = dict(_pairs(str(answer.get("output") or "")))
    if not problem and "read_only" not in said:
        problem = "its answer cannot be read"
    return Server(pod, problem, said)


def _pairs(output: str) -> t.Iterator[tuple[str, str]]:
    """Names and values of what the client prints with --vertical: a name, a colon, and a value, aligned."""
    for line in output.splitlines():
        name, colon, value = line.strip().partition(":")
        if colon and name.isidentifier():
            yield name, value.strip()


def behind(primary: Server, replica: Server) -> int:
    """How many transactions of the primary a replica has not applied; below zero when it has some of its own.

    A promoted primary counts from one again, and its replicas with it.
    """
    written, applied = _position(primary.said.get("written", "")), _position(replica.said.get("applied", ""))
    return max((written.get(domain, 0) - applied.get(domain, 0) for domain in {*written, *applied}), key=abs, default=0)


def _position(text: str) -> dict[str, int]:
    """The last number of each domain in a GTID position such as 0-10-4711,1-11-3."""
    parts = (item.strip().split("-") for item in text.split(",") if item.strip())
    return {part[0]: int(part[2]) for part in parts if len(part) == 3}
