# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a writer does, one step after the other. Pure, and the same at every run.

Each fourth object is changed once and each eighth is deleted. The others stay as they are, so that a reader may expect them.
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import Verb

LABEL = "k0smotron.ha/drill"


class Step(t.NamedTuple):
    """One write to be tried; value is None for a deletion."""

    verb: Verb
    key: str
    value: str | None


def steps(writer: int, round_number: int) -> list[Step]:
    """The steps of a round: one object made, and what its number asks for, in order. Whatever fails ends an object's steps."""
    key = f"w{writer}-{round_number}"
    found = [Step("create", key, f"{key}.1")]
    if round_number % 4 == 3:
        found.append(Step("update", key, f"{key}.2"))
    if round_number % 8 == 7:
        found.append(Step("delete", key, None))
    return found


def stays(key: str) -> bool:
    """Whether nobody changes or deletes this object once it is made."""
    return int(key.rpartition("-")[2]) % 4 != 3


def is_ours(key: str) -> bool:
    """Whether a writer made this object: kube-root-ca.crt comes into every namespace by itself."""
    return key.startswith("w") and key.rpartition("-")[2].isdecimal()
