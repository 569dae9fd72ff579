# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core stays pure: no Ansible, no Kubernetes client, no network, no processes, no clock."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[3] / "plugins" / "module_utils"
PURE = [
    *(CORE / f"{name}.py" for name in ("errors", "k0s", "objects", "plan", "reserved_names", "verdict")),
    CORE / "managed" / "rules.py",
    *(path for folder in ("control_planes", "datastores", "dsn") for path in (CORE / folder).glob("*.py")),
]
OURS = "ansible_collections.k0smotron.ha.plugins.module_utils"
PURE_MODULES = {
    f"{OURS}.{'.'.join(path.relative_to(CORE).with_suffix('').parts).removesuffix('.__init__')}" for path in PURE
}
STANDARD = {
    "__future__",
    "abc",
    "base64",
    "binascii",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "hashlib",
    "ipaddress",
    "json",
    "re",
    "types",
    "typing",
    "urllib.parse",
    "zlib",
}


def imports(path: Path) -> t.Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == OURS:
            yield from (f"{OURS}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(CORE)))
def test_a_pure_module_imports_only_pure_modules(path: Path) -> None:
    allowed = STANDARD | PURE_MODULES | {"collections.abc"}
    assert set(imports(path)) - allowed == set()
