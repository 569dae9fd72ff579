# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check function gets: the DSN, the plan, the open database and the scratch table they share."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field, replace
from functools import cached_property

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.tls import verified
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, HaError, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.release import PINNED, Kine
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Connections, Latency, Server, Tls

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import (
        Contents,
        Database,
        Home,
        Scratch,
        Slots,
        Table,
    )

Expect = t.Literal["empty", "existing", "any"]
Connect: t.TypeAlias = "t.Callable[[Dsn], t.ContextManager[Database]]"


@dataclass(frozen=True)
class Plan:
    """What is going to use the database. max_open is the connection limit of each kine, 0 for none.

    k0s is the version of k0s as the user wrote it, None for the pinned one. expect says what data should be there,
    cluster_uid whose: the UID of the cluster's namespace kube-system, "" when nobody knows. ca_file is kine's own
    --ca-file, "" without one. thorough says whether to look closely at what all databases of a server share, the way
    to it and its speed: more connections, tries and samples, several writers, a long list.
    """

    control_planes: int = 1
    replicas: int = 3
    max_open: int = 0
    samples: int = 100
    thorough: bool = True
    kine: Kine = PINNED
    k0s: str | None = None
    expect: Expect = "any"
    cluster_uid: str = ""
    ca_file: str = ""


class NoScratch(HaError):
    """There is no scratch table, and the check that wanted it first has said why."""


@dataclass
class Look:
    """One examination under way. Closing its stack removes the scratch table and closes the database."""

    url: str
    dsn: Dsn
    plan: Plan
    connect: Connect
    stack: contextlib.ExitStack
    latency: Latency = field(default=Latency())
    connections: Connections = field(default=Connections())
    opened: Database | None = None
    _no_scratch: HaError | None = None

    def open(self) -> Database:
        """Connect once, for the check that judges the connection."""
        self.opened = self.stack.enter_context(self.connect(self.dsn))
        return self.opened

    @property
    def database(self) -> Database:
        """The open database; checks that use it need ``connect``."""
        if self.opened is None:
            raise Unreachable("there is no connection to the database")
        return self.opened

    @cached_property
    def server(self) -> Server:
        """The server's product and version, asked for once."""
        return self.database.server()

    @cached_property
    def tls(self) -> Tls:
        """How the connection is encrypted, asked for once."""
        return replace(self.database.tls(), verified=verified(self.dsn, self.plan.ca_file))

    @cached_property
    def home(self) -> Home:
        """Where kine would put its table, asked for once."""
        return self.database.home()

    @cached_property
    def table(self) -> Table | None:
        """kine's own table, described once."""
        return self.database.table()

    @cached_property
    def contents(self) -> Contents | None:
        """What is in kine's own table, looked at once."""
        return self.database.contents()

    @cached_property
    def slots(self) -> Slots:
        """The connection slots, counted once."""
        return self.database.slots()

    @property
    def scratch(self) -> Scratch:
        """The scratch table, made when the first check wants it. That check gets the error when it cannot be made."""
        if self._no_scratch:
            raise self._no_scratch
        try:
            return self._scratch
        except Forbidden as error:
            self._no_scratch = error
            raise
        except HaError:
            self._no_scratch = NoScratch("the scratch table could not be made")
            raise

    @cached_property
    def _scratch(self) -> Scratch:
        return self.stack.enter_context(self.database.scratch())
