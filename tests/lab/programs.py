# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Go programs of the lab: which packages they are, and how they are built."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .errors import LabError

if t.TYPE_CHECKING:
    from .commands import Commands

GO = Path(__file__).parent / "go"


@dataclass(frozen=True)
class Module:
    """One go.mod: `programs` is our name of a program -> its package, `inputs` are the files that decide the result.

    `sources` are the modules among its requirements whose manifests and versions the lab reads, by a short name.
    """

    title: str
    folder: Path
    inputs: tuple[str, ...]
    programs: t.Mapping[str, str]
    sources: t.Mapping[str, str] = field(default_factory=dict)


# One module for all that can share Kubernetes' compiled packages; one `go build` for all programs of a module, so
# that its scheduler and package cache serve them together.
MODULES = (
    Module(
        "Go programs",
        GO,
        ("go.mod", "go.sum", "coredns", "pause"),
        {
            "coredns": "./coredns",
            "etcd": "go.etcd.io/etcd/server/v3",
            "k0smotron": "github.com/k0sproject/k0smotron/cmd",
            "kine": "github.com/k3s-io/kine",
            "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
            "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
            "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
            "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
            "kubectl": "k8s.io/kubernetes/cmd/kubectl",
            "kubelet": "k8s.io/kubernetes/cmd/kubelet",
            "metallb-controller": "go.universe.tf/metallb/controller",
            "metallb-speaker": "go.universe.tf/metallb/speaker",
            "pause": "./pause",
        },
        {
            "coredns": "github.com/coredns/coredns",
            "k0smotron": "github.com/k0sproject/k0smotron",
            "kubernetes": "k8s.io/kubernetes",
            "metallb": "go.universe.tf/metallb",
        },
    ),
    # Uses functions that client-go 0.34 no longer has.
    Module(
        "Zalando operator",
        GO / "zalando",
        ("go.mod", "go.sum"),
        {"postgres-operator": "github.com/zalando/postgres-operator/cmd"},
        {"postgres-operator": "github.com/zalando/postgres-operator"},
    ),
)


@dataclass(frozen=True)
class Source:
    """A Go module's unpacked folder (read-only) and its version, such as v1.34.4."""

    path: Path
    version: str


def go_version() -> str:
    """What `go version` prints; raises LabError without Go. Any Go since 1.21 fetches the one that go.mod names."""
    if not shutil.which("go"):
        raise LabError("The lab builds its programs from Go modules: install Go 1.21 or later.")
    return subprocess.run(["go", "version"], check=True, capture_output=True, text=True, cwd=GO).stdout


def flags(module: Module) -> list[str]:
    """Arguments of `go build`, the same for every module so that compiled packages are shared."""
    match = re.search(r"k8s\.io/kubernetes v(\d+)\.(\d+)\.\d+", (module.folder / "go.mod").read_text())
    names = ["-s", "-w"]
    if match:  # else the API server calls itself v0.0.0
        version, major, minor = match[0].split()[1], match[1], match[2]
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
            names += [
                f"-X {package}.gitVersion={version}",
                f"-X {package}.gitMajor={major}",
                f"-X {package}.gitMinor={minor}",
            ]
    # -s -w strips the debug information anyway: not even to make it, and GOGC below, save a fifth of the compile time.
    return ["-mod=readonly", "-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false", "-ldflags", " ".join(names)]


def build(module: Module, target: Path, commands: Commands, log: Path) -> None:
    """Compile all programs of `module` into the folder `target`."""
    commands.run(
        ["go", "build", *flags(module), "-o", f"{target}/", *module.programs.values()],
        log,
        cwd=module.folder,
        env=environment(),
    )
    for name, package in module.programs.items():
        (target / default_name(package)).rename(target / name)


def default_name(package: str) -> str:
    """What `go build` calls the program of `package`: its last element that is no major version."""
    elements = package.split("/")
    return elements[-2] if re.fullmatch(r"v\d+", elements[-1]) else elements[-1]


def environment() -> dict[str, str]:
    """The caller's environment without what would change the build.

    GOGC lets the compiler collect its garbage less often; a caller with little memory can set it lower.
    """
    return {"GOGC": "400", **os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}


def sources(modules: t.Sequence[Module]) -> dict[str, Source]:
    """The sources of `modules` by short name, downloaded where they are not there yet."""
    return {name: source for module in modules for name, source in _downloaded(module).items()}


def _downloaded(module: Module) -> dict[str, Source]:
    result = subprocess.run(
        ["go", "mod", "download", "-json", *module.sources.values()],
        cwd=module.folder,
        env=environment(),
        capture_output=True,
        check=False,
        text=True,
    )
    if result.returncode != 0:
        raise LabError(f"go mod download failed in {module.folder}: {result.stderr.strip() or result.stdout.strip()}")
    short = {path: name for name, path in module.sources.items()}
    found = {}
    decoder, text = json.JSONDecoder(), result.stdout.strip()
    while text:
        record, end = decoder.raw_decode(text)
        found[short[record["Path"]]] = Source(Path(record["Dir"]), record["Version"])
        text = text[end:].lstrip()
    return found
