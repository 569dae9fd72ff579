# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a real operator with which a removal that keeps the data would not keep it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.modules.lifecycle import Database
from tests.integration.modules.runner import Modules, kubectl


def test_an_operator_that_would_delete_data_is_refused(modules: Modules, namespace: str) -> None:
    """The operator's settings are changed in words only: it reads them at its next start, and gets them back before."""
    operator = Path("default/postgres-operator")
    declared = Database(modules, namespace, "acid-guarded")
    declared.run(wait=False)
    data = json.loads(kubectl("get", "configmap", operator.name, "-n", operator.parent.name, "-o", "json"))["data"]
    patch = ("patch", "configmap", operator.name, "-n", operator.parent.name, "--type=merge", "-p")
    try:
        kubectl(*patch, json.dumps({"data": {"enable_secrets_deletion": "true"}}))
        refused = declared.run(state="absent")
    finally:
        kubectl(*patch, json.dumps({"data": {"enable_secrets_deletion": data["enable_secrets_deletion"]}}))
    stale = declared.run(state="absent")
    kubectl("rollout", "restart", f"deployment/{operator.name}", "-n", operator.parent.name)
    kubectl("rollout", "status", f"deployment/{operator.name}", "-n", operator.parent.name, "--timeout=90s")
    assert refused["failed"]
    assert "enable_secrets_deletion" in refused["msg"]
    assert stale["failed"]
    assert "was changed after the operator started" in stale["msg"]
    removed = declared.run(state="absent", data="delete")
    assert not removed.get("failed"), removed["msg"]
