# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeconfig files, written as JSON, which every reader of YAML takes."""

from __future__ import annotations

import base64
import typing as t
from pathlib import Path

from . import addresses, files

if t.TYPE_CHECKING:
    from .pki import Pki


def kubeconfig(pki: Pki, user: str) -> dict[str, t.Any]:
    """The content for ``user`` (a certificate's file name), complete in itself: no paths to other files."""
    cluster = {"server": addresses.API_URL, "certificate-authority-data": _data(pki.certificate("ca"))}
    client = {"client-certificate-data": _data(pki.certificate(user)), "client-key-data": _data(pki.key(user))}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": user, "user": client}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
        "current-context": "lab",
    }


def write(path: Path, pki: Pki, user: str) -> Path:
    """Write it readable for the owner only; return ``path``."""
    return files.write_json(path, kubeconfig(pki, user), 0o600)


def _data(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
