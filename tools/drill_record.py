# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``make drill`` measured, run by run, and the page that says what came of all of them."""

from __future__ import annotations

import json
import typing as t
from itertools import groupby

from ansible_collections.k0smotron.ha.plugins.module_utils.drill import faults
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.measures import percentile
from tools.common import ROOT

RUNS = ROOT / "tests" / "drill" / "runs.jsonl"
"""One run a line, in the order in which they were made."""
PAGE = ROOT / "docs" / "drill-measured.md"
DEFAULTS_SINCE = "2026-11-29"
"""The last day on which the roles began to set something that a failover depends on: commits in order, and
``target_session_attrs=read-write`` on the evening before. Runs before it say what other defaults do."""
NODE_DEFAULTS_SINCE = "2026-11-29T20:05"
"""When the roles began to set ``k0smotron_dns_timeout``, and the drill's clients to give up a connection after 2 s: neither
makes a difference where no node is lost."""
NODE_FAULTS: t.Mapping[str, str] = {"node_lost": "power", "node_partitioned": "cable"}
"""Faults of the lab alone, made by its ``outage``: what the node of the database's primary is without."""
FAULTS: t.Sequence[str] = (*(fault.id for fault in faults.FAULTS if fault.id not in ("none", "command")), *NODE_FAULTS)
_MEASURES = (
    "acknowledged",
    "failed",
    "unknown",
    "writes_twice",
    "write_gap",
    "read_gap",
    "watch_gap",
)
_COLUMNS = (
    "fault",
    "runs",
    "passed",
    "writes",
    "lost",
    "failed",
    "unknown",
    "tried twice",
    "write gap p50 / p99 / max",
    "allowed",
    "read gap p50 / p99 / max",
    "watch gap p50 / p99 / max",
    "load p50 / p99 / max",
)
_HEAD = """<!--
Copyright: (c) 2026, k0smotron.ha contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->

# What the drill measured

Written by `make drill` from `tests/drill/runs.jsonl`, which has a line for each run: when, of which commit, and how
busy the machine was. Each is a [drill](drill.md) on [the lab](lab.md), two processor cores for all of its nodes, with
20 writes a second to a control plane of three replicas. Gaps are in seconds between two successes; percentiles are by
nearest rank, so p99 of fewer than 100 runs is their maximum. The load is the machine's average of a minute before the
run. `node_lost` and `node_partitioned` take power or network
from the node that the primary is on, for 60 s, with all that runs there ([why they take longer than
a hang](runbooks.md#why-a-lost-node-hurts-longer)). What a section has no row of was not run with
its defaults.
"""
_EARLIER = f"""
## With earlier defaults

Before {DEFAULTS_SINCE} control planes were made without [commits in order](runbooks.md#a-replica-that-misses-an-object),
most of these without `target_session_attrs=read-write`, and those on CloudNativePG and MariaDB with a `connect_timeout` of 3 s.
Until {NODE_DEFAULTS_SINCE} (UTC) replicas waited 5 s for a DNS server on the lost node, and the drill's clients 10 s for a
connection to a replica there: that is in the gaps of `node_lost` and `node_partitioned` here. Which of the two counts was tried
on that evening on Zalando's operator: the last nine of these runs are four with the former mended, one with the latter, and four
with both.
"""

Certificate: t.TypeAlias = t.Mapping[str, t.Any]
Run: t.TypeAlias = dict[str, t.Any]


def run(certificate: Certificate, **about: t.Any) -> Run:
    """A line of the record: what the certificate measured, and what it does not know."""
    broken = [rule["id"] for rule in certificate["rules"] if not rule["ok"]]
    lost = next(rule["count"] for rule in certificate["rules"] if rule["id"] == "lost")
    measures = {name: certificate["measures"][name] for name in _MEASURES}
    return {
        "when": certificate["when"],
        **about,
        "passed": certificate["passed"],
        "broken": broken,
        "lost": lost,
        **measures,
    }


