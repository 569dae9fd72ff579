# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as Ansible runs it, on a MariaDB that is reached directly: no cluster is needed."""

from __future__ import annotations

import typing as t

import pymysql
import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks_mysql import MYSQL_CHECKS
from tests.integration.modules.runner import Modules

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.kine_check.mariadb_server import MariaServer, MariaSite

# How fast a busy machine is says nothing.
PASSED = {check.id: "ok" for check in MYSQL_CHECKS if check.id != "latency"}
PASSWORD = "hunter2/of@the&kine'check"
PLAIN = "rejectReadOnly=true"


@pytest.fixture
def site(maria: MariaServer, replica: MariaServer) -> Iterator[MariaSite]:
    """Give a database with a password that no output may show."""
    del replica
    site = maria.site(password=PASSWORD)
    yield site
    assert site.tables() == []


@pytest.fixture
def modules(site: MariaSite, without_cluster: None) -> Modules:
    """Give the runner, without any cluster."""
    del without_cluster
    return Modules(secrets=[PASSWORD, "hunter2", site.url()])


@pytest.mark.parametrize("check", [False, True])
def test_healthy(modules: Modules, site: MariaSite, check: bool) -> None:
    result = modules.ok("kine_check", check=check, url=site.url(), max_open_connections=12, samples=10)
    assert result["changed"] is False
    assert {check["id"]: check["status"] for check in result["checks"]}.items() >= PASSED.items(), result["msg"]
    assert result["server"]["product"] == "MariaDB"


def test_ca_file_under_the_path_of_the_pods(modules: Modules, site: MariaSite) -> None:
    files = {"/etc/kine-ca/ca.crt": str(site.server.ca)}
    options: dict[str, t.Any] = {"max_open_connections": 12, "samples": 1, "tls_files": files}
    result = modules.ok("kine_check", url=site.url(PLAIN), ca_file="/etc/kine-ca/ca.crt", **options)
    assert result["tls"]["used"]
    assert {check["id"]: check["status"] for check in result["checks"]}["dsn"] == "ok"


def test_wrong_password(modules: Modules, site: MariaSite) -> None:
    site.admin("ALTER USER {role}@'%' IDENTIFIED BY 'another'")
    result = modules.run("kine_check", url=site.url())
    assert result["failed"]
    assert "wrong password" in result["msg"]


def test_checks_do_not_count_each_other(modules: Modules, maria: MariaServer, site: MariaSite) -> None:
    """Neither as slots in use nor as users of one database, here the last; its other user is no check, and found."""
    sites = [*(maria.site(password=f"{PASSWORD}{number}") for number in range(5)), site]
    databases = [{"url": each.url()} for each in [*sites, site]]
    with maria.admin() as cursor, pymysql.connect(port=maria.port, **account(sites[0])):
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
        connected = int(cursor.fetchall()[0][1])
        result = modules.run(
            "kine_check", databases=databases, expect="empty", max_open_connections=12, samples=100, fail_on="never"
        )
    used = [each["connections"]["used"] for each in result["databases"]]
    assert used == [connected - 1, *[connected] * 6]
    found = [check["status"] for each in result["databases"] for check in each["checks"] if check["id"] == "writers"]
    assert found == ["fail", *["ok"] * 6], result["msg"]


def account(site: MariaSite) -> dict[str, t.Any]:
    return {"host": "127.0.0.1", "user": site.role, "password": site.password, "database": site.database}
