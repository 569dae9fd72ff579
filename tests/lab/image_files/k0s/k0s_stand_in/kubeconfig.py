# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeconfig files, with all data inside."""

from __future__ import annotations

import base64
import json
import tempfile
import typing as t
from pathlib import Path

from . import paths, pki

NAME = "k0s"


def render(server: str, user: str, credentials: t.Mapping[str, str]) -> str:
    """A kubeconfig as JSON, which is YAML; `credentials` are the fields of its user."""
    cluster = {"server": server, "certificate-authority-data": _encoded(paths.PKI / "ca.crt")}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": cluster}],
        "users": [{"name": user, "user": dict(credentials)}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": user}}],
        "current-context": NAME,
    }
    return json.dumps(content, indent=2)


def for_files(server: str, stem: Path) -> str:
    """For the certificate in `stem`.crt and `stem`.key."""
    data = {
        "client-certificate-data": _encoded(stem.with_suffix(".crt")),
        "client-key-data": _encoded(stem.with_suffix(".key")),
    }
    return render(server, stem.name, data)


def for_user(server: str, user: str, groups: t.Iterable[str]) -> str:
    """For a certificate made now for `user` in `groups`."""
    with tempfile.TemporaryDirectory() as folder:
        stem = Path(folder) / user
        pki.issue(pki.Certificate(user, tuple(group for group in groups if group)), stem)
        return for_files(server, stem)


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
