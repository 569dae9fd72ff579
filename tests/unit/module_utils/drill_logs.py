# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of drills for tests: clients that saw nothing but good, and what was found afterwards."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.drill import script
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import (
    Afterwards,
    Event,
    Log,
    Moment,
    Read,
    Watched,
    Write,
)

KINDS: t.Mapping[str, t.Literal["ADDED", "MODIFIED", "DELETED"]] = {
    "create": "ADDED",
    "update": "MODIFIED",
    "delete": "DELETED",
}


def calm(rounds: int = 10) -> tuple[Log, Afterwards]:
    """One writer, five writes a second, each done after a tenth; a reader and a watcher who saw all of it."""
    writes, events, reads = [], [], []
    objects: dict[str, str] = {}
    steps = [step for number in range(rounds) for step in script.steps(0, number)]
    for number, step in enumerate(steps):
        began, version = number / 5, 100 + number
        told = version if step.verb != "delete" else None
        writes.append(Write(step.verb, step.key, step.value, began, began + 0.1, "acknowledged", told))
        # An object that goes is told as it was last.
        said = step.value or objects[step.key]
        events.append(Event(began + 0.12, KINDS[step.verb], step.key, said, version))
        if step.value is None:
            del objects[step.key]
        else:
            objects[step.key] = step.value
        if script.stays(step.key):
            reads.append(Read(step.key, began + 0.11, began + 0.13, True))
    watchers, moments = [Watched("watcher 0", events)], [Moment(0.5, "primary db-0")]
    log = Log(writes, reads, watchers, moments, fault_at=1.0, calm_at=len(steps) / 5)
    return log, Afterwards(objects, [], [], ("a" * 64, "a" * 64), [])


def changed(log: Log, number: int, **fields: t.Any) -> None:
    """Write down another story of one write."""
    log.writes[number] = dataclasses.replace(log.writes[number], **fields)
