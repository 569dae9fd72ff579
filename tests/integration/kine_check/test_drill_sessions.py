# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill's sessions that take all connections, on a server as it stands in the primary's pod."""

from __future__ import annotations

import os
import subprocess
import time
import typing as t

import psycopg
import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.drill import sessions

if t.TYPE_CHECKING:
    from tests.integration.kine_check.server import Server, Site

OURS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'k0smotron.ha-drill'"


def sh(server: Server, script: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PGHOST": str(server.folder), "PGPORT": str(server.port)}
    return subprocess.run(
        ["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_ordinary_logins_find_none_left_until_the_sessions_end_by_themselves(site: Site) -> None:
    assert sh(site.server, sessions.REHEARSAL).returncode == 0
    with psycopg.connect(site.url()) as before:
        done = sh(site.server, sessions.take_all(8))
        assert done.returncode == 0, done.stderr
        with pytest.raises(psycopg.OperationalError, match="remaining connection slots are reserved"):
            psycopg.connect(site.url())
        assert before.execute("SELECT 1").fetchone() == (1,)
        assert "no connection is left" in sh(site.server, sessions.REHEARSAL).stderr
        with site.server.admin() as connection:  # a superuser gets in as before
            [(taken,)] = connection.execute(OURS).fetchall()
            until = time.monotonic() + 30
            while connection.execute(OURS).fetchall() != [(0,)] and time.monotonic() < until:
                time.sleep(0.2)
    assert 50 < taken < 97
    with psycopg.connect(site.url()) as after:
        assert after.execute("SELECT 1").fetchone() == (1,)


def test_a_server_with_too_many_of_them_is_left_alone(site: Site) -> None:
    refusal = sessions.REHEARSAL.replace(f"-gt {sessions.MOST} ]", "-gt 10 ]")
    assert refusal != sessions.REHEARSAL
    done = sh(site.server, refusal)
    assert done.returncode == 1
    assert "connections are left, and a drill takes" in done.stderr
