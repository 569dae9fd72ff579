# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container images of the lab, under the names that upstream's manifests ask for, so that these stay untouched.

All programs in them are the real ones. Two images are not upstream's own builds and carry the label `STAND_IN`:
the PostgreSQL image keeps Spilo's contract with Debian's packages, and the k0s image is k0s's command line around
the real kine and Kubernetes programs.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import oci, rootfs

if t.TYPE_CHECKING:
    from .programs import Source
    from .rootfs import Rootfs

FILES = Path(__file__).parent / "image_files"
STAND_IN = "k0smotron.ha.lab/stands-in-for"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PAUSE = "registry.k8s.io/pause:3.10"


@dataclass(frozen=True)
class Recipe:
    """What is in an image: `programs` (path -> Go program) and `files` (path -> file or folder below image_files/).

    `folders` are empty and open to all users. Below them lies a Debian root file system or nothing.
    """

    names: tuple[str, ...]
    programs: t.Mapping[str, str] = field(default_factory=dict)
    files: t.Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    root: Rootfs | None = None
    entrypoint: tuple[str, ...] = ()
    env: t.Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    stands_in_for: str = ""


def recipes(sources: t.Mapping[str, Source]) -> list[Recipe]:
    """The images to make; their tags follow the versions in go.mod."""
    version = {name: source.version for name, source in sources.items()}
    k0s = k0s_version(version["kubernetes"])
    return [
        _static(f"ghcr.io/zalando/postgres-operator:{version['postgres-operator']}", "postgres-operator"),
        _static(f"quay.io/metallb/controller:{version['metallb']}", "metallb-controller", "controller"),
        _static(f"quay.io/metallb/speaker:{version['metallb']}", "metallb-speaker", "speaker"),
        _static(coredns_name(sources), "coredns"),
        _static(PAUSE, "pause"),
        # Its manifest names the command /manager and refuses to run as root, so the image has to name a user.
        replace(_static(k0smotron_name(sources), "k0smotron", "manager"), user="65532"),
        Recipe(
            (spilo_name(sources["postgres-operator"].path),),
            files={"launch": "postgres/launch.py", "post_init": "postgres/post_init"},
            root=rootfs.SHARED,
            entrypoint=("/usr/bin/tini", "--", "/launch"),
            env={
                "PATH": f"{rootfs.POSTGRES_PROGRAMS}:{PATH}",
                "PATRONICTL_CONFIG_FILE": "/home/postgres/postgres.yml",
            },
            stands_in_for="Spilo",
        ),
        *(_k0s(each) for each in (k0s, next_k0s_version(version["kubernetes"]))),
    ]


K0S_PROGRAMS = ("kine", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")


def k0s_version(kubernetes: str) -> str:
    """The image tag of the k0s release for a Kubernetes version: k0smotron derives it from spec.version like this."""
    return f"{kubernetes}-k0s.0"


def next_k0s_version(kubernetes: str) -> str:
    """The same programs under the next release's tag, to upgrade to."""
    return f"{kubernetes}-k0s.1"


def _k0s(tag: str) -> Recipe:
    return Recipe(
        (f"quay.io/k0sproject/k0s:{tag}",),
        {f"usr/local/bin/{name}": name for name in K0S_PROGRAMS},
        files={
            "init": "k0s/init",
            "usr/local/bin/k0s": "k0s/k0s",
            "usr/local/lib/k0s_stand_in": "k0s/k0s_stand_in",
        },
        root=rootfs.SHARED,
        entrypoint=("/init",),
        env={"K0S_VERSION": tag.replace("-k0s.", "+k0s.")},
        stands_in_for="k0s",
    )


def coredns_name(sources: t.Mapping[str, Source]) -> str:
    """Full name of the CoreDNS image."""
    return f"registry.k8s.io/coredns/coredns:{sources['coredns'].version}"


def k0smotron_name(sources: t.Mapping[str, Source]) -> str:
    """Full name of the image of k0smotron's manager."""
    return f"quay.io/k0sproject/k0smotron:{sources['k0smotron'].version}"


def spilo_name(operator: Path) -> str:
    """The PostgreSQL image that the operator starts by default, from the manifests in its module folder."""
    text = (operator / "manifests" / "configmap.yaml").read_text()
    match = re.search(r"^\s+docker_image:\s*\"?([^\s\"]+)", text, re.MULTILINE)
    assert match, "the operator's default configuration names no docker_image"
    return match[1]


def build(
    target: Path,
    recipes: t.Sequence[Recipe],
    programs: t.Mapping[str, Path],
    roots: t.Mapping[Rootfs, Path],
    known: t.Collection[Rootfs],
) -> None:
    """Write the archive with the images of `recipes` to `target`.

    `roots` are the root file systems' tars; those that are `known` are in another archive, which nodes have before.
    """
    scratch = target.with_name("layers")
    scratch.mkdir()
    bases = {root: oci.layer(roots[root]) for root in {recipe.root for recipe in recipes if recipe.root}}
    images = [_image(recipe, programs, bases, scratch) for recipe in recipes]
    oci.write_archive(target, images, [layer for root, layer in bases.items() if root in known])
    for layer in scratch.iterdir():
        layer.unlink()
    scratch.rmdir()


def _image(
    recipe: Recipe, programs: t.Mapping[str, Path], bases: t.Mapping[Rootfs, oci.Layer], scratch: Path
) -> oci.Image:
    """Layers from what seldom changes to what often does: a node keeps those that it has."""
    stem = scratch / recipe.names[0].replace("/", "_")
    layers = [bases[recipe.root]] if recipe.root else []
    if recipe.programs:
        files: dict[str, Path | None] = {path: programs[name] for path, name in recipe.programs.items()}
        layers.append(oci.write_layer(stem.with_suffix(".programs"), files))
    if recipe.files or recipe.folders:
        own = {**_files(recipe), **dict.fromkeys(recipe.folders)}
        layers.append(oci.write_layer(stem.with_suffix(".files"), own))
    labels = {STAND_IN: recipe.stands_in_for} if recipe.stands_in_for else {}
    env = {"PATH": PATH, **recipe.env}
    return oci.Image(
        recipe.names, tuple(layers), entrypoint=recipe.entrypoint, user=recipe.user, env=env, labels=labels
    )


def _files(recipe: Recipe) -> dict[str, Path | None]:
    """Path in the image -> file, with the folders among `recipe.files` spelled out."""
    found: dict[str, Path | None] = {}
    for path, name in recipe.files.items():
        source = FILES / name
        for file in source.rglob("*.py") if source.is_dir() else [source]:
            found[(Path(path) / file.relative_to(source)).as_posix() if source.is_dir() else path] = file
    return found


def _static(name: str, program: str, path: str = "") -> Recipe:
    """An image of one statically linked program, which is its entrypoint."""
    return Recipe((name,), {path or program: program}, folders=("tmp",), entrypoint=(f"/{path or program}",))
