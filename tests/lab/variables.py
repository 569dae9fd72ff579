# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extra variables for the collection's playbooks, so that they install what the lab has."""

from __future__ import annotations

import typing as t
from pathlib import Path

from . import addons, files
from .images import k0s_version

if t.TYPE_CHECKING:
    from .artifacts import Artifacts

# The order matters: the operator would otherwise register its own custom resource definition, failing once.
OPERATOR_MANIFESTS = (
    "postgresql.crd",
    "configmap",
    "operator-service-account-rbac",
    "postgres-operator",
    "api-service",
)


def playbook_variables(artifacts: Artifacts) -> dict[str, t.Any]:
    """Role variables that point at the upstream manifests in the Go modules' folders, and at the lab's images."""
    operator = artifacts.sources["postgres-operator"] / "manifests"
    return {
        "postgres_operator_version": artifacts.versions["postgres-operator"],
        "postgres_operator_source": [str(operator / f"{name}.yaml") for name in OPERATOR_MANIFESTS],
        "k0smotron_version": artifacts.versions["k0smotron"],
        "k0smotron_source": [str(artifacts.sources["k0smotron"] / "config" / "standalone")],
        "k0smotron_image": addons.images(artifacts)["k0smotron"],
        "control_plane_version": k0s_version(artifacts.versions["kubernetes"]),
    }


def write(path: Path, artifacts: Artifacts) -> None:
    """Write them as JSON, which Ansible reads as YAML."""
    files.write_json(path, playbook_variables(artifacts))
