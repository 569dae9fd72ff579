# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill measured, and the certificate made of it."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.drill import certificate, faults, oracle
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.measures import bound, measure, percentile
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import Lag
from tests.unit.module_utils import drill_pages
from tests.unit.module_utils.drill_logs import calm, changed

SUBJECT = {"control_plane": {"name": "a", "namespace": "ns"}, "datastore": {}, "fingerprint": "f"}


def issued(*, write_gap: float = 10.0, watch_gap: float | None = None, lose: bool = False) -> certificate.Certificate:
    log, afterwards = calm()
    changed(log, 2, outcome="unknown", version=None, error="TimeoutError: timed out", ended=log.writes[2].began + 10)
    if lose:
        afterwards.objects.pop("w0-1")  # type: ignore[attr-defined]  # a dict behind a Mapping
    return certificate.issue(
        subject=SUBJECT,
        fault=faults.fault("primary_killed"),
        actions=["kill it"],
        load={"writers": 1},
        findings=oracle.judge(log, afterwards),
        measures=measure(log),
        limits=certificate.Limits(write_gap, watch_gap),
        log=log,
        when="2026-01-01T00:00:00+00:00",
    )


def test_gaps_count_from_the_last_success_before_the_fault() -> None:
    log, _afterwards = calm()
    quiet = measure(log)
    assert quiet.write_gap == pytest.approx(0.2)
    assert (quiet.failed, quiet.unknown) == (0, 0)
    log.fault_at = 1.0  # a write was acknowledged at 0.9 s; the next two are not
    changed(log, 5, outcome="failed")
    changed(log, 6, outcome="unknown")
    seen = measure(log)
    assert seen.write_gap == pytest.approx(0.6)
    assert seen.write_back == pytest.approx(0.5)
    assert (seen.acknowledged, seen.failed, seen.unknown) == (quiet.acknowledged - 2, 1, 1)


def test_requests_tried_twice_are_counted() -> None:
    log, _afterwards = calm()
    assert (measure(log).writes_twice, measure(log).reads_twice) == (0, 0)
    changed(log, 5, tries=2)
    changed(log, 6, tries=2, outcome="unknown")
    log.reads[0] = dataclasses.replace(log.reads[0], tries=2)
    assert (measure(log).writes_twice, measure(log).reads_twice) == (2, 1)


def test_nothing_after_the_fault_is_a_gap_to_the_end() -> None:
    log, _afterwards = calm()
    for number in range(5, len(log.writes)):
        changed(log, number, outcome="failed")
    seen = measure(log)
    assert seen.write_gap == pytest.approx(log.calm_at - 0.9)
    assert seen.write_back is None


def test_what_was_before_the_fault_is_no_gap() -> None:
    log, _afterwards = calm()
    changed(log, 1, outcome="failed")
    changed(log, 2, outcome="failed")
    assert measure(log).write_gap == pytest.approx(0.2)


def test_nobody_who_reads_sees_no_gap() -> None:
    log, _afterwards = calm()
    log.reads.clear()
    seen = measure(log)
    assert (seen.read_gap, seen.read_back) == (0.0, None)


def test_the_slowest_watcher_counts() -> None:
    log, _afterwards = calm()
    lag = measure(log).watch_lag
    late = log.watchers[0].events[-1]
    log.watchers[0].events[-1] = type(late)(late.at + 0.05, late.kind, late.key, late.value, late.version)
    assert measure(log).watch_lag == pytest.approx(lag + 0.05)


@pytest.mark.parametrize(("trials", "share"), [(0, None), (1, 0.95), (30, 0.0950), (3000, 0.000998)])
def test_none_of_so_many_rules_out_about_three_of_them(trials: int, share: float | None) -> None:
    assert bound(trials) == (None if share is None else pytest.approx(share, rel=0.01))


@pytest.mark.parametrize(("share", "value"), [(0.5, 2.0), (0.99, 4.0), (0.0, 1.0)])
def test_percentiles_are_values_that_were_seen(share: float, value: float) -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], share) == value
    assert percentile([], share) is None


def test_a_certificate_is_json_and_counts_every_write() -> None:
    found = json.loads(json.dumps(issued()))
    assert found["passed"]
    assert found["why_not"] == []
    seconds = found["timeline"]
    assert [second["second"] for second in seconds] == list(range(len(seconds)))
    outcomes = {name: sum(second[name] for second in seconds) for name in ("acknowledged", "failed", "unknown")}
    assert outcomes == {name: found["measures"][name] for name in outcomes}
    assert found["errors"] == [{"outcome": "unknown", "error": "TimeoutError: timed out", "count": 1}]
    assert max(second["slowest"] for second in seconds) == pytest.approx(10)
    assert certificate.headline(found).startswith("ns/a passed (the primary's server process is killed): ")


def test_the_standby_that_lacks_most_is_the_lag_of_a_second() -> None:
    log, afterwards = calm()
    log.lags += [Lag(1.2, {"db-1": 5, "db-2": 70}), Lag(1.9, {"db-1": 60, "db-2": 0}), Lag(2.5, {"db-1": 0})]
    seconds = drill_pages.issued(log, afterwards)["timeline"]
    assert [second["lag"] for second in seconds] == [None, 70, 0]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"write_gap": 0.1}, "the longest write gap was 0."),
        ({"watch_gap": 0.1}, "the longest watch gap was 0.2 s, and 0.1 s are allowed"),
        ({"lose": True}, "no acknowledged write is lost: 1 times not"),
    ],
)
def test_a_certificate_says_why_a_drill_did_not_pass(options: dict[str, t.Any], reason: str) -> None:
    found = issued(**options)
    assert not found["passed"]
    [why_not] = found["why_not"]
    assert why_not.startswith(reason)
    assert reason in certificate.headline(found)
