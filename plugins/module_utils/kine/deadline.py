# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A total deadline, for everything that one examination does."""

from __future__ import annotations

import time

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import WaitTimeout


class Deadline:
    """A moment that may not be passed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, never less than zero."""
        return max(0.0, self._end - time.monotonic())

    def check(self) -> None:
        """Raise WaitTimeout once the moment has passed."""
        if not self.left():
            raise self.passed()

    def passed(self) -> WaitTimeout:
        """Return the error to raise when something was cut off by this deadline."""
        return WaitTimeout(
            f"the deadline of {self.seconds:g} s passed",
            "Raise timeout, or see why the database or the way to it is that slow.",
        )
