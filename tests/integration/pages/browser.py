# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real browser without a window (Debian's chromium-headless-shell), driven over a pipe: no driver, no port."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

from tools.environment import BROWSERS

NEEDS = "these tests need a browser: install the Debian package chromium-headless-shell"
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage")
ANSWER_SECONDS = 60.0


class Browser:
    """One browser with one page. Commands go in on descriptor 3 and answers come out on 4, as JSON ended by a zero byte."""

    def __init__(self, folder: Path) -> None:
        program = next(filter(None, map(shutil.which, BROWSERS)), None)
        if program is None:
            raise FileNotFoundError(NEEDS)
        self._numbers = itertools.count(1)
        self._buffer = b""
        self.events: list[dict[str, t.Any]] = []
        commands, self._in = os.pipe()
        self._out, answers = os.pipe()
        # The pipe's ends must be 3 and 4 over there, and may well be something else here.
        shell = f'exec "$@" 3<&{commands} 4>&{answers}'
        self._process = subprocess.Popen(
            [
                "/bin/bash",
                "-c",
                shell,
                "browser",
                program,
                *OPTIONS,
                "--remote-debugging-pipe",
                f"--user-data-dir={folder}",
            ],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(commands)
        os.close(answers)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    _session: str | None = None

    def call(self, method: str, **params: t.Any) -> dict[str, t.Any]:
        """Send one command and return its answer; what the browser tells meanwhile goes to events."""
        number = next(self._numbers)
        message: dict[str, t.Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._in, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer}"
                return t.cast("dict[str, t.Any]", answer["result"])
            self.events.append(answer)

    def _read(self) -> dict[str, t.Any]:
        until = time.monotonic() + ANSWER_SECONDS
        while b"\0" not in self._buffer:
            ready, _writable, _broken = select.select([self._out], [], [], max(0.0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            data = os.read(self._out, 1 << 20)
            assert data, "the browser ended"
            self._buffer += data
        message, _end, self._buffer = self._buffer.partition(b"\0")
        return t.cast("dict[str, t.Any]", json.loads(message))

    def show(self, file: Path, *, width: int = 1200, scheme: str = "light", media: str = "screen") -> None:
        """Load a file in a window that is so wide, for a reader who prefers this color scheme."""
        self.events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)
        self.call("Page.navigate", url=file.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def ask(self, expression: str) -> t.Any:
        """Return the value of a JavaScript expression on the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self, file: Path, height: int | None = None) -> Path:
        """Write the page as a PNG, or its upper part of a height."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)["data"]
        file.write_bytes(base64.b64decode(data))
        return file

    def paper(self, file: Path) -> Path:
        """Write the page as it is printed, a PDF."""
        file.write_bytes(base64.b64decode(self.call("Page.printToPDF", printBackground=False, paperWidth=8.27)["data"]))
        return file

    def requested(self) -> list[str]:
        """Return every address that the page made the browser ask for."""
        sent = (event for event in self.events if event.get("method") == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in sent]

    def complaints(self) -> list[str]:
        """Return what the browser wrote to its console."""
        logged = (
            event for event in self.events if event.get("method") in ("Log.entryAdded", "Runtime.consoleAPICalled")
        )
        return [json.dumps(event["params"]) for event in logged]

    def close(self) -> None:
        """End the browser and everything that it started."""
        os.close(self._in)
        os.close(self._out)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextlib.contextmanager
def browser() -> t.Iterator[Browser]:
    """Give a browser with a profile of its own, both gone at the end."""
    with tempfile.TemporaryDirectory(prefix="page-browser-", ignore_cleanup_errors=True) as folder:
        running = Browser(Path(folder))
        try:
            yield running
        finally:
            running.close()
