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
    extras = {name: (extra.module, extra.recipes) for name in names if (extra := EXTRAS[name]).module}
    cache = Cache(state / "cache")
    with cache.locked():
        builder = Builder(cache, progress)
        sources = programs.sources([*programs.MODULES, *(module for module, _recipes in extras.values())])
        archive = builder.archive("images", programs.MODULES, images.recipes(sources))
        # One after the other: each finds more that is compiled already.
        more = [
            builder.archive(f"images-{name}", [module], recipes(sources)) for name, (module, recipes) in extras.items()
        ]
    return Artifacts(builder.bin, archive, more, sources)


def compiled(cache: Cache, module: programs.Module, commands: Commands, progress: Progress) -> Path:
    """The folder with the programs of `module`, compiled unless they are there. The caller holds the cache's lock."""

    def build(target: Path) -> None:
        with progress.step(module.title):
            programs.build(module, target, commands, target / "build.log")

    files = (module.folder / name for name in module.inputs)
    key = digest(programs.go_version(), repr(programs.flags(module)), repr(module.programs), *files)
    return cache.entry(f"go-{module.folder.name}", key, build)


class Builder:
    """Makes archives of images and what they are made of; the caller holds the cache's lock."""

    def __init__(self, cache: Cache, progress: Progress) -> None:
        self.cache = cache
        self.progress = progress
        self.bin: dict[str, Path] = {}
        self.roots: dict[rootfs.Rootfs, Path] = {}

    def archive(self, name: str, modules: t.Sequence[programs.Module], recipes: t.Sequence[images.Recipe]) -> Path:
        """The OCI tar with the images of `recipes`, to be imported after those of earlier calls.

        `modules` are the ones with the programs that no earlier call needed.
        """
        needed = {recipe.root for recipe in recipes if recipe.root}
        known = needed & self.roots.keys()
        self._build_inputs(modules, needed - known)

        def build(target: Path) -> None:
            with self.progress.step(f"container {name.replace('-', ' of ')}"):
                images.build(target / "images.tar", recipes, self.bin, self.roots, known)

        # The folders of programs and root file systems carry their own digests in their names.
        inputs = {self.bin[program] for recipe in recipes for program in recipe.programs.values()}
        made_of = sorted({path.parent.name for path in inputs | {self.roots[root] for root in needed}})
        content = sorted({images.FILES / file for recipe in recipes for file in recipe.files.values()})
        without = sorted(root.name for root in known)
        key = digest(repr((recipes, made_of, without)), Path(images.__file__), Path(oci.__file__), *content)
        return self.cache.entry(name, key, build) / "images.tar"

    def _build_inputs(self, modules: t.Sequence[programs.Module], roots: t.Collection[rootfs.Rootfs]) -> None:
        """Programs and root file systems side by side: one compiles while the other downloads and unpacks."""
        commands = Commands()

        def compile_module(module: programs.Module) -> None:
            folder = compiled(self.cache, module, commands, self.progress)
            self.bin |= {name: folder / name for name in module.programs}

        def install(root: rootfs.Rootfs) -> None:
            def build(target: Path) -> None:
                with self.progress.step(f"Debian packages {root.packages[0]} and others"):
                    rootfs.build(root, target / "rootfs.tar", commands, target / "build.log")

            self.roots[root] = self.cache.entry(root.name, digest(root.inputs), build) / "rootfs.tar"

        jobs = [*(partial(compile_module, module) for module in modules), *(partial(install, root) for root in roots)]
        side_by_side(commands, jobs)
