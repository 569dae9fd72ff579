# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extra `cloudnativepg`: its operator from the Go module, and an image of Debian's PostgreSQL for it to run."""

from __future__ import annotations

import platform
import typing as t

from . import files, oci, rootfs
from .images import PATH, Recipe
from .programs import GO, Module

if t.TYPE_CHECKING:
    from pathlib import Path

    from .artifacts import Artifacts
    from .programs import Source

NAME = "cloudnative-pg"
MANAGER = "cloudnativepg-manager"
MODULE = Module(
    "CloudNativePG operator",
    GO / "cloudnativepg",
    ("go.mod", "go.sum"),
    {MANAGER: "github.com/cloudnative-pg/cloudnative-pg/cmd/manager"},
    {NAME: "github.com/cloudnative-pg/cloudnative-pg"},
)
# The operator reads PostgreSQL's major version from the beginning of the tag.
POSTGRES_IMAGE = f"ghcr.io/cloudnative-pg/postgresql:{rootfs.POSTGRES}-stand-in"
POSTGRES_USER = "26"  # spec.postgresUID is this by default, and the operator's Pods run as it
OPERATOR = "operator.yaml"
# Upstream's is Always, and there is no registry to ask.
PULL_POLICY = '[{"op": "replace", "path": "/spec/template/spec/containers/0/imagePullPolicy", "value": "IfNotPresent"}]'


def recipes(sources: t.Mapping[str, Source]) -> list[Recipe]:
    """Both images: the operator's is also the first container of each of the database's Pods."""
    machine = platform.machine()
    # By the second name the operator hands itself over to Pods of another version, see Dockerfile of its module.
    names = ("manager", f"operator/manager_{oci.ARCHITECTURES.get(machine, machine)}")
    operator = f"ghcr.io/cloudnative-pg/cloudnative-pg:{_release(sources)}"
    return [
        Recipe((operator,), dict.fromkeys(names, MANAGER), entrypoint=("/manager",), user="65532:65532"),
        Recipe(
            (POSTGRES_IMAGE,),
            files={"etc/passwd": "cloudnativepg/passwd"},
            root=rootfs.SHARED,
            env={"PATH": f"{rootfs.POSTGRES_PROGRAMS}:{PATH}"},
            user=POSTGRES_USER,
            stands_in_for="CloudNativePG's PostgreSQL",
        ),
    ]


def variables(artifacts: Artifacts, folder: Path) -> dict[str, t.Any]:
    """Variables for the collection's roles; `folder` gets the kustomization that they name."""
    sources = artifacts.sources
    manifest = sources[NAME].path / "releases" / f"cnpg-{_release(sources)}.yaml"
    files.write(folder / OPERATOR, manifest.read_text())  # kustomize reads nothing outside of its folder
    files.write_json(
        folder / "kustomization.yaml",
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [OPERATOR],
            "patches": [{"target": {"kind": "Deployment"}, "patch": PULL_POLICY}],
        },
    )
    return {
        "cloudnativepg_operator_version": sources[NAME].version,
        "cloudnativepg_operator_source": [str(folder)],
        "lab_cloudnativepg_image": POSTGRES_IMAGE,
    }


def _release(sources: t.Mapping[str, Source]) -> str:
    """How the release's image and manifest are called: without the v of the Go module's version."""
    return sources[NAME].version.removeprefix("v")
