# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examines many databases side by side: all servers at once, and of each server only a few databases at a time."""

from __future__ import annotations

import itertools
import typing as t
from collections import deque
from concurrent.futures import ThreadPoolExecutor

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Report

    # Examines one database, thoroughly or not, and keeps the report to itself as well.
    Examination: t.TypeAlias = t.Callable[[bool], Report]

AT_ONCE = 100
# Each examination takes at most a quarter of the free slots, for a moment: three leave some to the control planes.
AT_ONCE_PER_SERVER = 3


def run_all(servers: t.Iterable[t.Sequence[Examination]]) -> None:
    """Run the examinations of each server's databases; returns when all are done, or raises what one of them raised."""
    queues = [_Queue(server) for server in servers]
    # The first lane of every server before the second of any: no server waits for another one's queue.
    rounds = itertools.zip_longest(*(queue.lanes() for queue in queues))
    lanes = [lane for several in rounds for lane in several if lane]
    if len(lanes) == 1:
        lanes[0]()
        return
    # A thread a lane, not a database: threads that only wait cost memory, because each gets an arena of its own.
    with ThreadPoolExecutor(min(len(lanes), AT_ONCE) or 1) as pool:
        for lane in [pool.submit(lane) for lane in lanes]:
            lane.result()


class _Queue:
    """The examinations of one server that are still to come. One of them is thorough: the first that can be."""

    def __init__(self, examinations: t.Sequence[Examination]) -> None:
        self._waiting = deque(examinations)
        self._thorough = deque([True])

    def lanes(self) -> list[t.Callable[[], None]]:
        """Return what is to run side by side."""
        return [self._lane] * min(len(self._waiting), AT_ONCE_PER_SERVER)

    def _lane(self) -> None:
        while examine := _next(self._waiting):
            thorough = bool(_next(self._thorough))
            report = examine(thorough)
            if thorough and not report.latency.samples:  # it did not get that far, so it says nothing of the server
                self._thorough.append(True)


def _next(waiting: deque[t.Any]) -> t.Any:
    """Return the next element, None when there is none; deques may be shared by threads."""
    try:
        return waiting.popleft()
    except IndexError:
        return None
