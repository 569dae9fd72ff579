# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether replicas hold the same: what differs for good, and what is only on its way."""

from __future__ import annotations

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.drill.replicas import Round, against

SAME = {"configmaps ns/a 1": "10", "configmaps ns/b 2": "20"}
STALE = {**SAME, "configmaps ns/b 2": "15"}
LESS = {"configmaps ns/a 1": "10"}


@pytest.mark.parametrize(
    ("earlier", "later", "words"),
    [
        ({"r0": SAME, "r1": SAME}, {"r0": SAME, "r1": SAME}, []),
        ({"r0": SAME, "r1": STALE}, {"r0": SAME, "r1": STALE}, ["configmaps ns/b 2: 20 in r0, 15 in r1"]),
        ({"r0": SAME, "r1": LESS}, {"r0": SAME, "r1": LESS}, ["configmaps ns/b 2: 20 in r0, nothing in r1"]),
        ({"r0": STALE, "r1": STALE}, {"r0": SAME, "r1": STALE}, []),  # it changes just now
        ({"r0": SAME, "r1": "500"}, {"r0": SAME, "r1": STALE}, []),  # heard of for the first time
        ({"r0": SAME, "r1": SAME}, {"r0": SAME, "r1": "500 to /x"}, ["r1 does not say: 500 to /x"]),
        (
            {"r0": "500 to /x", "r1": "500 to /x"},
            {"r0": "500 to /x", "r1": "500 to /x"},
            ["r0 does not say: 500 to /x"],
        ),
        ({"r0": SAME}, {"r0": SAME}, ["1 of 2 replicas are ready"]),
        ({}, {}, ["0 of 2 replicas are ready"]),
    ],
)
def test_two_replicas_hold_the_same_or_it_is_said(earlier: Round, later: Round, words: list[str]) -> None:
    assert list(against(earlier, later, 2))[: len(words) or None] == words
