# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examinations of one task know each other's sessions, whatever comes and goes while a server counts."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import mysql_sessions
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_sessions import Session, Sessions, client_address

SERVER = ("db.example:3306", "db-0", "3306", "1")
OTHER = ("db.example:3306", "db-1", "3306", "2")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql_sessions, "PAUSE_SECONDS", 0)


def known(*numbers: int) -> Sessions:
    sessions = Sessions()
    for number in numbers:
        sessions.begin(Session(SERVER, number))
    return sessions


def counted(sessions: Sessions, own: set[int], counts: t.Iterator[int]) -> int:
    return sessions.others_connected(SERVER, lambda: own, lambda: next(counts))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7:41234", "192.0.2.7"),
        ("db-client.example:41234", "db-client.example"),
        ("2001:db8::a:41234", "2001:db8::a"),
        ("2001:db8::b:41234", "2001:db8::b"),
        ("localhost", "localhost"),
        ("", ""),
    ],
)
def test_address_of_a_client(host: str, address: str) -> None:
    assert client_address(host) == address


def test_numbers_are_of_one_server() -> None:
    sessions = known(1, 2)
    sessions.begin(Session(OTHER, 3))
    sessions.end(Session(SERVER, 1))
    sessions.end(Session(OTHER, 2))
    assert sessions.open(SERVER) == frozenset({2})
    assert sessions.ever(SERVER) == frozenset({1, 2})
    assert sessions.open(OTHER) == sessions.ever(OTHER) == frozenset({3})


def test_own_sessions_and_those_of_other_checks_are_taken_off_once() -> None:
    assert counted(known(1, 2, 3), {1, 9}, iter([10] * mysql_sessions.ROUNDS)) == 6


def test_alone_it_counts_once() -> None:
    assert counted(known(1, 2), {1, 2, 9}, iter([10])) == 7


def test_nothing_left_needs_no_other_count() -> None:
    assert counted(known(1, 2, 3), {1}, iter([3])) == 0


def test_session_that_opens_while_the_server_counts_is_not_taken_off() -> None:
    sessions = known(1, 2)
    opened: list[int] = []

    def connected() -> int:
        opened.append(100 + len(opened))
        sessions.begin(Session(SERVER, opened[-1]))
        return 5 + len(opened) - 1

    assert sessions.others_connected(SERVER, lambda: {1}, connected) == 3


def test_session_that_closes_while_the_server_counts_is_not_taken_off() -> None:
    sessions = known(1, 2, 3)
    counts = iter([6, *[5] * mysql_sessions.ROUNDS])

    def connected() -> int:
        sessions.end(Session(SERVER, 3))
        return next(counts)

    assert sessions.others_connected(SERVER, lambda: {1}, connected) == 3


def test_session_that_the_server_still_counts_after_its_end() -> None:
    sessions = known(1, 2)
    sessions.end(Session(SERVER, 2))
    assert counted(sessions, {1}, iter([5, 5, *[4] * mysql_sessions.ROUNDS])) == 3


def test_listed_session_that_leaves_before_the_server_counts_is_not_taken_off() -> None:
    listed = iter([{1, 9}, {1}])
    assert known(1).others_connected(SERVER, lambda: next(listed), lambda: 3) == 2
