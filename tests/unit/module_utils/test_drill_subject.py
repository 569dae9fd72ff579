# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How closely a drill looks at its control plane: at everything before it, and lightly while it waits."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_report
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_subject import Subject
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

SICK = {"up": False, "reason": "a replica remembers what is not there", "datastore": None}


@pytest.fixture
def subject() -> Subject:
    nothing: t.Any = None
    return Subject(nothing, {}, nothing, nothing, nothing, None, None)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    seen = []

    def record(_kube: t.Any, _cluster: t.Any, *, thorough: bool) -> dict[str, t.Any]:
        seen.append(thorough)
        return SICK

    monkeypatch.setattr(cluster_report, "record", record)
    return seen


def test_memories_are_asked_for_before_the_fault(subject: Subject, looks: list[bool]) -> None:
    with pytest.raises(InvalidInput, match="Nothing was disturbed, because the control plane is not up: a replica rem"):
        subject.require_fit()
    assert looks == [True]


def test_no_megabytes_are_read_while_a_drill_waits_for_recovery(subject: Subject, looks: list[bool]) -> None:
    assert not subject.up().up
    assert looks == [False]
