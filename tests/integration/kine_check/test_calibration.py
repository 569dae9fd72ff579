# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kine_check is right about every fault, and docs/calibration.md tells what real kine did with it in this run."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks import CHECKS
from tests.integration.kine_check import calibration
from tests.integration.kine_check.faults import FAULTS, Fault

if t.TYPE_CHECKING:
    from tests.integration.kine_check.calibration import Outcome

# No row can be made: every PostgreSQL that Debian has here is one that kine is tested with, and no proxy that splits
# reads from writes is there. test_faults*.py stand in for both.
WITHOUT_A_FAULT = {"version", "read_your_writes"}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """Try every fault once."""
    with calibration.place() as where:
        return {outcome.fault.id: outcome for outcome in calibration.calibrate(where)}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault_is_named_by_its_own_check_and_no_other_fails(outcomes: dict[str, Outcome], fault: Fault) -> None:
    outcome = outcomes[fault.id]
    assert calibration.is_named(outcome), outcome.report.text()


def test_page_tells_what_was_seen(outcomes: dict[str, Outcome]) -> None:
    seen = calibration.page(outcomes.values()).splitlines()
    told = calibration.PAGE.read_text().splitlines()
    changed = [line for line in seen if line not in told]
    assert not changed, "see why, then make calibration"
    assert seen == told


def test_fit_databases_are_fit_for_kine_too(outcomes: dict[str, Outcome]) -> None:
    fit = [outcome for outcome in outcomes.values() if not outcome.fault.check]
    assert {outcome.behaviour for outcome in fit} == {"works"}


def test_every_check_has_a_fault() -> None:
    checks = {check.id for check in CHECKS if "postgres" in check.databases}
    assert checks - {fault.check for fault in FAULTS} == WITHOUT_A_FAULT
