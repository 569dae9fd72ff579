# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of ``make drill`` and its page."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.lab.extras import EXTRAS
from tools import drill_record
from tools.common import ROOT
from tools.drill import DATASTORES
from tools.drill_record import FAULTS, Run, keep, page, recorded, table


def certificate(gap: float, *, lost: int = 0, allowed: float = 10.0) -> dict[str, t.Any]:
    measures = {
        "acknowledged": 100,
        "failed": 1,
        "unknown": 2,
        "writes_twice": 3,
        "write_gap": gap,
        "read_gap": gap + 1,
        "watch_gap": gap + 2,
        "loss_bound": 0.03,
    }
    rules = [{"id": "lost", "ok": not lost, "count": lost}, {"id": "stale", "ok": True, "count": 0}]
    return {"when": "2026-12-01T09:00:00Z", "passed": not lost and gap <= allowed, "measures": measures, "rules": rules}


def run(fault: str, gap: float, *, lost: int = 0, datastore: str = "zalando", retries: int = 0) -> Run:
    return drill_record.run(certificate(gap, lost=lost), fault=fault, datastore=datastore, retries=retries, load=5.0)


def test_runs_of_a_fault_are_one_row() -> None:
    runs = [run("primary_killed", gap) for gap in (3.0, 1.0, 2.0, 9.5)]
    _header, _line, killed, lost = table([run("node_lost", 60.0, lost=7), *runs])
    assert killed == (
        "| `primary_killed` | 4 | 4 | 400 | 0 | 4 | 8 | 12 | 2.0 / 9.5 / 9.5 | 10 "
        "| 3.0 / 10.5 / 10.5 | 4.0 / 11.5 / 11.5 | 5.0 / 5.0 / 5.0 |"
    )
    assert lost == (
        "| `node_lost` | 1 | 0 | 100 | 7 | 1 | 2 | 3 | 60.0 / 60.0 / 60.0 | 25 "
        "| 61.0 / 61.0 / 61.0 | 62.0 / 62.0 / 62.0 | 5.0 / 5.0 / 5.0 |"
    )


def test_each_datastore_and_kind_of_client_has_its_own_table() -> None:
    runs = [run("switchover", 1.0), run("primary_deleted", 2.0, datastore="mariadb"), run("switchover", 3.0, retries=1)]
    runs += [{**run("switchover", 4.0), "domain": "cluster.local"}, {**run("switchover", 5.0), "domain": ""}]
    runs += [{**run("switchover", 6.0), "dns": "same-node"}, {**run("switchover", 7.0), "dns": "any"}]
    runs += [{**run("switchover", 8.0), "spec": {"patroni": {"ttl": 30}}}, {**run("switchover", 9.0), "spec": {}}]
    titles = [line for line in page(runs).splitlines() if line.startswith("## ")]
    assert titles == [
        "## mariadb, clients that never try again",
        "## zalando, clients that never try again",
        "## zalando, clients that try once more",
        "## zalando, by its whole name, clients that never try again",
        "## zalando, DNS of the same node, clients that never try again",
        '## zalando with `{"patroni": {"ttl": 30}}`, clients that never try again',
    ]


def test_runs_with_earlier_defaults_are_told_apart() -> None:
    before = {**run("switchover", 1.0), "when": "2026-11-28T23:00:00Z"}
    told = page([run("switchover", 2.0), before])
    today, _title, earlier = told.partition("## With earlier defaults")
    assert "| `switchover` | 1 | 1 | 100 | 0 | 1 | 2 | 3 | 2.0 " in today
    assert "### zalando, clients that never try again" in earlier
    assert "| `switchover` | 1 | 1 | 100 | 0 | 1 | 2 | 3 | 1.0 " in earlier
    assert "With earlier defaults" not in page([run("switchover", 2.0)])


@pytest.mark.parametrize(("fault", "earlier"), [("switchover", False), ("node_lost", True), ("node_partitioned", True)])
def test_what_was_mended_for_lost_nodes_alone_lets_other_runs_be(fault: str, earlier: bool) -> None:
    before = {**run(fault, 1.0), "when": "2026-11-29T19:53:44+00:00"}
    assert ("With earlier defaults" in page([before])) is earlier


def test_the_page_hides_nothing() -> None:
    aborted = {"when": "2026-11-28T10:00:00Z", "fault": "primary_hung", "datastore": "zalando", "retries": 0}
    told = page([run("primary_hung", 20.0, lost=2), run("primary_hung", 20.0), aborted])
    assert "2 of 200 acknowledged writes lost in 2 runs." in told
    assert "Rules that were broken: `lost` by `primary_hung`." in told
    assert "`primary_hung` of 2026-11-28T10:00:00Z ended without a certificate." in told


def test_what_is_measured_is_added_to_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill_record, "RUNS", tmp_path / "drill" / "runs.jsonl")
    monkeypatch.setattr(drill_record, "PAGE", tmp_path / "page.md")
    first, second = run("switchover", 1.0), run("switchover", 2.0)
    keep(first)
    keep(second)
    assert recorded() == [first, second]
    assert (tmp_path / "page.md").read_text() == page([first, second])


def test_the_page_is_what_the_record_says() -> None:
    assert drill_record.PAGE.read_text() == page(recorded())


def test_what_needs_somebody_else_is_not_drilled_by_itself() -> None:
    assert "primary_hung" in FAULTS
    assert not {"none", "command"} & {*FAULTS}


@pytest.mark.parametrize("name", DATASTORES)
def test_a_datastore_has_an_example_and_no_fault_that_nobody_knows(name: str) -> None:
    chosen = DATASTORES[name]
    assert (ROOT / "docs" / "examples" / f"{chosen.example}.yml").is_file()
    assert {*chosen.impossible} < {*FAULTS}
    assert chosen.extra in ("", *EXTRAS)
