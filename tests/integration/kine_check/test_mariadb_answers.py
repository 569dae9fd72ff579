# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What real MariaDB servers answer to the question about their replication, and what is made of it.

The command is the one that runs in an instance's pod; the environment stands in for the container's.
"""

from __future__ import annotations

import os
import subprocess
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb_answers import (
    COMMAND,
    Server,
    behind,
    server,
)

if t.TYPE_CHECKING:
    from tests.integration.kine_check.mariadb_server import MariaServer, MariaSite

WRITE = ("CREATE TABLE IF NOT EXISTS written (id INT PRIMARY KEY AUTO_INCREMENT)", "INSERT INTO written VALUES ()")


def ask(asked: MariaServer) -> Server:
    container = {"MYSQL_UNIX_PORT": str(asked.folder / "socket"), "MARIADB_ROOT_PASSWORD": ""}
    answer = subprocess.run(COMMAND, env={**os.environ, **container}, capture_output=True, text=True, check=True)
    return server("mdb", [{"output": answer.stdout}])


def test_a_primary_and_its_replica(maria: MariaServer, replica: MariaServer, maria_site: MariaSite) -> None:
    maria_site.admin(*WRITE)
    replica.catch_up(maria)
    follower, leader = ask(replica), ask(maria)
    assert (leader.problem, leader.read_only, leader.replicates, leader.semi_synchronous) == ("", False, False, True)
    assert (follower.problem, follower.read_only, follower.replicates) == ("", True, True)
    assert (follower.broken(), follower.acknowledges, follower.semi_synchronous) == ("", True, False)
    assert follower.said["Master_Host"] == "127.0.0.1"
    assert leader.said["written"] == follower.said["applied"] != ""
    assert behind(leader, follower) == 0


def test_a_replica_that_acknowledges_and_applies_nothing(
    maria: MariaServer, replica: MariaServer, maria_site: MariaSite
) -> None:
    replica.catch_up(maria)  # with what made the database
    with replica.paused("SLAVE SQL_THREAD"):
        maria_site.admin(*WRITE, WRITE[1])
        follower, leader = ask(replica), ask(maria)
    assert follower.broken() == "Slave_SQL_Running is No (no error is given)"
    assert follower.acknowledges
    assert leader.semi_synchronous
    assert behind(leader, follower) == 3
    replica.catch_up(maria)


def test_a_replica_that_an_error_stopped(maria: MariaServer, replica: MariaServer, maria_site: MariaSite) -> None:
    maria_site.admin(*WRITE)
    replica.catch_up(maria)
    with replica.admin(maria_site.database) as cursor:
        # As after a promotion that lost something: the replica has a row that the primary does not have.
        cursor.execute("SET SESSION sql_log_bin = 0")
        cursor.execute("INSERT INTO written VALUES (2)")
        maria_site.admin(WRITE[1])
        cursor.execute("DO SLEEP(0.5)")
        follower = ask(replica)
        cursor.execute("DELETE FROM written WHERE id = 2")
        cursor.execute("START SLAVE")
    assert "Slave_SQL_Running is No" in follower.broken()
    assert "Duplicate entry '2'" in follower.broken()
    replica.catch_up(maria)
