# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection budget and its arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.plan import PoolLimits, budget, pool_limits


@pytest.mark.parametrize(
    ("max_connections", "control_planes", "replicas", "max_open"),
    [
        (100, 1, 3, 12),
        (100, 2, 3, 12),
        (100, 3, 3, 8),
        (100, 1, 1, 30),
        (200, 1, 3, 25),
        (1000, 1, 3, 30),
        (32, 1, 3, 4),
    ],
)
def test_the_share_of_one_kine(max_connections: int, control_planes: int, replicas: int, max_open: int) -> None:
    limits = pool_limits(max_connections=max_connections, control_planes=control_planes, replicas=replicas)
    assert limits == PoolLimits(max_open=max_open, max_idle=max_open // 2, max_lifetime=15)


@given(st.integers(1, 5000), st.integers(1, 50), st.integers(1, 9))
def test_a_share_fits_and_a_refusal_names_a_number_that_does(connections: int, planes: int, replicas: int) -> None:
    try:
        limits = pool_limits(max_connections=connections, control_planes=planes, replicas=replicas)
    except InvalidInput as error:
        enough = int("".join(filter(str.isdigit, error.remedy)))
        assert enough > connections
        assert pool_limits(max_connections=enough, control_planes=planes, replicas=replicas).max_open == 4
    else:
        assert budget(connections, 0, connections // 4, -1, planes, replicas, limits.max_open).fits


def test_a_refusal_shows_the_sum() -> None:
    with pytest.raises(
        InvalidInput, match=r"75 of 100 connections for 3 replicas x 9 control planes leaves 2 for each"
    ):
        pool_limits(max_connections=100, control_planes=9, replicas=3)


@pytest.mark.parametrize("name", ["max_connections", "control_planes", "replicas"])
def test_nothing_to_share_or_nobody_to_share_with(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} is 0"):
        pool_limits(**{name: 0})


@pytest.mark.parametrize(
    ("role_limit", "max_open", "needed", "available", "fits", "arithmetic"),
    [
        (
            -1,
            12,
            36,
            83,
            True,
            "3 replicas x 12 connections = 36 of 100 - 3 reserved - 14 used = 83 free",
        ),
        (30, 12, 36, 30, False, "3 replicas x 12 connections = 36, but the role may open only 30"),
        (90, 12, 36, 83, True, "= 83 free"),
        (0, 12, 36, 0, False, "only 0"),
        (-1, 0, 72, 83, True, "3 replicas x 24 connections (no limit set: the start-up peak) = 72"),
        (-1, 28, 84, 83, False, "3 replicas x 28 connections = 84"),
    ],
)
def test_the_budget(role_limit: int, max_open: int, needed: int, available: int, fits: bool, arithmetic: str) -> None:
    found = budget(100, 3, 14, role_limit, 1, 3, max_open)
    assert (found.needed, found.available, found.fits) == (needed, available, fits)
    assert arithmetic in found.arithmetic


def test_an_overdrawn_database_has_nothing_left() -> None:
    assert budget(20, 3, 30, -1, 2, 1, 5).available == 0


@pytest.mark.parametrize(
    ("max_connections", "used", "role_limit", "control_planes", "max_open", "fits", "enough"),
    [
        (100, 36, -1, 2, 12, True, 75),  # the other one is at work
        (100, 70, -1, 4, 6, True, 91),  # three others are
        (100, 14, -1, 3, 12, False, 111),  # a third one would not fit
        (100, 62, -1, 2, 12, False, 101),  # too little is left for this one
        (300, 0, 150, 2, 30, True, 183),  # a limit is for one owner
        (300, 0, 80, 2, 30, False, 183),
    ],
)
def test_a_fleet(
    max_connections: int, used: int, role_limit: int, control_planes: int, max_open: int, fits: bool, enough: int
) -> None:
    found = budget(max_connections, 3, used, role_limit, control_planes, 3, max_open)
    assert (found.fits, found.enough) == (fits, enough), found.arithmetic
    if not fits and role_limit < 0:
        assert budget(enough, 3, used, role_limit, control_planes, 3, max_open).fits
        assert not budget(enough - 1, 3, used, role_limit, control_planes, 3, max_open).fits
