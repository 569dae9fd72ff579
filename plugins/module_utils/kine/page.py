# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report for people: one self-contained page of HTML on one database or many. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.page_pictures import (
    connections_picture,
    latency_picture,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.report_page.frame import (
    LONGEST_NAME,
    document,
    facts,
    safe,
)

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examined import Examined
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import CheckResult, Report

_SIGNS = {"ok": "✓ ok", "warn": "▲ warning", "fail": "✗ failed", "skipped": "○ skipped"}


def page(examined: t.Sequence[Examined], when: str) -> str:
    """Return the whole page; when says in words at what time the databases were examined. Valid UTF-8 whatever comes."""
    title = (
        f"kine_check: {safe(examined[0].name, LONGEST_NAME) if len(examined) == 1 else f'{len(examined)} databases'}"
    )
    sections = "".join(_database(each, number, only=len(examined) == 1) for number, each in enumerate(examined, 1))
    header = f"""<h1>{"kine_check" if len(examined) == 1 else title}</h1>
<p class="dim">Is this database fit for kine? Examined {safe(when)} by k0smotron.ha.kine_check.</p>"""
    return document(title, header, f"{_overview(examined) if len(examined) != 1 else ''}{sections}")


def verdict(each: Examined) -> tuple[str, str]:
    """Return the worst status of a database, and the same in words."""
    report = each.report
    if report.count("fail"):
        return "fail", "✗ not fit"
    if not report.checks:
        return "skipped", "○ not examined"
    return ("warn", "▲ fit, with warnings") if report.count("warn") else ("ok", "✓ fit")


def _overview(examined: t.Sequence[Examined]) -> str:
    rows = "".join(_overview_row(each, number) for number, each in enumerate(examined, 1))
    return f"""<table class="databases">
<caption>All databases</caption>
<thead><tr><th scope="col">Database</th><th scope="col">Verdict</th><th scope="col" class="number minor">Passed</th>\
<th scope="col" class="number">Warnings</th><th scope="col" class="number">Failed</th>\
<th scope="col" class="number minor">Skipped</th></tr></thead>
<tbody>{rows}</tbody>
</table>
"""


def _overview_row(each: Examined, number: int) -> str:
    status, words = verdict(each)
    counts = "".join(
        f'<td class="number{"" if name in ("warnings", "failed") else " minor"}">{count}</td>'
        for name, count in each.report.counts().items()
    )
    return (
        f'<tr><th scope="row"><a href="#database-{number}">{safe(each.name, LONGEST_NAME)}</a></th>'
        f'<td class="status {status}">{words}</td>{counts}</tr>\n'
    )


def _database(each: Examined, number: int, *, only: bool) -> str:
    status, words = verdict(each)
    note = f"<p>{safe(each.note)}</p>" if each.note else ""
    return f"""<section class="database{" only" if only else ""}" id="database-{number}" aria-labelledby="name-{number}">
<div class="title"><h2 id="name-{number}">{safe(each.name, LONGEST_NAME)}</h2><span class="status {status}">{words}</span>\
<span class="dim">{safe(each.report.headline()) if each.report.checks else ""}</span></div>
{_facts(each)}
{note}{_pictures(each.report, number)}{_checks(each.report)}</section>
"""


def _facts(each: Examined) -> str:
    report = each.report
    pairs = (
        ("DSN", f"<code>{safe(each.target)}</code>" if each.target else ""),
        ("Server", safe(f"{report.server.product} {report.server.version}".strip())),
        ("Encryption", safe(str(report.tls)) if report.server.product else ""),
    )
    return facts(pairs)


def _pictures(report: Report, number: int) -> str:
    figures = []
    if report.latency.histogram:
        latency = report.latency
        caption = (
            f"{latency.samples} inserts, one after the other: p50 {latency.p50_ms:g} ms, p99 {latency.p99_ms:g} ms."
        )
        figures.append(_figure("How long inserts took", latency_picture(latency, number), caption))
    if report.connections.max_connections:
        caption = next((check.observed for check in report.checks if check.id == "connections"), "")
        figures.append(_figure("Connection budget", connections_picture(report.connections, number), caption))
    return f'<div class="pictures">{"".join(figures)}</div>\n' if figures else ""


def _figure(title: str, picture: str, caption: str) -> str:
    return f"<figure><h3>{title}</h3>{picture}<figcaption>{safe(caption)}</figcaption></figure>"


def _checks(report: Report) -> str:
    if not report.checks:
        return ""
    return f"""<table class="checks">
<caption>Checks</caption>
<thead><tr><th scope="col" class="first">Status</th><th scope="col" class="second">Check</th>\
<th scope="col" class="third">Observed, and what to do</th><th scope="col">Expected</th></tr></thead>
<tbody>{"".join(map(_check, sorted(report.checks, key=_urgency)))}</tbody>
</table>
"""


def _urgency(check: CheckResult) -> int:
    """What has to be done comes first; all else stays in the order in which it ran."""
    return {"fail": 0, "warn": 1}.get(check.status, 2)


def _check(check: CheckResult) -> str:
    wanted = check.status != "ok" and check.remedy
    remedy = f'<p class="remedy"><strong>What to do:</strong> {safe(check.remedy)}</p>' if wanted else ""
    source = f'<div class="dim">{safe(check.source)}</div>' if check.source else ""
    return (
        f'<tr><td class="status {check.status}">{_SIGNS[check.status]}</td>'
        f'<th scope="row">{safe(check.title)}</th>'
        f"<td>{safe(check.observed)}{remedy}</td>"
        f'<td><div class="expected">{safe(check.expected)}</div>{source}</td></tr>\n'
    )
