# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes container images without a container engine: one OCI layout tar holding any number of them.

The same inputs give the same bytes. Layers stay uncompressed: they never travel further than this machine.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import stat
import tarfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # Python's name -> Go's and OCI's
# containerd's importer reads the full image name from here (its own annotation, not OCI's ref.name).
NAME_ANNOTATION = "io.containerd.image.name"
_MEDIA = "application/vnd.oci.image"


@dataclass(frozen=True)
class Layer:
    """An uncompressed layer tar; `digest` is `sha256:<hex>`, `size` in bytes."""

    path: Path
    digest: str
    size: int


@dataclass(frozen=True)
class Image:
    """An image called `names`; `entrypoint`, `command`, `user` and `env` mean what they mean in a Dockerfile."""

    names: tuple[str, ...]
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    env: t.Mapping[str, str] = field(default_factory=dict)
    labels: t.Mapping[str, str] = field(default_factory=dict)


def layer(path: Path) -> Layer:
    """Describe the layer tar that is already at `path`."""
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    return Layer(path, f"sha256:{digest}", path.stat().st_size)


def write_layer(target: Path, files: t.Mapping[str, Path | None]) -> Layer:
    """Make a layer tar of path in the image -> file on this machine (None: an empty folder that all may write to).

    Only a file's content and whether it may be executed are taken over; everything belongs to root. A file that has
    several paths is in the layer once.
    """
    first: dict[Path, str] = {}
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for folder in sorted({str(parent) for name in files for parent in Path(name).parents} - {"."}):
            archive.addfile(_member(folder, tarfile.DIRTYPE, 0o755))
        for name, source in sorted(files.items()):
            if source is None:
                archive.addfile(_member(name, tarfile.DIRTYPE, 0o1777))
            elif first.setdefault(source, name) != name:
                _add_hard_link(archive, name, first[source])
            else:
                _add_file(archive, name, source, 0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644)
    return layer(target)


def write_archive(target: Path, images: t.Sequence[Image], left_out: t.Collection[Layer] = ()) -> None:
    """Write the OCI layout tar that `ctr images import` takes; a layer that several images share is in it once.

    Layers that are `left_out` have to be in containerd's store already: `ctr` neither reads nor unpacks them again.
    """
    blobs: dict[str, bytes | Path] = {}
    manifests: list[dict[str, t.Any]] = []
    for image in images:
        manifest = _manifest(image, blobs)
        manifests += [{**manifest, "annotations": {NAME_ANNOTATION: name}} for name in image.names]
    index = {"schemaVersion": 2, "mediaType": f"{_MEDIA}.index.v1+json", "manifests": manifests}
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        _add_bytes(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add_bytes(archive, "index.json", _json(index))
        for digest in sorted(blobs.keys() - {layer.digest for layer in left_out}):
            name, content = f"blobs/{digest.replace(':', '/')}", blobs[digest]
            if isinstance(content, Path):
                _add_file(archive, name, content, 0o644)
            else:
                _add_bytes(archive, name, content)


def _manifest(image: Image, blobs: dict[str, bytes | Path]) -> dict[str, t.Any]:
    """Put the image's blobs into `blobs` and return the descriptor of its manifest."""
    config = _blob(blobs, f"{_MEDIA}.config.v1+json", _config(image))
    layers = []
    for item in image.layers:
        blobs[item.digest] = item.path
        layers.append({"mediaType": f"{_MEDIA}.layer.v1.tar", "digest": item.digest, "size": item.size})
    manifest = {"schemaVersion": 2, "mediaType": f"{_MEDIA}.manifest.v1+json", "config": config, "layers": layers}
    return _blob(blobs, f"{_MEDIA}.manifest.v1+json", manifest) | {"platform": _platform()}


def _config(image: Image) -> dict[str, t.Any]:
    settings = {
        "Entrypoint": list(image.entrypoint),
        "Cmd": list(image.command),
        "User": image.user,
        "Env": [f"{name}={value}" for name, value in sorted(image.env.items())],
        "Labels": dict(image.labels),
    }
    layers = [item.digest for item in image.layers]  # of uncompressed layers the diff ID is the blob's digest
    return _platform() | {"config": settings, "rootfs": {"type": "layers", "diff_ids": layers}}


def _platform() -> dict[str, str]:
    machine = platform.machine()
    return {"architecture": ARCHITECTURES.get(machine, machine), "os": "linux"}


def _blob(blobs: dict[str, bytes | Path], media_type: str, content: dict[str, t.Any]) -> dict[str, t.Any]:
    data = _json(content)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    blobs[digest] = data
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def _json(content: t.Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _member(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    """A tar entry of root's; its time is 1970, as TarInfo's default."""
    member = tarfile.TarInfo(name)
    member.type, member.mode = kind, mode
    return member


def _add_file(archive: tarfile.TarFile, name: str, source: Path, mode: int) -> None:
    member = _member(name, tarfile.REGTYPE, mode)
    member.size = source.stat().st_size
    with source.open("rb") as content:
        archive.addfile(member, content)


def _add_hard_link(archive: tarfile.TarFile, name: str, target: str) -> None:
    member = _member(name, tarfile.LNKTYPE, archive.getmember(target).mode)
    member.linkname = target
    archive.addfile(member)


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = _member(name, tarfile.REGTYPE, 0o644)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
