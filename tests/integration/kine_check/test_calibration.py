# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kine_check is right about every fault, and docs/calibration.md tells what real kine did with it in this run."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks import CHECKS
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks_mysql import MYSQL_CHECKS
from tests.integration.kine_check import calibration
from tests.integration.kine_check.calibration import SECTIONS
from tests.integration.kine_check.mysql_faults import CASE

if t.TYPE_CHECKING:
    from tests.integration.kine_check.calibration import Outcomes

# What kine_check says of each fault is in test_faults.py and beside it, too; here real kine says it as well, which takes minutes.
pytestmark = pytest.mark.matrix

CHECKS_OF = {"PostgreSQL": {check.id for check in CHECKS}, "MariaDB": {check.id for check in MYSQL_CHECKS}}
# What docs/calibration.md says of them is why.
WITHOUT_A_FAULT = {"PostgreSQL": set(), "MariaDB": {"ranges", "read_your_writes"}}
EACH = [(title, number) for title, section in SECTIONS.items() for number in range(len(section.faults))]


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    """Try every fault once."""
    return calibration.calibrate()


@pytest.mark.parametrize(
    ("title", "number"), EACH, ids=[f"{title}: {SECTIONS[title].faults[number].id}" for title, number in EACH]
)
def test_fault_is_named_by_its_own_check_and_no_other_fails(outcomes: Outcomes, title: str, number: int) -> None:
    outcome = outcomes[title][number]
    assert calibration.is_named(outcome), outcome.report.text()


def test_page_tells_what_was_seen(outcomes: Outcomes) -> None:
    seen = calibration.page(outcomes).splitlines()
    told = calibration.PAGE.read_text().splitlines()
    changed = [line for line in seen if line not in told]
    assert not changed, "see why, then make calibration"
    assert seen == told


@pytest.mark.parametrize("title", SECTIONS)
def test_fit_databases_are_fit_for_kine_too(outcomes: Outcomes, title: str) -> None:
    fit = {one.fault.id: one.behaviour for one in outcomes[title] if not one.fault.check}
    if title == "MariaDB":
        assert fit.pop("nothing: an empty database") == CASE  # in the table that kine itself makes
    assert set(fit.values()) == {"works"}


@pytest.mark.parametrize("title", SECTIONS)
def test_every_check_has_a_fault(title: str) -> None:
    assert CHECKS_OF[title] - {fault.check for fault in SECTIONS[title].faults} == WITHOUT_A_FAULT[title]
