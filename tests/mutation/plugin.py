# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin: one check of kine_check is broken for the whole run, as the environment says."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import typing as t
from dataclasses import replace

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks import Check
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examine import TABLES
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Finding

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look

VARIABLE = "KINE_CHECK_MUTANT"
Rule: t.TypeAlias = "t.Callable[[Look], Finding]"


def blind(rule: Rule) -> Rule:
    """Look, but find everything fine."""

    @functools.wraps(rule)
    def mutant(look: Look) -> Finding:
        with contextlib.suppress(HaError):
            rule(look)
        return Finding("ok", "all is well", "all is well")

    return mutant


def soft(rule: Rule) -> Rule:
    """Warn where it has to fail."""

    @functools.wraps(rule)
    def mutant(look: Look) -> Finding:
        try:
            finding = rule(look)
        except HaError as error:
            return Finding("warn", error.message, "", error.remedy)
        return replace(finding, status="warn") if finding.status == "fail" else finding

    return mutant


MUTATIONS: t.Final[t.Mapping[str, t.Callable[[Rule], Rule]]] = {"blind": blind, "soft": soft}


def rows() -> dict[str, Check]:
    """Return every row of every table of checks by id, after the databases that share it: ``postgres+mysql:dsn``."""
    found: list[Check] = []
    for table in TABLES.values():
        found += [check for check in table if check not in found]
    return {
        f"{'+'.join(name for name, table in TABLES.items() if check in table)}:{check.id}": check for check in found
    }


def databases(mutant: str) -> list[str]:
    """Return the databases whose check a mutant breaks."""
    return mutant.split(":")[0].split("+")


def mutants() -> list[str]:
    """Return the names of all mutants, a check and what is broken in it; one that only warns cannot be softer."""
    return [
        f"{row}:{mutation}"
        for row, check in rows().items()
        for mutation in MUTATIONS
        if not (mutation == "soft" and check.severity == "warn")
    ]


def pytest_configure() -> None:
    """Break the check before any test sees it, where tests call it and in the table."""
    row, mutation = os.environ[VARIABLE].rsplit(":", 1)
    check = rows()[row]
    broken = MUTATIONS[mutation](check.function)
    setattr(sys.modules[check.function.__module__], check.function.__name__, broken)
    object.__setattr__(check, "function", broken)
