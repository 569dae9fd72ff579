# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker of a hosted control plane: containerd and kubelet on a machine that knows nothing but a join token.

It stands in for `k0s worker`, which does the same with the token: kubelet asks the hosted API for a certificate as the
bootstrap user that the token names. Without konnectivity and kube-proxy, its pods run and talk to each other, no more.
"""

from __future__ import annotations

import base64
import binascii
import json
import shutil
import typing as t
import zlib
from pathlib import Path

from . import addresses, artifacts, files, machine, network, node, nodeimages, settings, shell, teardown, waiting
from .errors import LabError
from .images import PAUSE
from .machine import Machine

if t.TYPE_CHECKING:
    from .paths import State
    from .progress import Progress

NAME = addresses.WORKER.name
SECONDS = 60
BOOTSTRAP = "bootstrap.kubeconfig"
KUBECONFIG = "kubelet.kubeconfig"  # kubelet writes it once it has a certificate of its own
GZIP = 31  # zlib's word for: gzip with its header
REMEDY = "See: lab logs kubelet-w1."


def up(state: State, token_file: Path, progress: Progress) -> None:
    """Join, and wait until the hosted cluster says that the node is Ready. One that joined with this token stays."""
    lab = settings.read(state)
    if not lab.nodes:
        raise LabError("The lab is not running.", "Start it: up")
    try:
        access = unpack(token_file.read_text())
    except OSError as error:
        raise LabError(f"{token_file} cannot be read ({error.strerror}).") from error
    folder = state.machine(NAME)
    if not (folder / BOOTSTRAP).exists() or (folder / BOOTSTRAP).read_text() != access:
        down(state)
    with progress.step(f"worker {NAME}"):
        archive = artifacts.ensure(state.root, [], progress).images
        folder.mkdir(parents=True, exist_ok=True)
        files.write(folder / BOOTSTRAP, access, mode=0o600)
        nodeimages.seed(state, [NAME], [archive], progress)
        _configure(state)
        _machine(state).ensure()
        waiting.until((folder / KUBECONFIG).exists, "the certificate of the worker's kubelet", SECONDS, remedy=REMEDY)
        pods = waiting.until(lambda: _node(state)["spec"].get("podCIDR"), "the worker's pod addresses", SECONDS)
        files.write_json(folder / "cni" / "10-lab.conflist", node.cni_config(pods, masquerade=True))
        waiting.until(lambda: _ready(_node(state)), "the worker to be Ready", SECONDS, remedy=REMEDY)


def restart(state: State) -> None:
    """Switch the worker on again, if there is one."""
    if (state.machine(NAME) / KUBECONFIG).exists():
        _machine(state).ensure()


def down(state: State) -> None:
    """Take the worker away with all that it has; its Node object is the hosted cluster's."""
    machine.switch_off(state, NAME)
    network.unplug(addresses.WORKER.link)
    teardown.remove_folder(state, NAME)


def machines(state: State) -> dict[str, str]:
    """The worker's machine and its address, if there is one."""
    return {NAME: addresses.WORKER.address} if state.machine(NAME).exists() else {}


def unpack(token: str) -> str:
    """The kubeconfig in a token as k0s packs it. Raises LabError, without a word of what was in it."""
    try:
        return zlib.decompress(base64.b64decode(token.strip(), validate=True), GZIP).decode()
    except (binascii.Error, zlib.error, ValueError):
        raise LabError("This is no join token: it is not a gzipped text in base64.") from None


def _configure(state: State) -> None:
    folder = state.machine(NAME)
    (folder / "cni").mkdir(
        exist_ok=True
    )  # it stays empty until the hosted cluster has given the node addresses for pods
    files.write(folder / "ca.crt", _authority(state))
    files.write(folder / "resolv.conf", "")
    files.write(folder / "containerd.toml", node.containerd_config(folder, node.cni_folder(), PAUSE))
    certificates = {"serverTLSBootstrap": True, "rotateCertificates": True}
    files.write_json(folder / "kubelet.json", node.kubelet_config(folder, folder / "ca.crt", **certificates))


def _machine(state: State) -> Machine:
    folder, worker = state.machine(NAME), addresses.WORKER
    kubelet = [
        _program(state, "kubelet"),
        f"--config={folder}/kubelet.json",
        f"--bootstrap-kubeconfig={folder}/{BOOTSTRAP}",
        f"--kubeconfig={folder}/{KUBECONFIG}",
        f"--cert-dir={folder}/pki",
        f"--root-dir={folder}/kubelet",
        f"--hostname-override={NAME}",
        f"--node-ip={worker.address}",
    ]
    containerd = [shutil.which("containerd") or "containerd", f"--config={folder}/containerd.toml"]
    programs: dict[str, t.Sequence[object]] = {"containerd": containerd, "kubelet": kubelet}
    nodes = [addresses.node(number) for number in range(1, addresses.MOST_NODES + 1)]
    return Machine(state, NAME, programs, connect=lambda pid: network.join(worker.link, worker.address, nodes, pid))


def _authority(state: State) -> str:
    """The hosted cluster's certificate authority, which the token brings along."""
    view = json.loads(_kubectl(state, BOOTSTRAP, "config", "view", "--raw", "--output=json"))
    return base64.b64decode(view["clusters"][0]["cluster"]["certificate-authority-data"]).decode()


def _node(state: State) -> dict[str, t.Any]:
    """The worker's Node in the hosted cluster, asked with its own certificate."""
    return t.cast("dict[str, t.Any]", json.loads(_kubectl(state, KUBECONFIG, "get", "node", NAME, "--output=json")))


def _ready(found: dict[str, t.Any]) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in found["status"].get("conditions", []))


def _kubectl(state: State, access: str, *words: str) -> str:
    return shell.run(_program(state, "kubectl"), f"--kubeconfig={state.machine(NAME)}/{access}", *words, timeout=20)


def _program(state: State, name: str) -> Path:
    return Path(settings.read(state).programs) / name
