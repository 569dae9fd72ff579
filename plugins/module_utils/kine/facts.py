# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract between the checks and a database driver.

A driver collects facts and answers with these plain records; a check judges them. So a check needs no
database to be tested, and a new driver needs no new judgement where the meaning is the same.
Every method may raise HaError: the check it was called for then fails with that sentence.
"""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Server, Tls
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import Index


@dataclass(frozen=True)
class WriteState:
    """What one fresh connection may do: standby is true on a server in recovery."""

    server: str
    standby: bool
    read_only: bool


@dataclass(frozen=True)
class Home:
    """Where kine would put its table: schema is empty when the search path names no existing one."""

    role: str
    database: str
    schema: str
    may_create: bool


@dataclass(frozen=True)
class LiveIndex:
    """An index found on the table. usable is false while it is invalid or covers only a part of the rows."""

    index: Index
    usable: bool


@dataclass(frozen=True)
class Table:
    """kine's own table as it is. columns: name -> type; required: columns that refuse an INSERT without them.

    collated is the order in which the database puts the probe names under the collation of column
    name, selected the ones of them that kine's range query would return.
    """

    owner: str
    owned: bool
    columns: t.Mapping[str, str]
    required: frozenset[str]
    indexes: tuple[LiveIndex, ...]
    collation: str
    collated: tuple[str, ...]
    selected: frozenset[str]


@dataclass(frozen=True)
class Slots:
    """Connection slots. used leaves out this role's own in this database: they are kine's, and planned for.

    role_limit is the smaller of the role's and the database's CONNECTION LIMIT, -1 without one.
    """

    max_connections: int
    reserved: int
    used: int
    role_limit: int


@dataclass(frozen=True)
class Standby:
    """A standby as the primary sees it; state and sync are empty where this role may not see them."""

    name: str
    state: str
    sync: str


@dataclass(frozen=True)
class Replication:
    """How commits are protected: wanted names the synchronous standbys, commit says what a commit waits for."""

    wanted: str
    commit: str
    standbys: tuple[Standby, ...]


@dataclass(frozen=True)
class Durability:
    """Settings without which a crash loses or tears committed rows."""

    fsync: bool
    full_page_writes: bool


@dataclass(frozen=True)
class Row:
    """A row of kine's table, as far as the checks compare it."""

    id: int
    name: str
    value: bytes | None
    old_value: bytes | None


class DuplicateRevision(Conflict):
    """The unique index refused a second row of the same name and previous revision."""


class Scratch(ABC):
    """kine's table under another name, in a schema of its own that is removed at the end."""

    @abstractmethod
    def insert(self, name: str, value: bytes, *, previous: int = 0, deleted: bool = False) -> int:
        """Write one revision as kine does and return its id. Raises DuplicateRevision."""

    @abstractmethod
    def listing(self, start: str, end: str) -> list[Row]:
        """Return the newest row of each name in [start, end), deleted ones left out, by name."""

    @abstractmethod
    def after(self, revision: int) -> list[Row]:
        """Return all rows after a revision, in the order of their ids."""


class Database(ABC):
    """One database, connected with exactly the DSN that kine gets."""

    @abstractmethod
    def way(self) -> str:
        """Say how the database was reached, and what that way cannot show."""

    @abstractmethod
    def server(self) -> Server:
        """Return the server's product and version."""

    @abstractmethod
    def tls(self) -> Tls:
        """Say how this connection is encrypted."""

    @abstractmethod
    def write_states(self, connections: int) -> list[WriteState]:
        """Open that many fresh connections, one after the other, and ask each what it may do."""

    @abstractmethod
    def home(self) -> Home:
        """Say where kine would put its table and whether it may."""

    @abstractmethod
    def table(self) -> Table | None:
        """Describe kine's own table, None when there is none yet. Reads the catalog only."""

    @abstractmethod
    def isolation(self) -> str:
        """Return the isolation level that a transaction of this role gets, in lower case."""

    @abstractmethod
    def slots(self) -> Slots:
        """Count the connection slots."""

    @abstractmethod
    def replication(self) -> Replication:
        """Say how commits are protected against the loss of the primary."""

    @abstractmethod
    def durability(self) -> Durability:
        """Return the settings that keep a commit through a crash."""

    @abstractmethod
    def scratch(self) -> t.ContextManager[Scratch]:
        """Make the scratch table; leaving the context removes it, and leftovers of killed runs too."""
