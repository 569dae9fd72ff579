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
    """Settings without which a crash loses or tears committed rows.

    flushes_commits is false where a commit is acknowledged before it is on the disk, though it gets there by itself.
    """

    fsync: bool
    full_page_writes: bool
    flushes_commits: bool = True


@dataclass(frozen=True)
class Row:
    """A row of kine's table, as far as the checks compare it."""

    id: int
    name: str
    value: bytes | None
    old_value: bytes | None


@dataclass(frozen=True)
class Counter:
    """What numbers the rows of kine's own table. Read from the catalog: asking it for a number would make a gap.

    last is the last number it gave, 0 before the first; newest the highest id in the table, 0 in an empty one;
    limit the highest number that both counter and column id can hold.
    """

    last: int
    newest: int
    limit: int


@dataclass(frozen=True)
class Contents:
    """What is in kine's own table. Every number but the first two is over the newest ``scanned`` rows only.

    rows is the database's own estimate, size is in bytes with indexes. compacted is the revision up to which kine
    has compacted, None without such a record, and compact_rows how many such records there are (one is right).
    gaps counts the rows that kine wrote only to fill a missing id; busiest is the name with the most rows.
    keys says whether keys of an API server are there, beyond the one that kine itself writes at each start;
    foreign holds some names that neither kine nor an API server writes. cluster_uid is the UID of the namespace
    kube-system, which tells control planes apart; "" when it is not there or cannot be read.
    """

    rows: int
    size: int
    newest: int
    compacted: int | None
    compact_rows: int
    scanned: int
    gaps: int
    busiest: str
    busiest_rows: int
    keys: bool
    foreign: tuple[str, ...]
    cluster_uid: str


@dataclass(frozen=True)
class Session:
    """Somebody else's connection to this database; those of this and other examinations are left out.

    own is true for the role of the DSN, whose sessions are kine's. may_write is about kine's own table; through is that
    table's owner where this role may write as a member of it. makes_roles: it is an administrator's.
    """

    role: str
    own: bool
    address: str
    may_write: bool
    through: str = ""
    makes_roles: bool = False


@dataclass(frozen=True)
class Housekeeping:
    """How the server treats kine's sessions and table.

    timeouts: setting -> seconds as they apply to this role, 0 for none. cleaning is false where dead rows are not
    removed by themselves (autovacuum off for the server or the table). live and dead count rows of kine's own table,
    0 without one or where the database does not tell.
    """

    timeouts: t.Mapping[str, float]
    cleaning: bool
    live: int
    dead: int


@dataclass(frozen=True)
class Prepared:
    """What became of a named prepared statement over several transactions of one client connection.

    error is the server's refusal, "" when the statement could be used each time; backends is how many server
    sessions the client connection was given: more than one means a transaction pooler.
    """

    error: str
    backends: int


class DuplicateRevision(Conflict):
    """The unique index refused a second row of the same name and previous revision."""


class SerializationFailure(Conflict):
    """The database gave up a transaction for the sake of another one: it was right, and has to be tried again."""


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

    @abstractmethod
    def fill(self, prefix: str, rows: int, value: bytes) -> None:
        """Create that many keys, named by the prefix and six digits, in as few statements as it takes."""

    @abstractmethod
    def compact(self, revision: int, beside: t.Callable[[], object]) -> int:
        """Delete superseded and deleted rows up to a revision as kine does, and return how many went.

        One transaction of the isolation level that kine uses, serializable: it reads, calls beside, deletes, calls
        beside again, and commits. beside writes through another connection. Raises SerializationFailure.
        """

    @abstractmethod
    def others(self, count: int) -> list[Scratch]:
        """Return the same table over up to that many other connections, none of them the one of this object.

        They are opened at most once and stay open to the end: a second call gives the same ones, and more where it
        asks for more. Fewer where the server has no slot left, or the examination may open no more. Each may be used
        by a thread of its own, and makes no further ones.
        """


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
        """Ask that many connections what they may do: the main one, and others that are opened one after the other."""

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
    def counter(self) -> Counter | None:
        """Describe what numbers kine's rows, None without a table or where ids come from something else."""

    @abstractmethod
    def contents(self) -> Contents | None:
        """Look at the rows of kine's own table, None when there is none. Reads a bounded number of rows."""

    @abstractmethod
    def sessions(self) -> list[Session]:
        """Return who else is connected to this database, as far as this role may see it; superusers are left out."""

    @abstractmethod
    def housekeeping(self) -> Housekeeping:
        """Return the timeouts of this role and how dead rows are removed."""

    @abstractmethod
    def prepared(self) -> Prepared:
        """Use one named prepared statement in several transactions, while another connection is busy."""

    @abstractmethod
    def scratch(self) -> t.ContextManager[Scratch]:
        """Make the scratch table; leaving the context removes it, and leftovers of killed runs too."""
