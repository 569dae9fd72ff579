# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection budget: how many connections kine may open, and whether the database has room for them. Pure.

kine opens connections without a limit and keeps 20 idle ones per process by default (kine 0.16). A database with the
usual ``max_connections`` of 100 then runs out of slots when a second control plane starts.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

USUAL_MAX_OPEN = 30
"""More connections than this per kine process only queue up in the database."""
LEAST_MAX_OPEN = 4
"""kine polls, compacts and serves requests at the same time; with fewer connections these wait for each other."""
UNLIMITED_PEAK = 24
"""Connections one kine process holds while it starts, without a limit: 63 were seen for 3 replicas, rounded up."""
PLANNED_CONTROL_PLANES = 2
"""Room is left for a second control plane on the same database, because its start is what exhausts the slots."""
MAX_LIFETIME = 15
"""Seconds until kine replaces a connection that it does not use. Less than Patroni takes to promote a standby in the place of a
primary that hangs: what that one answers when it wakes would be of the past (seen in a drill, with 300 seconds)."""


@dataclass(frozen=True)
class PoolLimits:
    """Limits of one kine process: connections open, connections kept idle, seconds until a connection is replaced."""

    max_open: int
    max_idle: int
    max_lifetime: int


@dataclass(frozen=True)
class Budget:
    """Connections needed and available, where it is tightest; ``arithmetic`` shows the sum in words.

    ``enough`` is the least max_connections that suffice.
    """

    needed: int
    available: int
    arithmetic: str
    enough: int

    @property
    def fits(self) -> bool:
        return self.needed <= self.available


def pool_limits(*, max_connections: int = 100, control_planes: int = 1, replicas: int = 3) -> PoolLimits:
    """An even share of three quarters of ``max_connections`` for each kine process, at most ``USUAL_MAX_OPEN``.

    The last quarter stays free for the reserved slots, the operator, replication, backups and people.
    Raises InvalidInput where the share is too small to work with.
    """
    _positive(max_connections=max_connections, control_planes=control_planes, replicas=replicas)
    usable = max_connections * 3 // 4
    processes = max(control_planes, PLANNED_CONTROL_PLANES) * replicas
    max_open = min(USUAL_MAX_OPEN, usable // processes)
    if max_open < LEAST_MAX_OPEN:
        raise InvalidInput(
            f"The connection budget is exceeded: {usable} of {max_connections} connections for "
            f"{_times(replicas, 'replica')} x {_times(max(control_planes, PLANNED_CONTROL_PLANES), 'control plane')} "
            f"leaves {max_open} for each, and kine needs {LEAST_MAX_OPEN}",
            f"Set max_connections of the database to at least {-(-processes * LEAST_MAX_OPEN * 4 // 3)} and say so as "
            "max_connections here (role: control_plane_max_connections), or put fewer control planes on it.",
        )
    return PoolLimits(max_open=max_open, max_idle=max_open // 2, max_lifetime=MAX_LIFETIME)


def budget(
    max_connections: int,
    reserved: int,
    used: int,
    role_limit: int,
    control_planes: int,
    replicas: int,
    max_open: int,
) -> Budget:
    """Compare what kine may open with what the database has: this control plane with what is free now, all that are planned
    with all there is, because ``used`` has those of the others that run already.

    ``reserved`` are the slots only a superuser gets, ``used`` the connections of others at the moment, ``role_limit``
    the role's CONNECTION LIMIT (negative: none), ``max_open`` the limit per kine process (0: unlimited).
    """
    each = max_open or UNLIMITED_PEAK
    unlimited = "" if max_open else " (no limit set: the start-up peak)"
    sum_of_one = f"{_times(replicas, 'replica')} x {_times(each, 'connection')}{unlimited}"
    sum_of_all = f"{sum_of_one} x {_times(control_planes, 'control plane')}"
    one, room = replicas * each, max_connections - reserved
    whole = f"of {max_connections} - {reserved} reserved"
    limits = [
        (one, room - used, f"{sum_of_one} = {one} {whole} - {used} used = {room - used} free"),
        (one * control_planes, room, f"{sum_of_all} = {one * control_planes} {whole} = {room}"),
    ]
    if role_limit >= 0:
        limits.append((one, role_limit, f"{sum_of_one} = {one}, but the role may open only {role_limit}"))
    needed, available, arithmetic = min(limits, key=lambda limit: limit[1] - limit[0])
    enough = reserved + max(one + used, one * control_planes)
    return Budget(needed=needed, available=max(0, available), arithmetic=arithmetic, enough=enough)


def _times(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _positive(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise InvalidInput(f"{name} is {value}, but must be at least 1")
