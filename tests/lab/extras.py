# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab has only when it is asked for, with ``up --with NAME``: operators that take minutes to compile, and more."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from . import cloudnativepg, cluster_api, elsewhere, mariadb

if t.TYPE_CHECKING:
    from pathlib import Path

    from .artifacts import Artifacts
    from .images import Recipe
    from .paths import State
    from .programs import Module, Source

ALL = "all"


@dataclass(frozen=True)
class Extra:
    """`variables`: playbook variables, which may name files that it writes to the folder given; `recipes`: images.

    `packages`: program -> Debian package; `addresses`: machine -> address of those beside the nodes; `start`: them.
    """

    variables: t.Callable[[Artifacts, Path], dict[str, t.Any]]
    module: Module | None = None
    recipes: t.Callable[[t.Mapping[str, Source]], list[Recipe]] = lambda _sources: []
    packages: t.Mapping[str, str] = field(default_factory=dict)
    addresses: t.Mapping[str, str] = field(default_factory=dict)
    start: t.Callable[[State], None] | None = None


EXTRAS = {
    "cloudnativepg": Extra(cloudnativepg.variables, cloudnativepg.MODULE, cloudnativepg.recipes),
    "cluster_api": Extra(cluster_api.variables, cluster_api.MODULE, cluster_api.recipes),
    "mariadb": Extra(mariadb.variables, mariadb.MODULE, mariadb.recipes),
    elsewhere.NAME: Extra(
        lambda _artifacts, folder: elsewhere.variables(folder),
        packages=elsewhere.PACKAGES,
        addresses=elsewhere.ADDRESSES,
        start=elsewhere.start,
    ),
}


def wanted(has: t.Iterable[str], asked: t.Iterable[str]) -> list[str]:
    """The extras for a lab that `has` some, when others are `asked` for: it loses none but what this version lacks."""
    return [name for name in EXTRAS if name in {*has, *asked} or ALL in asked]


def packages(names: t.Iterable[str]) -> dict[str, str]:
    """What the extras `names` run of Debian: program -> package."""
    return {program: package for name in names for program, package in EXTRAS[name].packages.items()}


def machines(names: t.Iterable[str]) -> dict[str, str]:
    """The machines of the extras `names`, and their addresses; a name of another version of the lab has none."""
    return {name: where for extra in names if extra in EXTRAS for name, where in EXTRAS[extra].addresses.items()}
