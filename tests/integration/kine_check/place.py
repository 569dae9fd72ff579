# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place where faults are made: real servers of one kind; kine_check and kine get each fault there."""

from __future__ import annotations

import abc
import contextlib
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examine import examine
from tests.integration.kine_check import kine
from tests.integration.kine_check.test_connect import listener

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Database
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Report
    from tests.integration.kine_check.faults import Fault

EXAMINE_SECONDS = 15.0
SILENT_SECONDS = 3.0
SIDE_BY_SIDE = 2


@dataclass(frozen=True)
class Outcome:
    """One fault as kine_check and kine met it."""

    fault: Fault
    report: Report
    behaviour: str

    @property
    def found(self) -> dict[str, str]:
        """Check -> status."""
        return {check.id: check.status for check in self.report.checks}

    @property
    def failed(self) -> list[str]:
        """The checks that fail; latency says how busy this machine is, so it counts only where it is the fault."""
        return [name for name, status in self.found.items() if status == "fail" and name != "latency"]


@dataclass(frozen=True)
class Made:
    """A fault that is there: the DSN that leads to it, and kine's --ca-file."""

    url: str
    ca_file: str = ""


class Place(abc.ABC):
    """Servers of one kind, and how faults are made on them."""

    @abc.abstractmethod
    def made(self, fault: Fault) -> contextlib.AbstractContextManager[Made]:
        """Make a fault in a database of its own for a while."""

    @abc.abstractmethod
    def connect(self, dsn: Dsn, deadline: Deadline, ca_file: str) -> t.ContextManager[Database]:
        """Connect as kine_check does."""

    def try_one(self, fault: Fault) -> Outcome:
        """Make one fault, look at it, and let kine have it."""
        with self.made(fault) as made:
            return Outcome(fault, self._report(fault, made), kine.behaviour(made.url, made.ca_file))

    def try_all(self, faults: t.Sequence[Fault]) -> list[Outcome]:
        """Try all faults, those of one database side by side; in the order of the table."""
        outcomes: dict[str, Outcome] = {}
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for outcome in pool.map(self.try_one, [fault for fault in faults if not fault.alone]):
                outcomes[outcome.fault.id] = outcome
        for outcome in map(self.try_one, [fault for fault in faults if fault.alone]):
            outcomes[outcome.fault.id] = outcome
        return [outcomes[fault.id] for fault in faults]

    def _report(self, fault: Fault, made: Made) -> Report:
        deadline = Deadline(SILENT_SECONDS if fault.around == "no answer" else EXAMINE_SECONDS)
        plan = replace(fault.plan, ca_file=made.ca_file)
        return examine(made.url, lambda dsn: self.connect(dsn, deadline, made.ca_file), plan)


def web_server(stack: contextlib.ExitStack) -> dict[str, str]:
    """What in a DSN leads to a web server."""
    return {"port": str(stack.enter_context(listener(b"HTTP/1.1 400 Bad Request\r\n\r\n")))}


def no_answer(stack: contextlib.ExitStack) -> dict[str, str]:
    """What in a DSN leads to somebody who accepts connections and says nothing."""
    return {"port": str(stack.enter_context(listener(hang=True)))}
