# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios' writer finds a write that was acknowledged and lost, and one that was refused and is there all the same."""

from __future__ import annotations

import json
import runpy
import socketserver
import subprocess
import sys
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from kubernetes import client, config
from urllib3.exceptions import HTTPError

WRITER = Path(__file__).parents[3] / "extensions" / "molecule" / "shared" / "files" / "writer.py"
NOT_FOUND, CREATED, OK, BROKEN, LEAVING = 404, 201, 200, 500, 503


class ForgetfulApiStandIn(BaseHTTPRequestHandler):
    """Keeps ConfigMaps. Says yes to the third one without keeping it, and no to the fifth one that it keeps."""

    kept: t.ClassVar[set[str]]
    created: t.ClassVar[int]
    stop: t.ClassVar[Path]
    refusal: t.ClassVar[int]

    def do_POST(self) -> None:
        name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["metadata"]["name"]
        here = type(self)
        here.created += 1
        if here.created != 3:
            here.kept.add(name)
        if here.created == 7:
            here.stop.touch()
        self.answer(here.refusal if here.created == 5 else CREATED)

    def do_GET(self) -> None:
        self.answer(OK if self.path.rpartition("/")[2] in self.kept else NOT_FOUND)

    def answer(self, status: int) -> None:
        body = json.dumps({"metadata": {"name": "any"}}).encode()
        self.send_response(status)
        if status == LEAVING:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: t.Any) -> None:
        """Nothing: the answers are what counts."""


def what_was_seen(tmp_path: Path, refusal: int, *arguments: str) -> dict[str, t.Any]:
    """What the writer says of seven writes, the fifth of which is refused."""
    stop = tmp_path / "stop"
    handler = type("Handler", (ForgetfulApiStandIn,), {"kept": set(), "created": 0, "stop": stop, "refusal": refusal})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        named = {"name": "here"}
        kubeconfig = {
            "clusters": [{**named, "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "users": [{**named, "user": {}}],
            "contexts": [{**named, "context": {"cluster": "here", "user": "here"}}],
            "current-context": "here",
        }
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
        command: list[str | Path] = [sys.executable, WRITER, tmp_path / "kubeconfig", stop, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        server.shutdown()
    return t.cast("dict[str, t.Any]", json.loads(done.stdout))


@pytest.mark.parametrize("arguments", [[], ["retry"]])
def test_what_was_lost_and_what_is_unknown_is_found(tmp_path: Path, arguments: list[str]) -> None:
    seen = what_was_seen(tmp_path, BROKEN, *arguments)
    assert seen["acknowledged"] == 6
    assert [name.rpartition("-")[2] for name in seen["lost"]] == ["2"]
    assert len(seen["failed"]) == seen["unknown"] == 1
    assert "(500)" in seen["failed"][0]
    assert seen["retried"] == []


def test_what_is_to_be_sent_again_has_failed_without_retry(tmp_path: Path) -> None:
    assert len(what_was_seen(tmp_path, LEAVING)["failed"]) == 1


def test_what_is_to_be_sent_again_is_with_retry(tmp_path: Path) -> None:
    seen = what_was_seen(tmp_path, LEAVING, "retry")
    assert seen["failed"] == []
    assert ["(503)" in why for why in seen["retried"]] == [True]


def test_a_connection_that_breaks_off_in_the_handshake_is_made_again() -> None:
    """As one that is led to a replica which ends. Kubernetes' client says it in another way than a refused connection."""
    writer = runpy.run_path(str(WRITER))

    class Leaves(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Leaves) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        api = client.CoreV1Api(client.ApiClient(client.Configuration(host=f"https://127.0.0.1:{port}")))
        api.api_client.rest_client.pool_manager.connection_pool_kw["retries"] = False
        with pytest.raises((HTTPError, client.ApiException)) as caught:
            writer["write"](api, "any")
        server.shutdown()
    assert "Connection refused" not in str(caught.value)
    assert writer["is_worth_another"](caught.value)


def test_writing_that_nobody_stops_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happened after its end would not have been seen."""
    writer = runpy.run_path(str(WRITER))
    monkeypatch.setattr(config, "load_kube_config", lambda _path: None)
    monkeypatch.setitem(writer["main"].__globals__, "MOST_SECONDS", -1)
    with pytest.raises(SystemExit, match="nobody stopped the writing"):
        writer["main"]("none", tmp_path / "stop", retry=False)
