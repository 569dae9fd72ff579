# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extra `cluster_api`: Cluster API's own controller; k0smotron's image, which the lab has, holds its providers."""

from __future__ import annotations

import os
import typing as t

from . import files, images
from .images import Recipe
from .programs import GO, Module

if t.TYPE_CHECKING:
    from pathlib import Path

    from .artifacts import Artifacts
    from .programs import Source

NAME = "cluster-api"
# Its go.mod keeps to the versions of the lab's own, where k0smotron is built upon it: most of it is compiled already.
MODULE = Module(
    "Cluster API",
    GO / "cluster_api",
    ("go.mod", "go.sum"),
    {NAME: "sigs.k8s.io/cluster-api"},
    {NAME: "sigs.k8s.io/cluster-api"},
)
CONTROLLER = "cluster-api-controller"
# The module's manifests are those of its main branch; a release names its own image, and does not pull it always.
STAGING_IMAGE = f"gcr.io/k8s-staging-cluster-api/{CONTROLLER}"
RELEASE_IMAGE = f"registry.k8s.io/cluster-api/{CONTROLLER}"
PULL_POLICY = '[{"op": "replace", "path": "/spec/template/spec/containers/0/imagePullPolicy", "value": "IfNotPresent"}]'


def recipes(sources: t.Mapping[str, Source]) -> list[Recipe]:
    """Cluster API's controller."""
    controller = f"{RELEASE_IMAGE}:{sources[NAME].version}"
    return [Recipe((controller,), {"manager": NAME}, folders=("tmp",), entrypoint=("/manager",), user="65532:65532")]


def variables(artifacts: Artifacts, folder: Path) -> dict[str, t.Any]:
    """Variables for the collection's roles; `folder` gets a kustomization that makes a release of Cluster API's manifests."""
    sources = artifacts.sources
    files.write_json(
        folder / "kustomization.yaml",
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [os.path.relpath(sources[NAME].path / "config" / "default", folder)],
            "images": [{"name": STAGING_IMAGE, "newName": RELEASE_IMAGE, "newTag": sources[NAME].version}],
            "patches": [{"target": {"kind": "Deployment"}, "patch": PULL_POLICY}],
        },
    )
    return {
        "cluster_api_version": sources[NAME].version,
        "cluster_api_source": [str(folder)],
        "cluster_api_k0smotron_version": sources["k0smotron"].version,
        "cluster_api_k0smotron_source": [str(sources["k0smotron"].path / "config" / "clusterapi" / "all")],
        "cluster_api_k0smotron_image": images.k0smotron_name(sources),
    }
