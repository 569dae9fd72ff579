# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extra variables for the collection's playbooks, so that they install what the lab has."""

from __future__ import annotations

import typing as t

from . import files
from .extras import EXTRAS
from .images import k0s_version, k0smotron_name, next_k0s_version

if t.TYPE_CHECKING:
    from .artifacts import Artifacts
    from .paths import State
    from .programs import Source

# The order matters: the operator would otherwise register its own custom resource definition, failing once.
OPERATOR_MANIFESTS = (
    "postgresql.crd",
    "configmap",
    "operator-service-account-rbac",
    "postgres-operator",
    "api-service",
)


def playbook_variables(sources: t.Mapping[str, Source]) -> dict[str, t.Any]:
    """Role variables that point at the upstream manifests in the Go modules' folders, and at the lab's images."""
    operator = sources["postgres-operator"].path / "manifests"
    return {
        "postgres_operator_version": sources["postgres-operator"].version,
        "postgres_operator_source": [str(operator / f"{name}.yaml") for name in OPERATOR_MANIFESTS],
        "k0smotron_version": sources["k0smotron"].version,
        "k0smotron_source": [str(sources["k0smotron"].path / "config" / "standalone")],
        "k0smotron_image": k0smotron_name(sources),
        "control_plane_version": k0s_version(sources["kubernetes"].version),
        "lab_next_k0s_version": next_k0s_version(sources["kubernetes"].version),
    }


def write(state: State, artifacts: Artifacts, names: t.Iterable[str]) -> None:
    """Write them, and those of the extras `names`, as JSON, which Ansible reads as YAML."""
    found = playbook_variables(artifacts.sources)
    for name in names:
        folder = state.run / name
        folder.mkdir(exist_ok=True)
        found |= EXTRAS[name].variables(artifacts, folder)
    files.write_json(state.playbook_variables, found)
