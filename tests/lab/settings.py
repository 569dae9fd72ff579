# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the running lab was made with, kept beside it for the next command."""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict, dataclass, field, replace

from . import files

if t.TYPE_CHECKING:
    from .paths import State


@dataclass(frozen=True)
class Settings:
    """``programs``: the folder with kubectl; ``addons``: digest of what was applied; ``loaded``: image archives."""

    nodes: int = 0
    programs: str = ""
    addons: str = ""
    extras: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)  # kernel modules that were not there before


def read(state: State) -> Settings:
    """The lab's settings, the defaults where there is no lab."""
    try:
        return Settings(**json.loads(state.settings.read_text()))
    except FileNotFoundError:
        return Settings()


def change(state: State, **values: t.Any) -> Settings:
    """Set some of them; the file is replaced as a whole."""
    changed = replace(read(state), **values)
    files.write_json(state.settings, asdict(changed))
    return changed
