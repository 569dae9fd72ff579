# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a module writes its page for people: a file on the host that runs the task, replaced as a whole."""

from __future__ import annotations

import os
import tempfile
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, InvalidInput, NotFound

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

MODE = "0644"  # it holds no secret, and is made to be passed on


def refuse(path: str) -> None:
    """Raise HaError for a path that no report can be written to, before the work that it is about."""
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        raise InvalidInput(f"{path} is a folder", "Name a file in report.")
    if not os.path.isdir(folder):
        raise NotFound(f"The folder of {path} does not exist", "Create it, or name another file in report.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Forbidden(f"{folder} may not be written to", "Name a file elsewhere in report, or run as another user.")


def write(module: AnsibleModule, path: str, page: str) -> None:
    """Write the page; who reads the file sees the one before or the new one, never half of one."""
    descriptor, temporary = tempfile.mkstemp(dir=module.tmpdir, suffix=".html")
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(page)
    module.atomic_move(temporary, os.path.abspath(path))
    module.set_mode_if_different(path, MODE, changed=False)
