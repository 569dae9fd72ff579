# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`k0s controller`: starts the programs in their order, keeps them running, and ends them in reverse."""

from __future__ import annotations

import http.client
import os
import signal
import ssl
import subprocess
import threading
import time
from pathlib import Path

from . import bootstrap, components, config, kubeconfig, paths, pki

RESPAWN = 5.0  # seconds until a program that has ended is started again, as in k0s
PATIENCE = 8.0  # seconds that a program gets to end by itself; a pod gets 30 for all of them
POLL = 0.3  # seconds between two questions to an API server that does not answer yet


def run(config_file: str) -> int:
    """Run until SIGTERM; returns the exit code."""
    paths.RUN.mkdir(parents=True, exist_ok=True)
    paths.KINE_SOCKET.parent.mkdir(exist_ok=True)
    paths.READY_FILE.unlink(missing_ok=True)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    paths.PID_FILE.write_text(str(os.getpid()))
    settings = config.start(Path(config_file))
    write_certificates(settings)
    environment = dict(os.environ)
    started = [Keeper(components.storage(settings, environment)), Keeper(components.api_server(settings, environment))]
    if wait_for_api(settings.port, stop):
        paths.READY_FILE.touch()
        # They give up when the API server does not answer them at their start.
        started.append(Keeper(components.controller_manager(settings, environment)))
        started.append(Keeper(components.scheduler(environment)))
        bootstrap.ensure(stop)
    stop.wait()
    for keeper in reversed(started):
        keeper.end()
    return 0


def write_certificates(settings: config.Config) -> None:
    """Anew at each start: the address of the Service may have changed."""
    for name, certificate in pki.wanted(settings).items():
        pki.issue(certificate, paths.PKI / name)
    for name in ("admin", "ccm", "scheduler"):
        target = paths.PKI / f"{name}.conf"
        target.touch(mode=0o600)
        target.write_text(kubeconfig.for_files(f"https://localhost:{settings.port}", paths.PKI / name))


def wait_for_api(port: int, stop: threading.Event) -> bool:
    """True once this replica's own API server is ready, False when asked to stop before."""
    context = ssl.create_default_context(cafile=str(paths.PKI / "ca.crt"))
    context.load_cert_chain(paths.PKI / "admin.crt", paths.PKI / "admin.key")
    while not stop.wait(POLL):
        connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return True
        except OSError:
            continue
        finally:
            connection.close()
    return False


class Keeper:
    """Starts a program, and again when it has ended, until told to end it."""

    def __init__(self, component: components.Component) -> None:
        self._component = component
        self._ending = threading.Event()
        self._process = self._start()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """SIGTERM, and SIGKILL for who does not listen."""
        self._ending.set()
        deadline = time.monotonic() + PATIENCE
        self._process.terminate()
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            print(f"k0s stand-in: {self._component.name} did not end within {PATIENCE:.0f} s, killing it", flush=True)
            self._process.kill()
            self._thread.join()

    def _start(self) -> subprocess.Popen[bytes]:
        print(f"k0s stand-in: starting {self._component.name}", flush=True)
        return subprocess.Popen(
            [self._component.name, *self._component.arguments],
            env=dict(self._component.environment),
            stdin=subprocess.DEVNULL,
        )

    def _keep(self) -> None:
        while True:
            code = self._process.wait()
            if self._ending.is_set():
                return
            print(f"k0s stand-in: {self._component.name} ended with code {code}, again in {RESPAWN:.0f} s", flush=True)
            if self._ending.wait(RESPAWN):
                return
            self._process = self._start()
