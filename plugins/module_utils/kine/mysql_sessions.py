# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions that the examinations of one task have on MySQL and MariaDB, known to all of them. Pure.

Examinations run side by side, and must not take each other for users of the server. On MySQL nothing tells whose a
session is: an account sees its own sessions only, and attributes of connections are off on MariaDB by default.
"""

from __future__ import annotations

import threading
import time
import typing as t

# A server counts a session for a moment before it answers the client, and after the client has left.
ROUNDS = 10
PAUSE_SECONDS = 0.02


def client_address(host: str) -> str:
    """Return the address in a process list's host, which ends in the port but for a socket; IPv6 has colons of its own."""
    address, _colon, _port = host.rpartition(":")
    return address or host


class Session(t.NamedTuple):
    """A session by its number on a server; the server by the DSN's hosts and by what it calls itself."""

    server: tuple[str, ...]
    number: int


class Sessions:
    """Remembers who is there now, and who ever was; for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[Session] = set()
        self._ever: set[Session] = set()

    def begin(self, session: Session) -> None:
        """Note a session that is open now."""
        with self._lock:
            self._open.add(session)
            self._ever.add(session)

    def end(self, session: Session) -> None:
        """Note a session just before it is closed."""
        with self._lock:
            self._open.discard(session)

    def open(self, server: tuple[str, ...]) -> frozenset[int]:
        """Return the numbers of the sessions that are open on a server."""
        with self._lock:
            return frozenset(session.number for session in self._open if session.server == server)

    def ever(self, server: tuple[str, ...]) -> frozenset[int]:
        """Return the numbers of all sessions that were open on a server: one may still be listed after its end."""
        with self._lock:
            return frozenset(session.number for session in self._ever if session.server == server)

    def others_connected(
        self, server: tuple[str, ...], listed: t.Callable[[], t.Collection[int]], connected: t.Callable[[], int]
    ) -> int:
        """Return how many of the connected sessions are neither of this task nor listed, which may be both.

        Only what was there before and after the server counted is taken off, so this never says too few; sessions
        that come and go in between make it too many, and then the least of several counts is true.
        """
        counts: list[int] = []
        while len(counts) < ROUNDS:
            own, ours = set(listed()), self.open(server)
            count = connected()
            own, ours = own & set(listed()), ours & self.open(server)
            counts.append(max(0, count - len(own | ours)))
            if not counts[-1] or self.ever(server) <= own:
                break
            time.sleep(PAUSE_SECONDS)
        return min(counts)
