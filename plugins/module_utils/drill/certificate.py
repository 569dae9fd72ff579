# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a drill: what was drilled, what was seen, and whether that is within the limits. Pure."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.drill.faults import Fault
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.measures import Measures
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.oracle import Finding
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import OUTCOMES, Log

Certificate: t.TypeAlias = dict[str, t.Any]

FORMAT = 1
"""Of the certificate's JSON; it changes when a reader of the one before would misread it."""
LONGEST_ERROR = 160
MOST_ERRORS = 10
_GAPS = {"write": "writes", "read": "reads", "watch": "watches"}


@dataclasses.dataclass(frozen=True)
class Limits:
    """The longest gaps in seconds that pass; None where nobody cares."""

    write_gap: float
    watch_gap: float | None = None


def issue(
    *,
    subject: t.Mapping[str, t.Any],
    fault: Fault,
    actions: t.Sequence[str],
    load: t.Mapping[str, t.Any],
    findings: t.Sequence[Finding],
    measures: Measures,
    limits: Limits,
    log: Log,
    when: str,
) -> Certificate:
    """Everything about a drill, ready for JSON. actions tell in words what was done; when is its time in UTC, ISO 8601."""
    why_not = [*_broken(findings), *_exceeded(measures, limits)]
    return {
        "format": FORMAT,
        "when": when,
        **subject,
        "fault": {"id": fault.id, "title": fault.title, "at": round(log.fault_at, 3), "actions": list(actions)},
        "load": dict(load),
        "limits": dataclasses.asdict(limits),
        "measures": dataclasses.asdict(measures),
        "rules": [dataclasses.asdict(finding) for finding in findings],
        "passed": not why_not,
        "why_not": why_not,
        "moments": [{"at": round(moment.at, 1), "what": moment.what} for moment in log.moments],
        "errors": _errors(log),
        "seconds": round(log.calm_at, 3),
        "timeline": _timeline(log),
    }


def _broken(findings: t.Sequence[Finding]) -> t.Iterator[str]:
    for finding in findings:
        if not finding.ok:
            yield f"{finding.title[0].lower()}{finding.title[1:]}: {finding.count} times not"


def _exceeded(measures: Measures, limits: Limits) -> t.Iterator[str]:
    for name, limit in dataclasses.asdict(limits).items():
        seen = getattr(measures, name)
        if limit is not None and seen > limit:
            yield f"the longest {name.replace('_', ' ')} was {seen:.1f} s, and {limit:g} s are allowed"


def headline(certificate: Certificate) -> str:
    """The certificate in one line."""
    seen = certificate["measures"]
    lost = next(rule["count"] for rule in certificate["rules"] if rule["id"] == "lost")
    gaps = ", ".join(f"{seen[f'{name}_gap']:.1f} s for {plural}" for name, plural in _GAPS.items())
    numbers = (
        f"{seen['acknowledged']} writes acknowledged, {lost} of them lost, {seen['failed']} failed, {seen['unknown']} unknown; "
        f"longest gap {gaps}"
    )
    name = f"{certificate['control_plane']['namespace']}/{certificate['control_plane']['name']}"
    if certificate["passed"]:
        return f"{name} passed ({certificate['fault']['title']}): {numbers}"
    return f"{name} did not pass ({certificate['fault']['title']}): {'; '.join(certificate['why_not'])}. {numbers}"


def _errors(log: Log) -> list[dict[str, t.Any]]:
    """What clients were told, the most frequent first."""
    told = collections.Counter((write.outcome, write.error[:LONGEST_ERROR]) for write in log.writes if write.error)
    return [
        {"outcome": outcome, "error": error, "count": count}
        for (outcome, error), count in told.most_common(MOST_ERRORS)
    ]


def _timeline(log: Log) -> list[dict[str, t.Any]]:
    """Second by second: writes begun in it by their outcome, the slowest of them, events told, and the standbys' lag."""
    seconds = range(int(log.calm_at) + 1)
    writes = collections.defaultdict(list)
    for write in log.writes:
        writes[int(write.began)].append(write)
    events = collections.Counter(int(event.at) for watcher in log.watchers for event in watcher.events)
    lags = collections.defaultdict[int, list[int]](list)
    for lag in log.lags:
        lags[int(lag.at)] += lag.missing.values()
    return [
        {
            "second": second,
            **{outcome: sum(write.outcome == outcome for write in writes[second]) for outcome in OUTCOMES},
            "slowest": round(max((write.ended - write.began for write in writes[second]), default=0.0), 3),
            "events": events[second],
            "lag": max(lags[second], default=None),
        }
        for second in seconds
    ]
