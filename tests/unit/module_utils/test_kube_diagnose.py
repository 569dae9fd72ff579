# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which container is to blame, and how its state reads."""

from __future__ import annotations

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_diagnose import container_state, failing_container

DONE = {"name": "init", "state": {"terminated": {"exitCode": 0}}}
STUCK = {"name": "init2", "state": {"running": {}}}
READY = {"name": "main", "ready": True, "state": {"running": {}}}
CRASHED = {"name": "side", "ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 4}


@pytest.mark.parametrize(
    ("init", "main", "name"),
    [
        ([DONE, STUCK], [CRASHED], "init2"),
        ([DONE], [READY, CRASHED], "side"),
        ([DONE], [READY], None),
        ([], [], None),
    ],
)
def test_the_failing_container(init: list[Object], main: list[Object], name: str | None) -> None:
    found = failing_container({"initContainerStatuses": init, "containerStatuses": main})
    assert (found or {}).get("name") == name


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (CRASHED, "waiting (CrashLoopBackOff), 4 restarts"),
        ({"state": {"running": {"startedAt": "x"}}}, "running, not ready"),
        ({}, "not started, not ready"),
        ({"state": {"terminated": {"reason": "Error", "message": "at postgres://u:hunter2@h/d"}}}, None),
    ],
)
def test_container_state(entry: Object, text: str | None) -> None:
    shown = container_state(entry)
    assert "hunter2" not in shown
    if text:
        assert shown == text
