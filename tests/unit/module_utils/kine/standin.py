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
    Database,
    DuplicateRevision,
    Durability,
    Home,
    LiveIndex,
    Replication,
    Row,
    Scratch,
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

URL = "postgres://kine:s3cret@db.example:5432/kine?sslmode=require"
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


class MemoryScratch(Scratch):
    """kine's table in memory."""

    def __init__(self) -> None:
        self.rows: list[tuple[Row, int, bool]] = []
        self.numbers: t.Iterator[int] = itertools.count(1)

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
    memory: MemoryScratch = field(default_factory=MemoryScratch)
    removal: Exception | None = None

    def way(self) -> str:
        return "directly"

    def server(self) -> Server:
        return Server("PostgreSQL", "15.18")

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

    @contextlib.contextmanager
    def scratch(self) -> t.Iterator[Scratch]:
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
