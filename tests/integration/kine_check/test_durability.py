# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kine's account sees by SQL of the ways in which a server elsewhere would lose acknowledged writes."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.durability_connection import mysql_risks, postgres_risks
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import mysql, postgres
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from tests.integration.kine_check.conftest import assert_only

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import Risk
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_facts import MysqlDatabase
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.mariadb_server import MariaServer, MariaSite
    from tests.integration.kine_check.server import Site

# One standby is there, and each write waits for it.
FEW = {"strict_impossible": "warn"}
ALONE = {"not_strict": "warn"}


def found(risks: t.Iterator[Risk]) -> dict[str, str]:
    return {risk.id: risk.severity for risk in risks}


def seen(site: Site, query: str = "sslmode=require") -> dict[str, str]:
    """What the account sees, which is no member of pg_monitor."""
    with postgres.connect(dsns.parse(site.url(query)), Deadline(30)) as database:
        return found(postgres_risks(database))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, FEW),
        ({"synchronous_standby_names": ""}, {"not_seen": "unknown"}),
        ({"synchronous_standby_names": "gone"}, {"no_standby_now": "refuse"}),
        ({"synchronous_standby_names": "2 (*)"}, {"no_standby_now": "refuse"}),
        ({"fsync": "off"}, FEW | {"not_flushed": "refuse"}),
        ({"full_page_writes": "off"}, FEW | {"torn_pages": "warn"}),
        ({"synchronous_commit": "local"}, FEW | {"commits_do_not_wait": "refuse"}),
    ],
)
def test_postgres(site: Site, settings: dict[str, str], expected: dict[str, str]) -> None:
    with site.server.settings(**{"synchronous_standby_names": "*", **settings}):
        assert seen(site) == expected


def test_a_setting_in_the_data_source(site: Site) -> None:
    assert seen(site, "sslmode=require&synchronous_commit=off") == FEW | {"commits_do_not_wait": "refuse"}


def seen_in_maria(site: MariaSite) -> dict[str, str]:
    with mysql.connect(dsns.parse(site.url()), Deadline(30)) as database:
        return found(mysql_risks(t.cast("MysqlDatabase", database)))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ALONE),
        ({"rpl_semi_sync_master_enabled": 0}, {"not_seen": "unknown"}),
        ({"rpl_semi_sync_master_wait_point": "AFTER_COMMIT"}, ALONE | {"wait_point": "warn"}),
        ({"innodb_flush_log_at_trx_commit": 2}, ALONE | {"not_flushed": "refuse"}),
    ],
)
def test_mariadb(
    maria_site: MariaSite, maria: MariaServer, settings: dict[str, t.Any], expected: dict[str, str]
) -> None:
    with maria.settings(**{"innodb_flush_log_at_trx_commit": 1, "sync_binlog": 1, **settings}):
        assert seen_in_maria(maria_site) == expected


def test_a_mariadb_whose_pages_may_tear(maria_site: MariaSite, maria: MariaServer, run_mysql: Examine) -> None:
    with maria.restarted(innodb_doublewrite="OFF"):
        maria.await_replica()
        assert seen_in_maria(maria_site) == ALONE | {"torn_pages": "warn"}
        assert_only(run_mysql(maria_site.url()), "durability", "warn")
    maria.await_replica()


def test_a_mariadb_that_has_given_up_waiting(maria_site: MariaSite, maria: MariaServer, replica: MariaServer) -> None:
    with maria.settings(innodb_flush_log_at_trx_commit=1, sync_binlog=1, rpl_semi_sync_master_timeout=200):
        with replica.paused("SLAVE IO_THREAD"):
            maria_site.admin(f"CREATE DATABASE {maria_site.database}_late")  # waits for the replica, and no longer
            assert seen_in_maria(maria_site) == ALONE | {"no_standby_now": "refuse"}
        maria.await_replica()
        maria_site.admin(f"DROP DATABASE {maria_site.database}_late")
