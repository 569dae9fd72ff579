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

if t.TYPE_CHECKING:
    from .progress import Progress


@dataclass(frozen=True)
class Artifacts:
    """`bin`: program -> executable; `images`: OCI tars; `sources`, `versions`: short name of a Go module -> its own."""

    bin: t.Mapping[str, Path]
    images: list[Path]
    sources: t.Mapping[str, Path]
    versions: t.Mapping[str, str]


def ensure(state: Path, progress: Progress) -> Artifacts:
    """Build what is missing below `state`/cache and return all of it. Killed at any point, it just runs again."""
    programs.go_version()
    rootfs.require_apt()
    cache = Cache(state / "cache")
    with cache.locked():
        bin_, debian = _build_inputs(cache, progress)
        sources = programs.sources()
        archive = _images(cache, sources, bin_, debian, progress)
    paths = {name: source.path for name, source in sources.items()}
    return Artifacts(bin_, [archive], paths, {name: source.version for name, source in sources.items()})


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
    bin_ = {name: folders[module.title] / name for module in programs.MODULES for name in module.programs}
    return bin_, folders["debian"] / "rootfs.tar"


def _images(
    cache: Cache, sources: t.Mapping[str, programs.Source], bin_: t.Mapping[str, Path], debian: Path, progress: Progress
) -> Path:
    def build(target: Path) -> None:
        with progress.step("container images"):
            images.build(target / "images.tar", sources, bin_, debian)

    # The folders of programs and root file system carry their own digests in their names.
    parts = [images.FILES, Path(images.__file__), Path(oci.__file__)]
    built_from = sorted({str(path.parent.name) for path in [*bin_.values(), debian]})
    return cache.entry("images", digest(*parts, repr(built_from)), build) / "images.tar"
