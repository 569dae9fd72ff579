# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs a control plane's database, by what was found out about its data source."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_report import provider
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import parse


@pytest.mark.parametrize(
    ("host", "behind", "expected"),
    [
        ("main.db.svc", {"provider": "zalando"}, "zalando"),
        ("main-rw.db", {"provider": "cloudnativepg"}, "cloudnativepg"),
        ("main.db.svc", {"provider": None, "reason": "no answer"}, "unknown"),
        ("main.db.svc.cluster.local", None, "unknown"),
        ("main.db", None, "unknown"),
        ("main", None, "unknown"),
        ("db.example.com", None, "managed"),
        ("one.example.com:5432,two.example.com:5432", None, "managed"),
        ("192.0.2.7", None, "managed"),
    ],
)
def test_who_runs_the_database(host: str, behind: dict[str, t.Any] | None, expected: str) -> None:
    assert provider(parse(f"postgres://u:p@{host}/kine"), behind) == expected


def test_mysql_too() -> None:
    assert provider(parse("mysql://u:p@tcp(db.example.com:3306)/kine"), None) == "managed"
    assert provider(parse("mysql://u:p@tcp(main-primary.db:3306)/kine"), {"provider": "mariadb"}) == "mariadb"


def test_without_a_database_nobody_does() -> None:
    assert provider(None, None) is None
