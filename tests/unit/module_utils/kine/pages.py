# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports as a browser test and the unit tests want them: of a healthy database, of broken ones, of hostile words."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examine import examine, unreadable
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examined import Examined
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Durability, Replication, Slots
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.histogram import histogram
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import (
    CheckResult,
    Connections,
    Latency,
    Report,
    Server,
    Tls,
)
from tests.unit.module_utils.kine.standin import PLAN, URL, StandIn

TARGET = "postgres://kine:***@db.example:5432/kine?sslmode=require"
HOSTILE = "</td></svg><script>document.title='owned'</script>\"'&<img src=http://192.0.2.1/x onerror=alert(1)>"
UNPRINTABLE = "null \0 bell \a lone \udce4 backwards \u202e end"


def latency(times: t.Sequence[float]) -> Latency:
    """Return the record of these times in milliseconds."""
    ordered = sorted(times)
    return Latency(len(ordered), ordered[len(ordered) // 2], ordered[-1], histogram=histogram(ordered))


def examined(name: str, database: StandIn, plan: Plan = PLAN, times: t.Sequence[float] = ()) -> Examined:
    """Examine a stand-in, and put times in the place of those that it took."""
    report = examine(URL, lambda _dsn: contextlib.nullcontext(database), plan)
    if times:
        report.latency = latency(times)
    return Examined(name, TARGET, report)


def healthy(name: str = "team-a/team-a-data-source") -> Examined:
    """Return a database that is fit for kine."""
    return examined(name, StandIn(), times=[0.6, 0.9, 1.2, 1.2, 1.4, 1.7, 1.8, 2.4, 3.1, 8.0])


def overbooked() -> Examined:
    """Return a slow database with too few slots that does not survive a crash."""
    database = StandIn(
        encryption=Tls(),
        room=Slots(100, 3, 61, -1),
        copies=Replication("", "on", ()),
        safe=Durability(fsync=False, full_page_writes=True),
    )
    return examined("team-b", database, Plan(3, 3, 12), [4.0, 12.0, 30.0, 65.0, 80.0, 140.0, 480.0, 990.0, 1400.0])


def limited() -> Examined:
    """Return a very quick database whose role may open fewer connections than are planned."""
    return examined("team-c", StandIn(room=Slots(200, 3, 10, 20)), Plan(1, 3, 10), [0.05] * 100)


def hostile() -> Examined:
    """Return a database whose every word wants to break the page."""
    long = "x" * 5000
    checks = [
        CheckResult("a", HOSTILE, "fail", HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        CheckResult("b", UNPRINTABLE, "warn", UNPRINTABLE, UNPRINTABLE, UNPRINTABLE, UNPRINTABLE),
        CheckResult("c", long, "skipped", long, long, long, long),
        CheckResult("connections", "Slots", "ok", HOSTILE, "", "", ""),
    ]
    report = Report(
        checks, Server(HOSTILE, HOSTILE), Tls(True, HOSTILE, long), latency([1e9]), Connections(1, 5, 9, 0, 7)
    )
    return Examined(HOSTILE + UNPRINTABLE + long, HOSTILE, report)


def unexamined() -> list[Examined]:
    """Return one database whose Secret cannot be found, and one whose Secret does not exist yet."""
    error = NotFound("There is no Secret x in namespace team-d", "Create it.")
    return [
        Examined("team-d", "", unreadable(error)),
        Examined("team-e", "", Report(), "The Secret team-e/x does not exist yet."),
    ]


def everything() -> list[Examined]:
    """Return all of them."""
    return [healthy(), overbooked(), limited(), hostile(), *unexamined()]
