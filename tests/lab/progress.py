# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what the lab is doing and for how long, on a terminal and in a CI log."""

from __future__ import annotations

import shutil
import sys
import threading
import time
import typing as t
from contextlib import contextmanager

TERMINAL_BEAT = 1.0  # seconds between two drawings of the status line
LOG_BEAT = 30.0  # seconds between two signs of life in a log: CI systems end silent jobs


class Progress:
    """Steps with elapsed time. Steps may overlap: each thread opens its own.

    On a terminal one line lists the running steps and finished ones stay above it; elsewhere each step
    prints a line when it starts and when it ends, and running ones are named every 30 seconds.
    """

    def __init__(
        self, stream: t.TextIO | None = None, *, terminal: bool | None = None, beat: float | None = None
    ) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._terminal = self._stream.isatty() if terminal is None else terminal
        self._beat = beat if beat is not None else (TERMINAL_BEAT if self._terminal else LOG_BEAT)
        self._lock = threading.Lock()
        self._running: dict[int, tuple[str, float]] = {}
        self._next_key = 0
        self._pulse: threading.Thread | None = None

    @contextmanager
    def step(self, title: str) -> t.Iterator[None]:
        """Show `title` while the block runs, then how long it took and whether it failed."""
        key, started = self._start(title)
        try:
            yield
        except BaseException:
            self._finish(key, f"failed  {title} after {_seconds(started)}")
            raise
        self._finish(key, f"done    {title} ({_seconds(started)})")

    def say(self, text: str) -> None:
        """Print one line that stays."""
        with self._lock:
            self._print(text)

    def _start(self, title: str) -> tuple[int, float]:
        started = time.monotonic()
        with self._lock:
            key, self._next_key = self._next_key, self._next_key + 1
            self._running[key] = (title, started)
            if not self._terminal:
                self._print(f"start   {title}")
            if self._pulse is None:
                self._pulse = threading.Thread(target=self._keep_showing, daemon=True)
                self._pulse.start()
        return key, started

    def _finish(self, key: int, line: str) -> None:
        with self._lock:
            del self._running[key]
            self._print(line)

    def _keep_showing(self) -> None:
        while True:
            time.sleep(self._beat)
            with self._lock:
                if not self._running:
                    continue
                if self._terminal:
                    self._draw()
                else:
                    self._print(f"running {self._summary()}")

    def _print(self, line: str) -> None:
        erase = "\r\x1b[2K" if self._terminal else ""
        self._stream.write(f"{erase}{line}\n")
        self._stream.flush()

    def _draw(self) -> None:
        width = shutil.get_terminal_size().columns - 1
        self._stream.write("\r\x1b[2K" + f"...     {self._summary()}"[:width])
        self._stream.flush()

    def _summary(self) -> str:
        return ", ".join(f"{title} ({_seconds(started)})" for title, started in self._running.values())


def _seconds(started: float) -> str:
    return f"{time.monotonic() - started:.0f} s"
