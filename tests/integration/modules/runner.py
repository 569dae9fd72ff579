# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module as Ansible does on the target, and kubectl as an independent witness of what it did."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import subprocess
import sys
import typing as t

PACKAGE = "ansible_collections.k0smotron.ha.plugins.modules"
MODULE_SECONDS = 900
KUBECTL_SECONDS = 120

Result: t.TypeAlias = dict[str, t.Any]


@dataclasses.dataclass
class Modules:
    """Modules against the cluster of KUBECONFIG. No result may hold one of `secrets`."""

    secrets: list[str] = dataclasses.field(default_factory=list)

    def run(self, module: str, *, check: bool = False, **params: t.Any) -> Result:
        """The result of one module run, failed or not, in diff mode."""
        settings = {"_ansible_check_mode": check, "_ansible_diff": True, "_ansible_verbosity": 3}
        done = subprocess.run(
            [sys.executable, "-m", f"{PACKAGE}.{module}"],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": {**params, **settings}}),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=MODULE_SECONDS,
            check=False,
        )
        for secret in self.secrets:
            assert secret not in done.stdout + done.stderr, f"{module} shows a secret"
        assert done.stdout.strip(), f"{module} ended without a result: {done.stderr}"
        return t.cast(Result, json.loads(done.stdout))

    def ok(self, module: str, *, check: bool = False, **params: t.Any) -> Result:
        """As run(), for a module that has to succeed."""
        result = self.run(module, check=check, **params)
        assert not result.get("failed"), result["msg"]
        return result

    def refused(self, module: str, *, check: bool = False, **params: t.Any) -> str:
        """The sentence of a module that has to fail."""
        result = self.run(module, check=check, **params)
        assert result.get("failed"), f"{module} went through: {result}"
        return str(result["msg"])


def warnings(result: Result) -> str:
    """All warnings of a result in one text; ansible-core sends them as more than text."""
    return json.dumps(result.get("warnings", []))


def kubectl(*arguments: str, stdin: str | None = None, check: bool = True) -> str:
    """Standard output of kubectl."""
    done = subprocess.run(
        ["kubectl", *arguments], input=stdin, capture_output=True, text=True, timeout=KUBECTL_SECONDS, check=False
    )
    assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def get(kind: str, name: str, namespace: str) -> dict[str, t.Any] | None:
    """One object, or None."""
    text = kubectl("get", kind, name, "-n", namespace, "-o", "json", "--ignore-not-found")
    return json.loads(text) if text.strip() else None


def names(kind: str, namespace: str, selector: str = "") -> list[str]:
    """Names of the objects of a kind."""
    text = kubectl("get", kind, "-n", namespace, "-l", selector, "-o", "json")
    return [item["metadata"]["name"] for item in json.loads(text)["items"]]


def create(obj: dict[str, t.Any]) -> None:
    """Create or replace an object."""
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(obj))


def create_secret(name: str, namespace: str, data: dict[str, str]) -> None:
    """Create or replace a Secret with these texts."""
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    metadata = {"name": name, "namespace": namespace}
    create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded})
