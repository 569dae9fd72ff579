# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured and how it is judged: inserts alone and side by side, and a long list."""

from __future__ import annotations

import itertools
import time

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_latency
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Slots
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.histogram import histogram
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Latency
from tests.unit.module_utils.kine.standin import MemoryScratch, StandIn, look_at

judge, percentile = rules_latency.judge_latency, rules_latency.percentile
STEPS = [(24.9, "ok"), (60.0, "ok"), (100.0, "ok"), (100.1, "warn"), (1000.0, "warn"), (1000.1, "warn")]


@pytest.mark.parametrize(("p99", "status"), STEPS)
def test_latency_is_judged_by_p99(p99: float, status: str) -> None:
    assert judge(Latency(100, 1.0, p99)).status == status
    assert judge(Latency(100, 1.0, 1.0, 10, 1.0, p99)).status == status


@pytest.mark.parametrize(
    ("times", "status"),
    [
        ([1000.1], "fail"),
        ([1.0, 1.0, 1000.1], "warn"),
        ([1.0, 1.0, 1.0, 1000.1, 1000.1], "fail"),
        ([1.0, 1.0, 1.0, 1000.0, 1000.0], "warn"),
    ],
)
def test_one_hiccup_is_a_warning_and_a_habit_is_unfit(times: list[float], status: str) -> None:
    ordered = sorted(times)
    latency = Latency(len(times), percentile(ordered, 50), percentile(ordered, 99), histogram=histogram(times))
    assert judge(latency).status == status


@pytest.mark.parametrize(("median", "status"), [(1000.0, "warn"), (1000.1, "fail")])
def test_several_writers_are_judged_by_what_half_of_them_feel(median: float, status: str) -> None:
    assert judge(Latency(100, 1.0, 1.0, 10, median, 2000.0)).status == status


@pytest.mark.parametrize(("list_ms", "status"), [(999.0, "ok"), (1000.1, "warn"), (99_999.0, "warn")])
def test_a_slow_list_is_a_warning(list_ms: float, status: str) -> None:
    assert judge(Latency(100, 1.0, 1.0, listed=10_000, list_ms=list_ms)).status == status


@pytest.mark.parametrize(("listed", "status"), [(2500, "warn"), (5000, "ok")])
def test_a_list_is_judged_by_its_length(listed: int, status: str) -> None:
    assert judge(Latency(100, 1.0, 1.0, listed=listed, list_ms=400.0)).status == status


def test_a_slow_server_is_not_filled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_latency, "FILL_SECONDS", -1)
    look = look_at(StandIn(), Plan(samples=1))
    rules_latency.database_is_quick(look)
    assert look.latency.listed == 2500


def test_everything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_latency, "FILL_SECONDS", 60)
    look = look_at(StandIn(), Plan(samples=20))
    finding = rules_latency.database_is_quick(look)
    assert finding.status == "ok"
    assert (look.latency.samples, look.latency.writers, look.latency.listed) == (20, 10, 10_000)
    assert 0 < look.latency.p50_ms <= look.latency.p99_ms
    assert 0 < look.latency.together_p50_ms <= look.latency.together_p99_ms
    assert look.latency.list_ms > 0
    assert "10 writers" in finding.observed
    assert "10000 keys" in finding.observed


@pytest.mark.parametrize(
    ("room", "writers"),
    [
        (Slots(100, 3, 0, -1), 10),
        (Slots(100, 3, 73, -1), 6),
        (Slots(100, 3, 0, 20), 5),
        (Slots(100, 3, 0, 2), 0),
        (Slots(100, 3, 99, -1), 0),
        (Forbidden("permission denied"), 0),
    ],
)
def test_writers_leave_slots_to_others(room: Slots | Exception, writers: int) -> None:
    look = look_at(StandIn(room=room), Plan(samples=1))
    finding = rules_latency.database_is_quick(look)
    assert look.latency.writers == writers
    assert ("at once" in finding.observed) == (writers > 0)


@pytest.mark.parametrize(("samples", "timed"), [(3, 3), (100, 10)])
def test_where_the_server_was_measured_only_few_single_inserts_are_timed(samples: int, timed: int) -> None:
    look = look_at(StandIn(), Plan(samples=samples, thorough=False))
    assert rules_latency.database_is_quick(look).status == "ok"
    assert (look.latency.samples, look.latency.writers, look.latency.listed) == (timed, 0, 0)


def test_as_many_writers_as_there_are_connections() -> None:
    memory = MemoryScratch()
    memory.more = 3
    look = look_at(StandIn(memory=memory), Plan(samples=1))
    rules_latency.database_is_quick(look)
    assert look.latency.writers == 4


def test_sampling_ends_early_on_a_slow_database(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0, 2)
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    memory = MemoryScratch()
    look = look_at(StandIn(memory=memory), Plan(samples=100))
    assert rules_latency.database_is_quick(look).status == "fail"
    assert look.latency == Latency(3, 2000.0, 2000.0, histogram=histogram([2000.0] * 3))
    assert len(memory.rows) == 4, "a stalled database was made to do even more"


@pytest.mark.parametrize(("percent", "expected"), [(50, 50.0), (99, 99.0), (100, 100.0), (1, 1.0)])
def test_percentile(percent: int, expected: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], percent) == expected
    assert percentile([7.0], percent) == 7.0
