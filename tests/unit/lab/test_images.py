# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each image has the name that upstream's manifests ask for, and stand-ins say what they are."""

from __future__ import annotations

import tarfile
import typing as t

import pytest

from tests.lab import images, oci, programs, rootfs

if t.TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def recipes(tmp_path: Path) -> list[images.Recipe]:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "configmap.yaml").write_text(
        'data:\n  docker_image: ghcr.io/zalando/spilo-17:4.0-p3\n  logical_backup_docker_image: "other:1"\n'
    )
    names = [name for module in programs.MODULES for name in module.sources]
    return images.recipes({name: programs.Source(tmp_path, "v1.2.3") for name in names})


def test_names(recipes: list[images.Recipe]) -> None:
    assert {name for recipe in recipes for name in recipe.names} == {
        "ghcr.io/zalando/postgres-operator:v1.2.3",
        "ghcr.io/zalando/spilo-17:4.0-p3",
        "quay.io/k0sproject/k0s:v1.2.3-k0s.0",
        "quay.io/k0sproject/k0s:v1.2.3-k0s.1",
        "quay.io/k0sproject/k0smotron:v1.2.3",
        "quay.io/metallb/controller:v1.2.3",
        "quay.io/metallb/speaker:v1.2.3",
        "registry.k8s.io/coredns/coredns:v1.2.3",
        "registry.k8s.io/pause:3.10",
    }


def test_every_program_is_built(recipes: list[images.Recipe]) -> None:
    built = {name for module in programs.MODULES for name in module.programs}
    assert {program for recipe in recipes for program in recipe.programs.values()} <= built


def test_images_with_programs_of_our_own_say_what_they_stand_in_for(recipes: list[images.Recipe]) -> None:
    assert {recipe.stands_in_for for recipe in recipes if recipe.files} == {"Spilo", "k0s"}
    assert not any(recipe.stands_in_for for recipe in recipes if not recipe.files)


def test_every_entrypoint_is_in_its_image(recipes: list[images.Recipe]) -> None:
    for recipe in recipes:
        program = recipe.entrypoint[0].lstrip("/")
        if not recipe.root:
            assert program in recipe.programs
        elif program != "usr/bin/tini":
            assert (images.FILES / recipe.files[program]).stat().st_mode & 0o100, program


def test_a_root_file_system_of_another_archive_is_named_but_not_stored_again(tmp_path: Path) -> None:
    known, new = (rootfs.Rootfs(name, ("package",)) for name in ("known", "new"))
    roots = {root: tmp_path / f"{root.name}.tar" for root in (known, new)}
    for root, tar in roots.items():
        oci.write_layer(tar, {f"{root.name}-folder": None})
    recipes = [images.Recipe((f"example.test/{root.name}:1",), root=root) for root in roots]
    images.build(tmp_path / "images.tar", recipes, {}, roots, {known})
    with tarfile.open(tmp_path / "images.tar") as archive:
        stored = set(archive.getnames())
        texts = [archive.extractfile(name).read() for name in stored]  # type: ignore[union-attr]
    digests = {root: oci.layer(tar).digest.removeprefix("sha256:") for root, tar in roots.items()}
    assert f"blobs/sha256/{digests[new]}" in stored
    assert f"blobs/sha256/{digests[known]}" not in stored
    assert sum(digests[known].encode() in text for text in texts) == 2  # its image's manifest and configuration
