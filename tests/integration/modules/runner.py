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
    """Modules against the cluster of KUBECONFIG. No result may hold one of `secrets`.

    `accounts` are the kubeconfigs of modules that run as somebody who may do only what they need.
    """

    secrets: list[str] = dataclasses.field(default_factory=list)
    accounts: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    def run(self, module: str, *, check: bool = False, **params: t.Any) -> Result:
        """The result of one module run, failed or not, in diff mode."""
        process = self.begin(module, check=check, **params)
        try:
            output, errors = process.communicate(timeout=MODULE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        for secret in self.secrets:
            assert secret not in output + errors, f"{module} shows a secret"
        assert output.strip(), f"{module} ended without a result: {errors}"
        return t.cast(Result, json.loads(output))

    def begin(self, module: str, *, check: bool = False, **params: t.Any) -> subprocess.Popen[str]:
        """A module at work, for who wants to do something meanwhile or to kill it."""
        settings = {"_ansible_check_mode": check, "_ansible_diff": True, "_ansible_verbosity": 3}
        account = {"KUBECONFIG": self.accounts[module]} if module in self.accounts else {}
        process = subprocess.Popen(
            [sys.executable, "-m", f"{PACKAGE}.{module}"],
            env={**os.environ, **account, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": {**params, **settings}}))
        process.stdin.close()
        # communicate() would flush it once more.
        process.stdin = None
        return process

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