def keep(found: Run) -> None:
    """Add it to the record, and write the page anew."""
    RUNS.parent.mkdir(exist_ok=True)
    with RUNS.open("a", encoding="utf-8") as record:
        record.write(json.dumps(found) + "\n")
    PAGE.write_text(page(recorded()), encoding="utf-8")


def recorded() -> list[Run]:
    """All runs so far."""
    return [json.loads(line) for line in RUNS.read_text(encoding="utf-8").splitlines()]


def page(runs: t.Sequence[Run]) -> str:
    """Markdown, a table for each datastore and kind of client, today's defaults first."""
    today = [run for run in runs if _with_defaults(run)]
    before = [run for run in runs if not _with_defaults(run)]
    return _HEAD + _tables(today, "##") + (_EARLIER + _tables(before, "###") if before else "")


def _with_defaults(run: Run) -> bool:
    return bool(run["when"] >= (NODE_DEFAULTS_SINCE if run["fault"] in NODE_FAULTS else DEFAULTS_SINCE))


def _tables(runs: t.Sequence[Run], level: str) -> str:
    kinds = groupby(sorted(runs, key=_kind), key=_kind)
    return "".join(f"\n{level} {_title(*kind)}\n\n{_section([*of_it])}" for kind, of_it in kinds)


def _kind(run: Run) -> tuple[str, str, bool, bool, int]:
    spec = f" with `{json.dumps(run['spec'])}`" if run.get("spec") else ""
    return run["datastore"], spec, run.get("dns") == "same-node", bool(run.get("domain")), run["retries"]


def _title(datastore: str, spec: str, same_node: bool, whole_name: bool, retries: int) -> str:
    by = spec + (", by its whole name" if whole_name else "") + (", DNS of the same node" if same_node else "")
    return f"{datastore}{by}, clients that {'try once more' if retries else 'never try again'}"


def _section(runs: t.Sequence[Run]) -> str:
    measured = [run for run in runs if "passed" in run]
    lines = [*table(measured), "", *_sums(measured)]
    lines += [f"`{run['fault']}` of {run['when']} ended without a certificate." for run in runs if "passed" not in run]
    return "\n".join(lines) + "\n"


def _sums(runs: t.Sequence[Run]) -> t.Iterator[str]:
    lost, written = sum(run["lost"] for run in runs), sum(run["acknowledged"] for run in runs)
    yield f"{lost} of {written} acknowledged writes lost in {len(runs)} runs."
    broken = sorted({(run["fault"], rule) for run in runs for rule in run["broken"]})
    if broken:
        yield "Rules that were broken: " + ", ".join(f"`{rule}` by `{fault}`" for fault, rule in broken) + "."


def table(runs: t.Sequence[Run]) -> t.Iterator[str]:
    """The rows of a Markdown table, one a fault."""
    yield f"| {' | '.join(_COLUMNS)} |"
    yield f"|---{'|---:' * (len(_COLUMNS) - 1)}|"
    for fault in FAULTS:
        of_it = [run for run in runs if run["fault"] == fault]
        if of_it:
            yield f"| {' | '.join(_cells(fault, of_it))} |"


def _cells(fault: str, runs: t.Sequence[Run]) -> t.Iterator[str]:
    yield f"`{fault}`"
    yield str(len(runs))
    for name in ("passed", "acknowledged", "lost", "failed", "unknown", "writes_twice"):
        yield str(sum(run[name] for run in runs))
    yield _distribution(runs, "write_gap")
    yield f"{faults.fault('command' if fault in NODE_FAULTS else fault).goal:g}"
    yield _distribution(runs, "read_gap")
    yield _distribution(runs, "watch_gap")
    yield _distribution(runs, "load")


def _distribution(runs: t.Sequence[Run], name: str) -> str:
    ordered = sorted(run[name] for run in runs)
    return " / ".join(f"{gap:.1f}" for gap in (percentile(ordered, 0.5), percentile(ordered, 0.99), ordered[-1]))
