# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for something, never for ever."""

from __future__ import annotations

import time
import typing as t

from .errors import LabError

Value = t.TypeVar("Value")


def until(probe: t.Callable[[], Value], what: str, timeout: float, interval: float = 0.1, remedy: str = "") -> Value:
    """Call ``probe`` each ``interval`` seconds until it returns something true, and return that.

    Raises LabError naming ``what`` after ``timeout`` seconds, with the probe's last LabError if it raised one.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            value, why = probe(), ""
        except LabError as error:
            value, why = None, f" Last answer: {error}"
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"Waited {timeout:g} s in vain for {what}.{why}", remedy)
        time.sleep(interval)
