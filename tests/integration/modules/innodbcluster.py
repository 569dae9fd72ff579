# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind InnoDBCluster on a real API server, without its operator, for which the lab has no image."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t
from pathlib import Path

import yaml

from tests.integration.modules.runner import kubectl
from tests.lab.waiting import until

KIND = "innodbclusters.mysql.oracle.com"
_ROOT = Path(__file__).resolve().parents[3]
DEFINITIONS = (
    Path(os.environ.get("K0SMOTRON_HA_UPSTREAM", _ROOT.parent / "shared" / "upstream")) / "mysql-operator-crds.yaml"
)


@contextlib.contextmanager
def served() -> t.Iterator[None]:
    """Serve the kind, and take it away again unless it was there before."""
    there = kubectl("get", "crd", KIND, "--ignore-not-found")
    definitions = yaml.safe_load_all(DEFINITIONS.read_text(encoding="utf-8"))
    [definition] = [item for item in definitions if item and item["metadata"]["name"] == KIND]
    kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(definition))
    try:
        until(_established, f"{KIND} to be Established", 60)
        yield
    finally:
        if not there:
            kubectl("delete", "crd", KIND, "--timeout=60s")


def _established() -> bool:
    """Not by ``kubectl wait``, which fails on a definition that has no conditions yet."""
    conditions = json.loads(kubectl("get", "crd", KIND, "--output=json")).get("status", {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)
