# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in kine's own table: whose it is, whether ids go on, whether compaction keeps up."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine import rules_data
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Contents, Counter
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import is_known, uid_in
from tests.unit.module_utils.kine.standin import CONTENTS, StandIn, look_at

UID = CONTENTS.cluster_uid
EMPTY = replace(CONTENTS, keys=False, cluster_uid="")
FOREIGN = replace(CONTENTS, foreign=("/bootstrap/1",))


@pytest.mark.parametrize(
    ("contents", "expect", "uid", "status", "words"),
    [
        (None, "any", "", "ok", "no data"),
        (None, "empty", UID, "ok", "no data"),
        (None, "existing", "", "fail", "no data"),
        (EMPTY, "any", UID, "ok", "no data"),
        (EMPTY, "empty", "", "ok", "no data"),
        (EMPTY, "existing", "", "fail", "no data"),
        (CONTENTS, "any", "", "ok", UID),
        (CONTENTS, "any", UID, "ok", UID),
        (CONTENTS, "any", "another", "fail", UID),
        (CONTENTS, "existing", "another", "fail", UID),
        (CONTENTS, "existing", "", "ok", UID),
        (CONTENTS, "empty", "", "fail", UID),
        (CONTENTS, "empty", UID, "fail", UID),
        (replace(CONTENTS, cluster_uid=""), "any", "", "ok", "without namespace kube-system"),
        (FOREIGN, "any", "", "warn", "/bootstrap/1"),
        (FOREIGN, "existing", "", "fail", "/bootstrap/1"),
        (replace(EMPTY, foreign=("x",)), "empty", "", "fail", "x"),
    ],
)
def test_data(contents: Contents | None, expect: t.Any, uid: str, status: str, words: str) -> None:
    finding = rules_data.data_is_expected(look_at(StandIn(rows=contents), Plan(expect=expect, cluster_uid=uid)))
    assert (finding.status, words in finding.observed) == (status, True)
    assert bool(finding.remedy) == (status != "ok")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("/registry/pods/a/b", True),
        ("/registry/health", True),
        ("compact_rev_key", True),
        ("compact_rev_key_apiserver", True),
        ("gap-17", True),
        ("gap-x", False),
        ("gap-", False),
        ("/registry", False),
        ("/bootstrap/x", False),
        ("", False),
    ],
)
def test_known_names(name: str, known: bool) -> None:
    assert is_known(name) is known


@pytest.mark.parametrize(
    ("value", "uid"),
    [
        (None, ""),
        (b"", ""),
        (b"k8s\x00\x12\x02v1*$" + UID.encode() + b"2\x008\x00", UID),
        (b'{"metadata":{"uid":"' + UID.encode() + b'"}}', UID),
        (b"0b1c2d3e-0000-4000-8000", ""),
    ],
)
def test_uid(value: bytes | None, uid: str) -> None:
    assert uid_in(value) == uid


INT4 = 2**31 - 1
BIG = 2**63 - 1


@pytest.mark.parametrize(
    ("counter", "status", "words"),
    [
        (Counter(0, 0, BIG), "ok", "100% left"),
        (Counter(7, 7, BIG), "ok", "at 7"),
        (Counter(39, 7, BIG), "ok", "at 39"),
        (Counter(6, 7, BIG), "fail", "at 6, but the newest id is 7"),
        (Counter(INT4 // 2, 7, INT4), "ok", "50% left"),
        (Counter(int(INT4 * 0.81), 7, INT4), "warn", "19% left"),
        (Counter(int(INT4 * 0.985), 7, INT4), "fail", "1.5% left"),
        (Counter(INT4, INT4, INT4), "fail", "0.0% left"),
        (None, "skipped", "do not come from a counter"),
    ],
)
def test_numbers(counter: Counter | None, status: str, words: str) -> None:
    finding = rules_data.numbers_go_on(look_at(StandIn(numbers=counter)))
    assert (finding.status, words in finding.observed) == (status, True)


@pytest.mark.parametrize(("limit", "words"), [(INT4, "KINE_SCHEMA_MIGRATION"), (BIG, "backup and restore")])
def test_numbers_run_out(limit: int, words: str) -> None:
    assert words in rules_data.numbers_go_on(look_at(StandIn(numbers=Counter(limit, limit, limit)))).remedy


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({}, "ok", "1000 revisions"),
        ({"compacted": None, "newest": 100_000}, "ok", "100000 revisions"),
        ({"compacted": None, "newest": 100_001}, "warn", "100001 revisions since"),
        ({"compacted": 50_000, "newest": 150_001}, "warn", "100001 revisions since"),
        ({"busiest_rows": 5000}, "ok", ""),
        ({"busiest_rows": 5001}, "warn", f"5001 rows of {CONTENTS.busiest}"),
        ({"size": 8 * 2**30}, "ok", "8192 MiB"),
        ({"size": 9 * 2**30}, "warn", "9.0 GiB"),
    ],
)
def test_compaction_keeps_up(changes: dict[str, t.Any], status: str, words: str) -> None:
    finding = rules_data.compaction_keeps_up(look_at(StandIn(rows=replace(CONTENTS, **changes))))
    assert (finding.status, words in finding.observed) == (status, True)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({}, "ok", "3 of the newest 2000"),
        ({"gaps": 200}, "ok", "200 of"),
        ({"gaps": 201}, "warn", "201 of"),
        ({"gaps": 150, "scanned": 199}, "ok", "150 of"),
        ({"gaps": 0, "scanned": 0}, "ok", "0 of"),
        ({"compact_rows": 0}, "ok", ""),
        ({"compact_rows": 2}, "fail", "2 rows compact_rev_key"),
        ({"compact_rows": 2, "gaps": 201}, "fail", "2 rows compact_rev_key"),
    ],
)
def test_gaps(changes: dict[str, t.Any], status: str, words: str) -> None:
    finding = rules_data.gaps_are_rare(look_at(StandIn(rows=replace(CONTENTS, **changes))))
    assert (finding.status, words in finding.observed) == (status, True)


@pytest.mark.parametrize("rule", [rules_data.numbers_go_on, rules_data.compaction_keeps_up, rules_data.gaps_are_rare])
def test_no_table_is_fine(rule: t.Callable[[t.Any], t.Any]) -> None:
    finding = rule(look_at(StandIn(kine=None, rows=None)))
    assert finding.status == "ok"
    assert "no table yet" in finding.observed
