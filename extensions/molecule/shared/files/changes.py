# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed in a run, from Ansible's log: `changes.py LOG PLAY` prints {"tasks": [...], "objects": [...]} as JSON.

Looks at the last play whose name begins with PLAY and all after it. Objects are those that --diff shows, in order.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

LINE = re.compile(r"(?:TASK \[(?P<task>.+?)\] \*)|(?P<changed>changed: \[localhost)|(?:\+\+\+ after: (?P<object>.+))")


def changes(log: str, play: str) -> dict[str, list[str]]:
    """The names of changed tasks and of changed objects, each in the order of the run."""
    tasks, objects, current = [], [], ""
    for match in LINE.finditer(log[log.rindex(f"PLAY [{play}") :]):
        current = match["task"] or current
        if match["changed"]:
            tasks.append(current)
        if match["object"]:
            objects.append(match["object"].strip())
    return {"tasks": tasks, "objects": objects}


if __name__ == "__main__":
    print(json.dumps(changes(Path(sys.argv[1]).read_text(encoding="utf-8"), sys.argv[2])))
