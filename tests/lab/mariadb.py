# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extra `mariadb`: mariadb-operator from its Go module, and an image of Debian's MariaDB for it to run."""

from __future__ import annotations

import typing as t

from . import files, shell
from .images import Recipe
from .programs import GO, Module
from .rootfs import Rootfs

if t.TYPE_CHECKING:
    from pathlib import Path

    from .artifacts import Artifacts
    from .programs import Source

NAME = "mariadb-operator"
CHART = "mariadb-chart"
MODULE = Module(
    "MariaDB operator",
    GO / "mariadb",
    ("go.mod", "go.sum", "chart"),
    {NAME: "github.com/mariadb-operator/mariadb-operator/cmd/controller", CHART: "./chart"},
    {NAME: "github.com/mariadb-operator/mariadb-operator"},
)
# What the server, its first start and the operator's probes need; the whole of mariadb-server is twice as large.
ROOT = Rootfs(
    "debian-mariadb",
    ("mariadb-server-core", "mariadb-client-core", "mariadb-common", "mariadb-backup", "procps", "tzdata"),
    # The user of the operator's Pods, spec.podSecurityContext's default.
    before=(
        'echo "mysql:x:999:999:MariaDB Server:/var/lib/mysql:/bin/bash" >> "$1"/etc/passwd',
        'echo "mysql:x:999:" >> "$1"/etc/group',
    ),
)
# From the tag the operator reads the version, and with it how replicas are told where their primary is.
SERVER_IMAGE = "docker.io/library/mariadb:10.11-stand-in"


def recipes(sources: t.Mapping[str, Source]) -> list[Recipe]:
    """The operator's image, which is controller, webhook and certificate controller, and the server's."""
    operator = f"docker-registry3.mariadb.com/mariadb-operator/mariadb-operator:{_release(sources)}"
    return [
        Recipe((operator,), {"bin/mariadb-operator": NAME}, entrypoint=("/bin/mariadb-operator",), user="65532:65532"),
        Recipe(
            (SERVER_IMAGE,),
            files={"entrypoint": "mariadb/entrypoint"},
            folders=("run/mysqld",),
            root=ROOT,
            entrypoint=("/entrypoint",),
            user="999:999",
            stands_in_for="MariaDB's image",
        ),
    ]


def variables(artifacts: Artifacts, folder: Path) -> dict[str, t.Any]:
    """Variables for the collection's roles; `folder` gets what upstream publishes as manifests.min.yaml.

    That is the custom resource definitions, and the chart with the values that lie beside it (make/gen.mk of the module).
    """
    source = artifacts.sources[NAME].path / "deploy"
    chart = (source / "charts" / NAME, source / "manifests" / "helm-values.min.yaml", NAME, "default")
    rendered = shell.run(artifacts.bin[CHART], *chart)
    manifest = files.write(folder / "manifests.min.yaml", (source / "crds" / "crds.yaml").read_text() + rendered)
    return {
        "mysql_operator_version": artifacts.sources[NAME].version,
        "mysql_operator_source": [str(manifest)],
        "mysql_cluster_image": SERVER_IMAGE,
    }


def _release(sources: t.Mapping[str, Source]) -> str:
    """How the image is tagged: without the v of the Go module's version."""
    return sources[NAME].version.removeprefix("v")
