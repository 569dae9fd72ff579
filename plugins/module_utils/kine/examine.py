# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the table of checks over one database. Needs no Ansible and no cluster: whoever calls brings the connection."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Forbidden,
    HaError,
    InvalidInput,
    Unreachable,
    WaitTimeout,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks import CHECKS, Check
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks_mysql import MYSQL_CHECKS
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look, NoScratch, Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import CheckResult, Finding, Report

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Connect

TABLES: t.Final = {"postgres": CHECKS, "mysql": MYSQL_CHECKS}


def examine(url: str, connect: Connect, plan: Plan, checks: t.Sequence[Check] | None = None) -> Report:
    """Run every check that applies to this DSN and return what they found; a finding is never an exception.

    connect opens the database that a DSN names and closes it at the end; it raises HaError when it cannot.
    Without checks it is every one of the DSN's kind of database.
    """
    try:
        dsn = dsns.completed(dsns.parse(url), plan.ca_file)
    except InvalidInput as error:
        return unreadable(error, checks or TABLES["mysql" if url.startswith("mysql:") else "postgres"])
    checks = checks or TABLES[dsn.scheme]
    report = Report()
    stack = contextlib.ExitStack()
    look = Look(url=url, dsn=dsn, plan=plan, connect=connect, stack=stack)
    try:
        _run([check for check in checks if dsn.scheme in check.databases], look, report)
    finally:
        _clean_up(stack, report)
    report.latency = look.latency
    report.connections = look.connections
    return report


def unreadable(error: HaError, checks: t.Sequence[Check] = CHECKS) -> Report:
    """Return the report on a DSN that there is none of or that cannot be used.

    Without a DSN the first check fails and no other can be tried.
    """
    results = [_result(checks[0], Finding("fail", error.message, "a DSN that kine can use", error.remedy))]
    results += [_result(check, _skipped(f"{checks[0].title} failed")) for check in checks[1:]]
    return Report(checks=results)


def _run(checks: t.Sequence[Check], look: Look, report: Report) -> None:
    unmet: dict[str, str] = {}
    lost = ""
    for check in checks:
        missing = next((unmet[need] for need in check.needs if need in unmet), lost)
        if missing:
            finding = _skipped(missing)
        else:
            finding, ended = _judge(check, look)
            lost = f"{check.title} ended the connection" if ended else ""
        if finding.status in ("fail", "skipped"):
            unmet[check.id] = f"{check.title} failed" if finding.status == "fail" else finding.observed
        report.checks.append(_result(check, finding))
        _note_server(check, look, report)


def _judge(check: Check, look: Look) -> tuple[Finding, bool]:
    """Return the finding, and whether the connection is gone so that nothing more can be asked."""
    try:
        return check.function(look), False
    except (Unreachable, WaitTimeout) as error:
        return Finding("fail", error.message, "an answer in time", error.remedy), True
    except Forbidden as error:
        if not check.needs:
            return Finding("fail", error.message, "a role that may connect", error.remedy), False
        # Not being allowed to look says nothing about what is there.
        return Finding("skipped", f"not allowed: {error.message}", "", error.remedy), False
    except NoScratch as error:
        return _skipped(error.message), False
    except HaError as error:
        return Finding("fail", error.message, "", error.remedy), False


def _note_server(check: Check, look: Look, report: Report) -> None:
    """Once connected, keep what people want to see beside the findings."""
    if check.id != "connect" or look.opened is None:
        return
    with contextlib.suppress(HaError):  # the checks after this one will say it better
        report.server = look.server
        report.tls = look.tls


def _clean_up(stack: contextlib.ExitStack, report: Report) -> None:
    """Close the database; a scratch table that could not be removed is a finding of its own."""
    try:
        stack.close()
    except HaError as error:
        report.checks.append(
            CheckResult("cleanup", "Scratch removed", "warn", error.message, "nothing left behind", error.remedy, "")
        )


def _skipped(reason: str) -> Finding:
    return Finding("skipped", reason)


def _result(check: Check, finding: Finding) -> CheckResult:
    return CheckResult(
        id=check.id,
        title=check.title,
        status=finding.status,
        observed=finding.observed,
        expected=finding.expected,
        remedy=finding.remedy,
        source=check.source,
    )
