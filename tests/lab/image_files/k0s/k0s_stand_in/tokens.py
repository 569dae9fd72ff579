# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Join tokens: Kubernetes bootstrap tokens, packed as k0s packs them."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
import re
import secrets
import string
import subprocess

from . import kubeconfig, paths

USERS = {"worker": "kubelet-bootstrap", "controller": "controller-bootstrap"}
_UNITS = {"h": 3600, "m": 60, "s": 1}


def create(server: str, role: str, expiry: str) -> str:
    """Store a token in the hosted cluster and return base64(gzip(kubeconfig)). `expiry` is a Go duration; 0s: never."""
    token_id, secret = (_random(length) for length in (6, 16))
    data = {"token-id": token_id, "token-secret": secret, "description": f"{role} token by the k0s stand-in"}
    data |= {"usage-bootstrap-authentication": "true"}
    if role == "worker":
        data["usage-bootstrap-signing"] = "true"
    if seconds := duration(expiry):
        data["expiration"] = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"bootstrap-token-{token_id}", "namespace": "kube-system"},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": data,
    }
    kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    content = kubeconfig.render(server, USERS[role], {"token": f"{token_id}.{secret}"})
    return base64.b64encode(gzip.compress(content.encode())).decode()


def invalidate(token_id: str) -> None:
    """Remove a token; one that is gone already is no error."""
    kubectl("delete", "secret", f"bootstrap-token-{token_id}", "--namespace=kube-system", "--ignore-not-found")


def duration(text: str) -> float:
    """Seconds of a Go duration such as 1h30m."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise paths.StandInError(f"{text} is no duration: write it like 1h30m or 45s")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _random(length: int) -> str:
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _each in range(length))


def kubectl(*arguments: str, stdin: str = "") -> None:
    """Run kubectl as the administrator. Raises StandInError."""
    command = ["kubectl", f"--kubeconfig={paths.PKI / 'admin.conf'}", *arguments]
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise paths.StandInError(result.stderr.strip())
