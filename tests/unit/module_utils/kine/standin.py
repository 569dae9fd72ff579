# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for a database: answers with the facts of a healthy one, or with what a test puts in their place."""

from __future__ import annotations

import contextlib
import itertools
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import (
    Contents,
    Counter,
    Database,
    DuplicateRevision,
    Durability,
    Home,
    Housekeeping,
    LiveIndex,
    Prepared,
    Replication,
    Row,
    Scratch,
    Session,
    Slots,
    Standby,
    Table,
    WriteState,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look, Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Server, Tls
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import (
    INDEXES,
    NAMES_IN_RANGE,
    NAMES_OUTSIDE,
    POSTGRES_COLUMNS,
)

URL = "postgres://kine:s3cret@db.example:5432/kine?sslmode=require&connect_timeout=5"
PLAN = Plan(control_planes=1, replicas=3, max_open=10, samples=3)
TABLE = Table(
    owner="kine",
    owned=True,
    columns={column.name: column.type for column in POSTGRES_COLUMNS},
    required=frozenset(),
    indexes=tuple(LiveIndex(index, usable=True) for index in INDEXES),
    collation="C",
    collated=tuple(sorted(NAMES_IN_RANGE + NAMES_OUTSIDE)),
    selected=frozenset(NAMES_IN_RANGE),
)

ENCRYPTED = Tls(used=True, version="TLSv1.3", cipher="AES")
OWNER = Home(role="kine", database="kine", schema="public", may_create=True)
ROOM = Slots(max_connections=100, reserved=3, used=0, role_limit=-1)
SYNCHRONOUS = Replication("*", "on", (Standby("standby", "streaming", "sync"),))
SAFE = Durability(fsync=True, full_page_writes=True)


CONTENTS = Contents(
    rows=2000,
    size=2**20,
    newest=5000,
    compacted=4000,
    compact_rows=1,
    scanned=2000,
    gaps=3,
    busiest="/registry/leases/kube-node-lease/a",
    busiest_rows=900,
    keys=True,
    foreign=(),
    cluster_uid="0b1c2d3e-0000-4000-8000-000000000001",
)
COUNTER = Counter(last=5000, newest=5000, limit=2**63 - 1)
CALM = Housekeeping(timeouts={"statement_timeout": 0.0, "idle_session_timeout": 0.0}, cleaning=True, live=2000, dead=9)
ONE_SESSION = Prepared(error="", backends=1)
TESTED = Server("PostgreSQL", "15.18")


class MemoryScratch(Scratch):
    """kine's table in memory."""

    def __init__(self) -> None:
        self.rows: list[tuple[Row, int, bool]] = []
        self.numbers: t.Iterator[int] = itertools.count(1)
        self.more = 11

    def insert(self, name: str, value: bytes, *, previous: int = 0, deleted: bool = False) -> int:
        if any(row.name == name and before == previous for row, before, _deleted in self.rows):
            raise DuplicateRevision("duplicate")
        old = next((row.value for row, _before, _deleted in self.rows if row.id == previous), None)
        row = Row(next(self.numbers), name, value, old)
        self.rows.append((row, previous, deleted))
        return row.id

    def listing(self, start: str, end: str) -> list[Row]:
        newest = {row.name: (row, deleted) for row, _before, deleted in self.rows if start <= row.name < end}
        return [row for _name, (row, deleted) in sorted(newest.items()) if not deleted]

    def after(self, revision: int) -> list[Row]:
        return [row for row, _before, _deleted in self.rows if row.id > revision]

    def fill(self, prefix: str, rows: int, value: bytes) -> None:
        for number in range(1, rows + 1):
            self.rows.append((Row(next(self.numbers), f"{prefix}{number:06}", value, None), 0, False))

    def compact(self, revision: int, beside: t.Callable[[], object]) -> int:
        beside()
        replaced = {before for row, before, _deleted in self.rows if row.id <= revision}
        kept = [
            (row, before, deleted)
            for row, before, deleted in self.rows
            if row.id > revision or not (deleted or row.id in replaced)
        ]
        gone = len(self.rows) - len(kept)
        self.rows[:] = kept
        beside()
        return gone

    def others(self, count: int) -> list[Scratch]:
        return [self] * min(count, self.more)


@dataclass
class StandIn(Database):
    """The facts; a test replaces the ones it is about, by an exception where asking for them is to fail."""

    encryption: Tls = ENCRYPTED
    states: list[WriteState] = field(default_factory=lambda: [WriteState("192.0.2.1", standby=False, read_only=False)])
    place: Home = OWNER
    kine: Table | None = TABLE
    level: str = "read committed"
    room: Slots | Exception = ROOM
    copies: Replication | Exception = SYNCHRONOUS
    safe: Durability = SAFE
    rows: Contents | None = CONTENTS
    numbers: Counter | None = COUNTER
    others: list[Session] = field(default_factory=list)
    upkeep: Housekeeping = CALM
    pooled: Prepared = ONE_SESSION
    product: Server = TESTED
    memory: MemoryScratch = field(default_factory=MemoryScratch)
    refusal: Exception | None = None
    asked_for_scratch: int = 0
    removal: Exception | None = None

    def way(self) -> str:
        return "directly"

    def server(self) -> Server:
        return self.product

    def tls(self) -> Tls:
        return self.encryption

    def write_states(self, connections: int) -> list[WriteState]:
        return (self.states * connections)[:connections]

    def home(self) -> Home:
        return self.place

    def table(self) -> Table | None:
        return self.kine

    def isolation(self) -> str:
        return self.level

    def slots(self) -> Slots:
        return _or_raise(self.room)

    def replication(self) -> Replication:
        return _or_raise(self.copies)

    def durability(self) -> Durability:
        return self.safe

    def counter(self) -> Counter | None:
        return self.numbers

    def contents(self) -> Contents | None:
        return self.rows

    def sessions(self) -> list[Session]:
        return self.others

    def housekeeping(self) -> Housekeeping:
        return self.upkeep

    def prepared(self) -> Prepared:
        return self.pooled

    @contextlib.contextmanager
    def scratch(self) -> t.Iterator[Scratch]:
        self.asked_for_scratch += 1
        if self.refusal:
            raise self.refusal
        yield self.memory
        if self.removal:
            raise self.removal


T = t.TypeVar("T")


def _or_raise(fact: T | Exception) -> T:
    if isinstance(fact, Exception):
        raise fact
    return fact


def look_at(database: Database, plan: Plan = PLAN, url: str = URL) -> Look:
    """Return what a check function gets, connected already."""
    look = Look(
        url=url,
        dsn=dsns.parse(url),
        plan=plan,
        connect=lambda _dsn: contextlib.nullcontext(database),
        stack=contextlib.ExitStack(),
    )
    look.open()
    return look


def with_table(**changes: t.Any) -> StandIn:
    """Return a stand-in whose kine table differs in these facts."""
    return StandIn(kine=replace(TABLE, **changes))
