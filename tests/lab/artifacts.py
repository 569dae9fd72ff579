# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the lab is made of, built once and kept: programs, root file system, container images."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import images, oci, programs, rootfs
from .cache import Cache, digest
from .commands import Commands, side_by_side
from .extras import EXTRAS
from .programs import Source

if t.TYPE_CHECKING:
    from .progress import Progress


@dataclass(frozen=True)
class Artifacts:
    """`bin`: program -> executable; `sources`: short name of a Go module -> its own.

    `images`: the OCI tar with what every lab runs; `extra_images`: one more for each extra.
    """

    bin: t.Mapping[str, Path]
    images: Path
    extra_images: t.Sequence[Path]
    sources: t.Mapping[str, Source]


def ensure(state: Path, names: t.Sequence[str], progress: Progress) -> Artifacts:
    """Build what is missing below `state`/cache, the extras `names` too, and return all of it.

    Killed at any point, it just runs again.
    """
    programs.go_version()
    rootfs.require_apt()
    extras = {name: EXTRAS[name] for name in names}
    cache = Cache(state / "cache")
    with cache.locked():
        bin_, debian = _build_inputs(cache, progress)
        for extra in extras.values():  # one after the other: each finds more that is compiled already
            bin_ |= _programs(extra.module, compiled(cache, extra.module, Commands(), progress))
        sources = programs.sources([*programs.MODULES, *(extra.module for extra in extras.values())])
        archive = _images(cache, "images", images.recipes(sources), bin_, debian, progress)
        more = [
            _images(cache, f"images-{name}", extra.recipes(sources), bin_, debian, progress)
            for name, extra in extras.items()
        ]
    return Artifacts(bin_, archive, more, sources)


def compiled(cache: Cache, module: programs.Module, commands: Commands, progress: Progress) -> Path:
    """The folder with the programs of `module`, compiled unless they are there. The caller holds the cache's lock."""

    def build(target: Path) -> None:
        with progress.step(module.title):
            programs.build(module, target, commands, target / "build.log")

    files = (module.folder / name for name in module.inputs)
    key = digest(programs.go_version(), repr(programs.flags(module)), repr(module.programs), *files)
    return cache.entry(f"go-{module.folder.name}", key, build)


def _build_inputs(cache: Cache, progress: Progress) -> tuple[dict[str, Path], Path]:
    """Programs and root file system side by side: one compiles while the other downloads and unpacks."""
    commands = Commands()
    folders: dict[str, Path] = {}

    def compile_module(module: programs.Module) -> None:
        folders[module.title] = compiled(cache, module, commands, progress)

    def install_debian() -> None:
        def build(target: Path) -> None:
            with progress.step("Debian packages"):
                rootfs.build(target / "rootfs.tar", commands, target / "build.log")

        folders["debian"] = cache.entry("debian", digest(rootfs.inputs()), build)

    side_by_side(commands, [*(partial(compile_module, module) for module in programs.MODULES), install_debian])
    bin_ = {
        name: path for module in programs.MODULES for name, path in _programs(module, folders[module.title]).items()
    }
    return bin_, folders["debian"] / "rootfs.tar"


def _programs(module: programs.Module, folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in module.programs}


def _images(
    cache: Cache,
    name: str,
    recipes: t.Sequence[images.Recipe],
    bin_: t.Mapping[str, Path],
    debian: Path,
    progress: Progress,
) -> Path:
    def build(target: Path) -> None:
        with progress.step(f"container {name.replace('-', ' of ')}"):
            images.build(target / "images.tar", recipes, bin_, debian)

    # The folders of programs and root file system carry their own digests in their names.
    used = {bin_[program].parent.name for recipe in recipes for program in recipe.programs.values()}
    code = [Path(images.__file__), Path(oci.__file__)]
    content = sorted({images.FILES / file for recipe in recipes for file in recipe.files.values()})
    key = digest(repr(recipes), repr(sorted({*used, debian.parent.name})), *code, *content)
    return cache.entry(name, key, build) / "images.tar"
