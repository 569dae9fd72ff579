# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server elsewhere says of more standbys than the lab has; the rest is tried on real servers."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.durability_connection import mysql_risks, postgres_risks
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Durability, Replication, Standby


@pytest.mark.parametrize(
    ("wanted", "states", "expected"),
    [
        ("FIRST 1 (a, b)", ("sync", "potential"), []),
        ("FIRST 2 (a, b)", ("sync", "sync"), ["strict_impossible"]),
        ("FIRST 2 (a, b)", ("sync", "async"), ["no_standby_now"]),
        ("ANY 1 (a, b)", ("quorum", "quorum"), []),
        ("FIRST 1 (a, b)", ("sync", "async"), ["strict_impossible"]),
        ("FIRST 1 (a, b)", ("", ""), []),  # hidden from this account: names count
    ],
)
def test_a_standby_that_would_take_the_place_of_one_counts(
    wanted: str, states: tuple[str, str], expected: list[str]
) -> None:
    standbys = tuple(Standby(name, "streaming", sync) for name, sync in zip("ab", states, strict=True))
    database = types.SimpleNamespace(
        replication=lambda: Replication(wanted, "on", standbys), durability=lambda: Durability(True, True)
    )
    assert [risk.id for risk in postgres_risks(t.cast("t.Any", database))] == expected


@pytest.mark.parametrize(
    ("safe", "expected"),
    [
        (Durability(True, True), {}),
        (Durability(True, False), {"torn_pages": "warn"}),
        (Durability(False, True), {"not_flushed": "refuse"}),
    ],
)
def test_a_mysql_server_without_a_doublewrite_buffer_is_a_warning(safe: Durability, expected: dict[str, str]) -> None:
    database = types.SimpleNamespace(
        replication=lambda: Replication("", "", ()),
        durability=lambda: safe,
        variables=lambda *_names: {"log_bin": "ON", "sync_binlog": "1"},
        status=lambda *_names: {},
    )
    found = {risk.id: risk.severity for risk in mysql_risks(t.cast("t.Any", database))}
    assert found == {"not_seen": "unknown"} | expected


@pytest.mark.parametrize("side", ["master", "source"])
def test_variables_are_called_as_the_server_calls_them(side: str) -> None:
    settings = {"log_bin": "ON", "sync_binlog": "1", f"rpl_semi_sync_{side}_timeout": "2500"}
    database = types.SimpleNamespace(
        replication=lambda: Replication("semi-sync", "AFTER_COMMIT", ()),
        durability=lambda: Durability(True, True),
        variables=lambda *names: {name: settings[name] for name in names if name in settings},
        status=lambda *_names: {f"rpl_semi_sync_{side}_status": "OFF"},
    )
    found = {risk.id: risk for risk in mysql_risks(t.cast("t.Any", database))}
    assert found["not_strict"].observed == "semi-synchronous, for 2.5 s at most"
    assert f"rpl_semi_sync_{side}_timeout" in found["not_strict"].remedy
    assert found["no_standby_now"].observed.startswith(f"Rpl_semi_sync_{side}_status is OFF")
    assert f"rpl_semi_sync_{side}_wait_point" in found["wait_point"].observed
    assert f"rpl_semi_sync_{side}_wait_point" in found["wait_point"].remedy
