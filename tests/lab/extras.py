# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab has only when it is asked for, with ``up --with NAME``: further operators, which take minutes to compile."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from . import cloudnativepg, mariadb

if t.TYPE_CHECKING:
    from pathlib import Path

    from .artifacts import Artifacts
    from .images import Recipe
    from .programs import Module, Source

ALL = "all"


@dataclass(frozen=True)
class Extra:
    """`recipes`: its images; `variables`: playbook variables, which may name files that it writes to the folder given."""

    module: Module
    recipes: t.Callable[[t.Mapping[str, Source]], list[Recipe]]
    variables: t.Callable[[Artifacts, Path], dict[str, t.Any]]


EXTRAS = {
    "cloudnativepg": Extra(cloudnativepg.MODULE, cloudnativepg.recipes, cloudnativepg.variables),
    "mariadb": Extra(mariadb.MODULE, mariadb.recipes, mariadb.variables),
}


def wanted(has: t.Iterable[str], asked: t.Iterable[str]) -> list[str]:
    """The extras for a lab that `has` some, when others are `asked` for: it loses none but what this version lacks."""
    return [name for name in EXTRAS if name in {*has, *asked} or ALL in asked]
