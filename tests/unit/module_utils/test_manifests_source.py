# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources of manifests: files, folders, kustomizations and downloads, their checksums and their errors."""

from __future__ import annotations

import functools
import hashlib
import http.server
import socket
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import errors
from ansible_collections.k0smotron.ha.plugins.module_utils.manifests import checksum
from ansible_collections.k0smotron.ha.plugins.module_utils.manifests_source import Manifests, load

ONE = "{apiVersion: v1, kind: ConfigMap, metadata: {name: one}}\n"
TWO = "{apiVersion: v1, kind: ConfigMap, metadata: {name: two}}\n"
KUSTOMIZATION = "resources: [b.yaml, a.yaml]\nnamePrefix: pre-\n"


def read(source: object, sha256: str | None = None, kubectl: str | None = None) -> Manifests:
    return load(str(source), expected_sha256=sha256, kubectl=kubectl, timeout=5)


def names(loaded: Manifests) -> list[str]:
    return [obj["metadata"]["name"] for obj in loaded.objects]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b.yaml").write_text(TWO)
    (tmp_path / "a.yaml").write_text(ONE)
    (tmp_path / "notes.txt").write_text("not a manifest")
    return tmp_path


class Redirecting(http.server.SimpleHTTPRequestHandler):
    """`/to/TARGET` leads to TARGET; keeps the last `Authorization`."""

    authorization: t.ClassVar[str | None] = None

    def do_GET(self) -> None:
        Redirecting.authorization = self.headers["Authorization"]
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
        elif self.path.startswith("/private/") and not self.headers["Authorization"]:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="mirror"')
            self.end_headers()
        else:
            self.path = self.path.removeprefix("/private")
            super().do_GET()


@pytest.fixture
def site(folder: Path) -> t.Iterator[str]:
    """The folder over HTTP, on loopback."""
    handler = functools.partial(Redirecting, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_file_and_its_checksum(folder: Path) -> None:
    loaded = read(folder / "a.yaml")
    assert names(loaded) == ["one"]
    assert loaded.sha256 == hashlib.sha256(ONE.encode()).hexdigest()
    read(folder / "a.yaml", loaded.sha256.upper())
    read(folder / "a.yaml", f"sha256:{loaded.sha256}")


def test_a_wrong_checksum_tells_the_real_one(folder: Path) -> None:
    with pytest.raises(errors.InvalidInput, match=hashlib.sha256(ONE.encode()).hexdigest()):
        read(folder / "a.yaml", "0" * 64)


def test_a_folder_is_read_in_the_order_of_its_names(folder: Path) -> None:
    loaded = read(folder)
    assert names(loaded) == ["one", "two"]
    assert loaded.sha256 == checksum(loaded.objects)


def fake_kustomize(folder: Path, name: str, body: str) -> str:
    """A stand-in for kubectl or kustomize, to see how it is called and what becomes of its failure."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(("name", "word"), [("kubectl", "kustomize"), ("kustomize", "build")])
def test_how_kustomize_is_called(folder: Path, name: str, word: str) -> None:
    (folder / "kustomization.yaml").write_text(KUSTOMIZATION)
    body = f'[ "$1" = {word} ] && cat "$2/a.yaml"'
    assert names(read(folder, kubectl=fake_kustomize(folder, name, body))) == ["one"]


def test_a_kustomization_that_fails_says_why(folder: Path) -> None:
    (folder / "kustomization.yaml").write_text(KUSTOMIZATION)
    with pytest.raises(errors.HaError, match="no such base"):
        read(folder, kubectl=fake_kustomize(folder, "kubectl", "echo no such base >&2; exit 1"))


def test_no_kubectl_and_no_kustomize(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "Kustomization").write_text(KUSTOMIZATION)
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(errors.NotFound, match="kubectl or kustomize"):
        read(folder)
    with pytest.raises(errors.NotFound, match="cannot be run"):
        read(folder, kubectl="/nowhere/kubectl")


def test_a_download(site: str) -> None:
    loaded = read(f"{site}/a.yaml", hashlib.sha256(ONE.encode()).hexdigest())
    assert names(loaded) == ["one"]


def test_redirects_are_followed(site: str) -> None:
    assert names(read(f"{site}/to//to//a.yaml")) == ["one"]
    assert names(read(f"{site}/to/{site}/a.yaml")) == ["one"]


def test_redirects_in_a_circle_end(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redirecting, "do_GET", circle)
    with pytest.raises(errors.Unreachable, match="redirected more than 10 times"):
        read(f"{site}/a.yaml")


def circle(handler: http.server.SimpleHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.end_headers()


def test_a_user_goes_along_on_the_same_server_only(site: str) -> None:
    with_user = site.replace("://", "://user:secret@")
    assert names(read(f"{with_user}/to//private/a.yaml")) == ["one"]
    assert names(read(f"{with_user}/to/{site}/private/a.yaml")) == ["one"]
    elsewhere = site.replace("127.0.0.1", "localhost")
    with pytest.raises(errors.Unreachable, match="401"):
        read(f"{with_user}/to/{elsewhere}/private/a.yaml")
    assert Redirecting.authorization is None


def test_plain_http_is_taken_with_a_checksum_only(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also within redirects, which an https source may have, too: how a place is judged does not depend on the one before."""
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *rest, **more: resolve("127.0.0.1", *rest, **more))
    mirror = site.replace("127.0.0.1", "mirror.example")
    sha256 = hashlib.sha256(ONE.encode()).hexdigest()
    for source in (f"{mirror}/a.yaml", f"{site}/to/{mirror}/a.yaml", f"{site}/to/{mirror}/to/{site}/a.yaml"):
        with pytest.raises(
            errors.InvalidInput, match=r"from mirror.example over plain http.* Use https, or give its SHA-256"
        ):
            read(source)
        assert names(read(source, sha256)) == ["one"]


@pytest.mark.parametrize(
    ("source", "kind", "says"),
    [
        ("{site}/to/file:///etc/hostname", errors.InvalidInput, "only http and https"),
        ("{site}/to/", errors.Unreachable, "302"),
        ("http://192.0.2.1/a.yaml", errors.InvalidInput, "from 192.0.2.1 over plain http"),
        ("http://127.0.0.1.example/a.yaml", errors.InvalidInput, "over plain http"),
        ("{site}/missing.yaml", errors.Unreachable, "404"),
        ("http://127.0.0.1:1/a.yaml", errors.Unreachable, "refused"),
        ("ftp://127.0.0.1/a.yaml", errors.InvalidInput, "only http and https"),
        ("file:///etc/hostname", errors.InvalidInput, "only http and https"),
        ("{folder}/missing.yaml", errors.NotFound, "no file or folder"),
        ("{folder}/empty.yaml", errors.InvalidInput, "holds no manifests"),
        ("{folder}/binary.yaml", errors.InvalidInput, "is not text"),
    ],
)
def test_sources_that_cannot_be_read(
    source: str, kind: type[errors.HaError], says: str, site: str, folder: Path
) -> None:
    (folder / "empty.yaml").write_text("---\n")
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(kind, match=says):
        read(source.format(site=site, folder=folder))
