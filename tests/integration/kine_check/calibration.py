# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds what kine_check says about each fault against what real kine does with it, and writes docs/calibration.md.

``make calibration`` runs it.
"""

from __future__ import annotations

import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.integration import oracle
from tests.integration.kine_check import place_mariadb, place_postgres
from tests.integration.kine_check.faults import FAULTS
from tests.integration.kine_check.mysql_faults import MYSQL_FAULTS

if t.TYPE_CHECKING:
    import contextlib

    from tests.integration.kine_check.faults import Fault
    from tests.integration.kine_check.place import Outcome, Place

PAGE = Path(__file__).parents[3] / "docs" / "calibration.md"
Outcomes: t.TypeAlias = "dict[str, list[Outcome]]"


class Section(t.NamedTuple):
    """A table of the page: where its faults are made, and which."""

    place: t.Callable[[], contextlib.AbstractContextManager[Place]]
    faults: t.Sequence[Fault]


SECTIONS: t.Final[t.Mapping[str, Section]] = {
    "PostgreSQL": Section(place_postgres.place, FAULTS),
    "MariaDB": Section(place_mariadb.place, MYSQL_FAULTS),
}


def calibrate() -> Outcomes:
    """Try all faults, both databases side by side."""
    for name in ("kine", "oracle"):
        oracle.program(name)
    with ThreadPoolExecutor(len(SECTIONS)) as pool:
        return dict(zip(SECTIONS, pool.map(_try_section, SECTIONS.values()), strict=True))


def _try_section(section: Section) -> list[Outcome]:
    with section.place() as place:
        return place.try_all(section.faults)


HEAD = """<!--
Copyright: (c) 2026, k0smotron.ha contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->

# What kine does with a bad database, and what kine_check says

Written by `make calibration`; `make test-all` fails when it is no longer true. Each fault is made on purpose on a real
PostgreSQL 15 with a synchronous standby, or on a real MariaDB 10.11 with a semi-synchronous replica.
`k0smotron.ha.kine_check` looks at it, and then kine 0.16.4 gets it, with a client that writes, lists, watches and
compacts as an API server does. Five characters such as 42501 are PostgreSQL's SQLSTATE, four digits MariaDB's error.

Where kine *works* although a check fails, it works for now: the check is about the day when the server crashes, the
data is another control plane's, the compaction is overdue, or the next connection finds no slot.
"""
NOTES: t.Final = {
    "PostgreSQL": """The read/write split is Pgpool-II, which sends reads to a standby that is 100 ms late.
""",
    "MariaDB": """In the table that kine makes itself, keys that differ in case are one key: that is no fault of the
database, so an empty one is fit, and kine_check warns of it once the table is there. All faults below it are made
beside a table whose collation was mended, as that warning tells. Beside a compaction kine loses some updates to
deadlocks and calls them conflicts: the client tries again, as an API server does. A database that is not there is a
failure, though kine makes it where its account may: nothing about it can be looked at.

No MariaDB could be made here whose lists go wrong (`ranges`) although `collation` has nothing to say, and Debian has
no proxy for it that splits reads from writes (`read_your_writes`). The old version is a server that says so.
""",
}
TABLE = """
| Fault | What kine does | What kine_check says |
|---|---|---|
"""


def page(outcomes: Outcomes) -> str:
    """docs/calibration.md: what was seen, without a time or a name that would be another one the next time."""
    return HEAD + "".join(f"\n## {title}\n\n{NOTES[title]}{TABLE}{_rows(seen)}" for title, seen in outcomes.items())


def _rows(outcomes: t.Iterable[Outcome]) -> str:
    return "".join(f"| {one.fault.id} | {_did(one)} | {_said(one)} |\n" for one in outcomes)


def _did(one: Outcome) -> str:
    return ", or: ".join(one.fault.varies) if one.behaviour in one.fault.varies else one.behaviour


def _said(one: Outcome) -> str:
    if not one.fault.check:
        return "ok"
    status = one.found.get(one.fault.check, "missing")
    return f"{status}: {one.fault.check}"


def main() -> int:
    """Write the page."""
    outcomes = calibrate()
    PAGE.write_text(page(outcomes))
    tried = [one for seen in outcomes.values() for one in seen]
    wrong = [one for one in tried if not is_named(one)]
    for one in wrong:
        print(f"{one.fault.id}: {one.fault.check} {one.fault.status} expected\n{one.report.text()}", file=sys.stderr)
    print(f"{len(tried)} faults, written to {PAGE}")
    return 1 if wrong else 0


def is_named(one: Outcome) -> bool:
    """Whether the fault is named by its own check, with what to do, and by no other ``fail``; a fit database by none."""
    if not one.fault.check:
        return set(one.found.values()) <= {"ok"} or {k for k, v in one.found.items() if v != "ok"} == {"latency"}
    [own] = [check for check in one.report.checks if check.id == one.fault.check]
    told = own.status == one.fault.status and own.remedy and one.fault.says in f"{own.observed} {own.remedy}"
    expected = [own.id] * (own.status == "fail" and own.id != "latency")
    return bool(told) and one.failed == expected


if __name__ == "__main__":
    sys.exit(main())
