# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Container images on the nodes.

Importing unpacks everything, which takes many seconds. So it is done once, by a containerd that never runs a
container, and every node starts with hard links to the result; databases are copied, all else is never written to
again (tried: whatever containers and ``images rm`` did on the nodes, the template's files stayed the same).
"""

from __future__ import annotations

import json
import shutil
import tarfile
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import addresses, cache, files, machine, settings, shell, waiting
from .errors import LabError

if t.TYPE_CHECKING:
    from .paths import State
    from .progress import Progress

BUILDER = "images"  # the machine that makes the template
DATABASES = ("io.containerd.metadata.v1.bolt/meta.db", "io.containerd.snapshotter.v1.*/metadata.db")
BUILDER_CONFIG = """\
version = 2
root = "{root}"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.grpc.v1.cri",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "/run/opt"
"""


def names(archive: Path) -> list[str]:
    """Full names of the images in an OCI archive. Raises LabError when containerd would find none."""
    try:
        with tarfile.open(archive) as tar:
            member = tar.extractfile("index.json")
            index = json.load(member) if member else {}
        return [each["annotations"]["io.containerd.image.name"] for each in index["manifests"]]
    except (OSError, KeyError, ValueError, tarfile.TarError) as error:
        raise LabError(f"{archive} is no OCI image archive with named images ({error}).") from error


def fingerprint(archive: Path) -> str:
    """Changes when the file does; no reading of gigabytes."""
    about = archive.stat()
    return f"{archive.resolve()} {about.st_size} {about.st_mtime_ns}"


def template(state: State, archives: t.Sequence[Path], progress: Progress) -> Path:
    """A containerd root with all ``archives`` imported and unpacked, made once and kept in the cache."""

    def build(target: Path) -> None:
        with progress.step("unpack container images"):
            _build_template(state, archives, target / "root")

    store = cache.Cache(state.cache)
    with store.locked():
        return store.entry("node-images", cache.digest(*(fingerprint(each) for each in archives)), build) / "root"


def _build_template(state: State, archives: t.Sequence[Path], root: Path) -> None:
    folder = state.machine(BUILDER)
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "containerd.toml"
    config.write_text(BUILDER_CONFIG.format(root=root, socket=state.containerd_socket(BUILDER)))
    builder = machine.Machine(
        state, BUILDER, {"containerd": [shutil.which("containerd") or "containerd", f"--config={config}"]}
    )
    machine.switch_off(state, BUILDER)  # of an `up` that was killed
    try:
        builder.ensure()
        for archive in archives:
            _import(state, BUILDER, archive)
    finally:
        machine.switch_off(state, BUILDER)
        shutil.rmtree(folder)


def seed(state: State, nodes: t.Sequence[str], archives: t.Sequence[Path], progress: Progress) -> None:
    """Give new nodes the images of ``archives``; a node that has run keeps what it has."""
    new = [node for node in nodes if not _root(state, node).exists()]
    if new:
        source = template(state, archives, progress)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: _seed(state, node, source, archives), new))


def _root(state: State, node: str) -> Path:
    return state.machine(node) / "containerd"


def _seed(state: State, node: str, source: Path, archives: t.Sequence[Path]) -> None:
    root = _root(state, node)
    root.parent.mkdir(parents=True, exist_ok=True)
    unfinished = root.with_name("containerd.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    # It ends with us: one that outlives a killed `up` writes into the folder of the next (seen: a node without images).
    copying = ("setpriv", "--pdeathsig=KILL", "cp", "--archive", "--link", "--no-target-directory")
    shell.run(*copying, source, unfinished, timeout=300)
    for pattern in DATABASES:
        for linked in unfinished.glob(pattern):
            copy = linked.with_suffix(".copy")
            shutil.copy2(linked, copy)
            copy.rename(linked)
    _remember(state, node, [fingerprint(each) for each in archives])
    unfinished.rename(root)


def load(state: State, archives: t.Sequence[Path]) -> None:
    """Import into every node; they are remembered, for nodes that are added later."""
    lab = settings.read(state)
    if not lab.nodes:
        raise LabError("The lab is not running.", "Start it: up")
    known = [Path(archive) for archive in lab.loaded if archive not in map(str, archives)]
    wanted = [*(archive for archive in known if archive.exists()), *archives]
    ensure(state, [addresses.node(number).name for number in range(1, lab.nodes + 1)], wanted)
    settings.change(state, loaded=[str(archive) for archive in wanted])


def ensure(state: State, nodes: t.Sequence[str], archives: t.Sequence[Path]) -> None:
    """Import into the running nodes what they have not got yet, all nodes side by side."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: _ensure(state, node, archives), nodes))


def _ensure(state: State, node: str, archives: t.Sequence[Path]) -> None:
    for archive in archives:
        mark, known = fingerprint(archive), _remembered(state, node)
        if mark not in known:
            _import(state, node, archive)
            _remember(state, node, [*known, mark])


def _import(state: State, node: str, archive: Path) -> None:
    socket = state.containerd_socket(node)
    ctr = ("ctr", "--address", socket, "--namespace", "k8s.io")
    waiting.until(lambda: shell.succeeds(*ctr, "version"), f"containerd of '{node}'", 30)
    shell.run(*ctr, "images", "import", archive, timeout=600)


def _remembered(state: State, node: str) -> list[str]:
    file = state.machine(node) / "images.json"
    return t.cast("list[str]", json.loads(file.read_text())) if file.exists() else []


def _remember(state: State, node: str, marks: t.Sequence[str]) -> None:
    files.write_json(state.machine(node) / "images.json", list(marks))
