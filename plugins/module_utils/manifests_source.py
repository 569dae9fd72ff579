# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads upstream manifests from where they are: URL, file, folder, kustomization.

Nothing else in this collection downloads anything.
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import os
import shutil
import ssl
import subprocess
import typing as t
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit

from ansible.module_utils.urls import ConnectionError as DownloadError
from ansible.module_utils.urls import SSLValidationError, open_url

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput, NotFound, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.manifests import checksum, parse
from ansible_collections.k0smotron.ha.plugins.module_utils.manifests_variables import fill_in

KUSTOMIZATION_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
MANIFEST_SUFFIXES = (".yaml", ".yml", ".json")
KUSTOMIZE_SECONDS = 120
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 10
MIRROR = "Check the address, or give a mirror, a file or a folder instead"


@dataclasses.dataclass(frozen=True)
class Manifests:
    """What one source holds, and its SHA-256: of the bytes of a file or download, of the content of a folder."""

    source: str
    objects: list[Object]
    sha256: str


def load(
    source: str,
    *,
    expected_sha256: str | None,
    kubectl: str | None,
    timeout: float,
    variables: t.Mapping[str, t.Any] | None = None,
) -> Manifests:
    """Read one source and compare its checksum. timeout in seconds, for a download. Raises HaError.

    variables: what to fill in where the text is written for clusterctl; None leaves every `$` as it is.
    """
    loaded = _load(source, _Reader(kubectl, timeout, variables, pinned=bool(expected_sha256)))
    if not loaded.objects:
        raise InvalidInput(f"{source} holds no manifests", "Check the address or path")
    if expected_sha256 and loaded.sha256 != expected_sha256.lower().removeprefix("sha256:"):
        raise InvalidInput(
            f"{source} is not what was expected: its SHA-256 is {loaded.sha256}, not {expected_sha256}",
            "Look at what changed there; correct the checksum only when you trust it",
        )
    return loaded


@dataclasses.dataclass(frozen=True)
class _Reader:
    """How sources are read. pinned: there is a checksum, so it does not matter whose bytes come."""

    kubectl: str | None
    timeout: float
    variables: t.Mapping[str, t.Any] | None
    pinned: bool

    def manifests(self, source: str, content: bytes) -> Manifests:
        """What a text holds; its checksum is that of the text as it came."""
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{source} is not text", "Check the address or path") from error
        if self.variables is not None:
            text = fill_in(text, self.variables, source)
        return Manifests(source, parse(text, source), hashlib.sha256(content).hexdigest())


def _load(source: str, reader: _Reader) -> Manifests:
    if "://" in source:
        return reader.manifests(source, _download(source, reader))
    path = os.path.expanduser(source)
    if os.path.isdir(path):
        objects = _kustomization(path, reader) if _is_kustomization(path) else _folder(path, reader)
        return Manifests(source, objects, checksum(objects))
    return reader.manifests(source, _read(path))


def _download(url: str, reader: _Reader) -> bytes:
    """Follows redirects itself: each place is judged, and urllib goes on from https to http without a word."""
    place = url
    for _redirect in range(MOST_REDIRECTS + 1):
        _require_trust(url, place, reader.pinned)
        try:
            answer = open_url(place, timeout=reader.timeout, http_agent="k0smotron.ha", follow_redirects="no")
            return t.cast(bytes, answer.read())
        except HTTPError as error:
            if error.code not in REDIRECTS or not error.headers.get("Location"):
                raise Unreachable(f"{url} cannot be downloaded: {error.code} {error.reason}", MIRROR) from error
            place = _redirected(place, error.headers["Location"])
        except (URLError, DownloadError, SSLValidationError, ssl.SSLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise Unreachable(f"{url} cannot be downloaded: {reason}", MIRROR) from error
    raise Unreachable(f"{url} cannot be downloaded: redirected more than {MOST_REDIRECTS} times", MIRROR)


def _require_trust(url: str, place: str, pinned: bool) -> None:
    """Raise InvalidInput where anybody on the way could put in what is applied with an administrator's rights."""
    parts = urlsplit(place)
    if parts.scheme not in ("http", "https"):
        raise InvalidInput(f"{url} cannot be downloaded: only http and https are known", "Download it, give the file")
    if parts.scheme == "http" and not pinned and not _is_loopback(parts.hostname or ""):
        raise InvalidInput(
            f"{url} would come from {parts.hostname} over plain http, where anybody on the way can change it",
            "Use https, or give its SHA-256 (checksum)",
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _redirected(place: str, target: str) -> str:
    """Where a redirect leads. A user in the URL goes along on the same server, but not from https to http."""
    here, there = urlsplit(place), urlsplit(urljoin(place, target))
    server = here.netloc.rpartition("@")[2]
    if there.netloc == server and there.scheme in (here.scheme, "https"):
        there = there._replace(netloc=here.netloc)
    return there.geturl()


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise NotFound(f"There is no file or folder {path}", "Check the path on the host that runs the task") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", "Check its permissions") from error


def _is_kustomization(path: str) -> bool:
    return any(os.path.isfile(os.path.join(path, name)) for name in KUSTOMIZATION_NAMES)


def _folder(path: str, reader: _Reader) -> list[Object]:
    """The manifests directly in a folder, in the order of their names, as `kubectl apply -f FOLDER` takes them."""
    names = sorted(name for name in os.listdir(path) if name.endswith(MANIFEST_SUFFIXES))
    files = [os.path.join(path, name) for name in names]
    return [obj for file in files for obj in reader.manifests(file, _read(file)).objects]


def _kustomization(path: str, reader: _Reader) -> list[Object]:
    command = [*_kustomize_command(reader.kubectl), path]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=KUSTOMIZE_SECONDS)
    except OSError as error:
        raise NotFound(f"{command[0]} cannot be run: {error.strerror}", "Correct the option kubectl") from error
    except subprocess.TimeoutExpired as error:
        raise Unreachable(
            f"{' '.join(command)} did not end in {KUSTOMIZE_SECONDS} s", "Check the addresses it refers to"
        ) from error
    if done.returncode:
        raise HaError(f"{' '.join(command)} failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    return reader.manifests(path, done.stdout).objects


def _kustomize_command(kubectl: str | None) -> list[str]:
    """kubectl or kustomize, whichever the option names or PATH holds."""
    program = kubectl or shutil.which("kubectl") or shutil.which("kustomize")
    if not program:
        raise NotFound(
            "A kustomization needs kubectl or kustomize, and neither is on PATH",
            "Install one, name it in the option kubectl, or give the rendered file as the source",
        )
    is_kustomize = os.path.basename(program).startswith("kustomize")
    return [program, "build"] if is_kustomize else [program, "kustomize"]
