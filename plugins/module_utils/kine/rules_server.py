# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the server as a whole: connection slots, replication, upkeep, and who else is there."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Connections, Finding

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Replication, Session, Standby
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Status

# With synchronous_commit at one of these a commit does not wait for the standby.
NOT_WAITING = ("off", "local")
SYNCHRONOUS = ("sync", "quorum")
# The major versions that kine 0.16's own tests run on, first and last.
TESTED: t.Final[t.Mapping[str, tuple[int, int]]] = {"PostgreSQL": (14, 17)}
# The least seconds that each time-out must allow; None where any time-out ends connections that kine keeps.
TIMEOUTS: t.Final[t.Mapping[str, float | None]] = {
    "statement_timeout": 60,
    "transaction_timeout": 60,
    "lock_timeout": 10,
    "idle_in_transaction_session_timeout": 10,
    "idle_session_timeout": None,
}
# Dead rows are normal; this many and more than half of the table mean that nothing removes them.
MANY_DEAD = 50_000


def connections_suffice(look: Look) -> Finding:
    """Compare the free slots with what the planned control planes may open."""
    return judge_connections(
        look,
        lambda least: (
            f"Set max_connections to {least} or more (and raise the CONNECTION LIMIT of role and database, if there is"
            " one), or lower KINE_KINE_DATASTORE_MAX_OPEN_CONNECTIONS in the Secret."
        ),
    )


def judge_connections(look: Look, remedy: t.Callable[[int], str]) -> Finding:
    """Judge the connection budget and keep it for the report; remedy is given the least max_connections that suffice."""
    slots, limit = look.slots, look.plan.max_open
    budget = _budget(look, limit if look.plan.kine.reads_environment else 0)
    look.connections = Connections(
        slots.max_connections, slots.reserved, slots.used, slots.role_limit, needed=budget.needed
    )
    expected = f"at least {budget.needed} free slots"
    if budget.fits:
        return Finding("ok", budget.arithmetic, expected)
    if not look.plan.kine.reads_environment and limit and _budget(look, limit).fits:
        observed = f"{budget.arithmetic}; this kine does not read the limit of {limit} in its environment"
        return Finding("warn", observed, expected, f"Use k0s 1.34 or newer; or: {remedy(budget.enough)}")
    return Finding("fail", budget.arithmetic, expected, remedy(budget.enough))


def _budget(look: Look, limit: int) -> plan.Budget:
    slots, planned = look.slots, look.plan
    return plan.budget(
        slots.max_connections,
        slots.reserved,
        slots.used,
        slots.role_limit,
        planned.control_planes,
        planned.replicas,
        limit,
    )


def replication_is_synchronous(look: Look) -> Finding:
    """Look for a synchronous standby: without one a failover loses revisions that watches have already seen.

    kine then gives the lost ids to other rows, which those watches miss without a word.
    """
    replication = look.database.replication()
    expected = "a synchronous standby that is connected, and commits that wait for it"
    observed = standbys_in_words(replication)
    if not replication.wanted:
        if not replication.standbys:
            observed = "no standby shows in SQL, and synchronous_standby_names is empty"
            return Finding("warn", observed, expected, f"{_MAKE_SYNCHRONOUS} {BELOW}")
        return Finding("warn", f"asynchronous; {observed}", expected, _MAKE_SYNCHRONOUS)
    if replication.commit in NOT_WAITING:
        waiting = f"synchronous_commit is {replication.commit}, so commits do not wait; {observed}"
        return Finding("warn", waiting, expected, f"ALTER ROLE {look.home.role} SET synchronous_commit = 'on';")
    needed, names = wanted_standbys(replication.wanted)
    if sum(releases_commits(standby, names) for standby in replication.standbys) < needed:
        hanging = f"synchronous_standby_names is {replication.wanted}, but {observed}: every commit hangs"
        return Finding("fail", hanging, expected, "Bring the standby back, or empty synchronous_standby_names for now.")
    return Finding("ok", f"synchronous; {observed}", expected)


_MAKE_SYNCHRONOUS = (
    "Run two instances or more and set synchronous_standby_names, with Patroni synchronous_mode: true;"
    " accept it knowingly where the loss of the last writes at a failover is bearable."
)
BELOW = (
    "What a provider replicates below the server (RDS Multi-AZ, Aurora, Cloud SQL HA) shows nowhere in SQL: see there that"
    " it is synchronous."
)


def wanted_standbys(setting: str) -> tuple[int, frozenset[str]]:
    """Return how many standbys a commit waits for, and their names in lower case (``*``: any)."""
    method = re.fullmatch(r"\s*(?:(?:FIRST|ANY)\s+)?(\d+)\s*\((.*)\)\s*", setting, re.IGNORECASE)
    count, listed = (int(method[1]), method[2]) if method else (1, setting)
    names = re.findall(r'"([^"]+)"|([^\s,"]+)', listed)
    return count, frozenset((quoted or plain).lower() for quoted, plain in names)


def releases_commits(standby: Standby, names: frozenset[str]) -> bool:
    """Say whether commits may wait for this standby; where its state is hidden from this role, its name decides."""
    if standby.sync:
        return standby.sync in SYNCHRONOUS
    return "*" in names or standby.name.lower() in names


def standbys_in_words(replication: Replication) -> str:
    if not replication.standbys:
        return "no standby is connected"
    words = [
        f"{standby.name or 'standby'} {standby.sync or '(state hidden from this role)'}"
        for standby in replication.standbys
    ]
    return f"standbys: {', '.join(words)}"


def survives_a_crash(look: Look) -> Finding:
    """fsync or synchronous_commit off: a crash loses acknowledged writes. Torn pages depend on the storage, too."""
    settings = look.database.durability()
    observed, remedies = [], []
    if not settings.fsync:
        observed.append("fsync is off: a crash of its machine loses acknowledged writes, or the database")
        remedies.append(_SWITCH_ON.format("fsync"))
    if not settings.flushes_commits:
        observed.append(
            "synchronous_commit is off: a crash loses what was acknowledged up to three wal_writer_delay before it"
        )
        remedies.append(f"ALTER ROLE {look.home.role} SET synchronous_commit = 'on'; and not off in the DSN.")
    status: Status = "fail" if observed else "warn"
    if not settings.full_page_writes:
        observed.append(f"full_page_writes is off: a crash tears pages, {WHOLE_PAGES.format('8 KiB: Aurora, ZFS')}")
        remedies.append(f"Where they may tear: {_SWITCH_ON.format('full_page_writes')}")
    expected = "fsync, full_page_writes and synchronous_commit on"
    if observed:
        return Finding(status, "; ".join(observed), expected, " ".join(remedies))
    return Finding("ok", expected, expected)


_SWITCH_ON = "ALTER SYSTEM SET {} = on; SELECT pg_reload_conf(); or in the provider's parameter group."
WHOLE_PAGES = "unless the storage writes whole pages of {}"


def version_is_tested(look: Look) -> Finding:
    """Compare the server's major version with those that kine's own tests run on."""
    server = look.server
    observed = f"{server.product} {server.version}"
    first, last = TESTED.get(server.product, (0, 0))
    expected = f"{server.product} {first} to {last}, which kine's own tests run on"
    major = re.match(r"\d+", server.version)
    if major and first <= int(major[0]) <= last:
        return Finding("ok", observed, expected)
    return Finding("warn", observed, expected, f"Use {server.product} {last}; kine may well work, but nobody tests it.")


def upkeep_leaves_kine_alone(look: Look) -> Finding:
    """Time-outs that cut kine off, and dead rows that nothing removes."""
    keeping = look.database.housekeeping()
    short = {name: seconds for name, seconds in keeping.timeouts.items() if _is_short(name, seconds)}
    observed = [f"{name} is {seconds:g} s" for name, seconds in short.items()]
    remedies = [f"ALTER ROLE {look.home.role} SET {name} = 0;" for name in short]
    if not keeping.cleaning:
        observed.append("autovacuum is off")
        remedies.append("Turn autovacuum and track_counts on, for the server and for kine's table.")
    if keeping.dead > max(MANY_DEAD, keeping.live // 2):
        observed.append(f"{keeping.dead} dead rows beside {keeping.live} live ones")
        remedies.append(_VACUUM)
    expected = "no short time-outs, and dead rows are removed"
    if observed:
        return Finding("warn", "; ".join(observed), expected, " ".join(remedies))
    return Finding("ok", expected, expected)


_VACUUM = (
    "VACUUM ANALYZE kine; ALTER TABLE kine SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay ="
    " 0); and look for transactions and replication slots that are left open."
)


def _is_short(name: str, seconds: float) -> bool:
    least = TIMEOUTS.get(name, 0)
    return seconds > 0 and (least is None or seconds < least)


def no_foreign_writers(look: Look) -> Finding:
    """Look for others that write to kine's table: two control planes on one table destroy each other."""
    sessions = look.database.sessions()
    own = {session.address for session in sessions if session.own}
    foreign = {session.role: session for session in sessions if session.may_write and not session.own}
    expected = "nobody but the planned control plane writes to kine's table"
    if foreign:
        observed = f"connected, and may write to kine's table: {', '.join(sorted(foreign))}"
        harmless = look.plan.expect != "empty" or all(map(_administers, foreign.values()))
        revoked = " ".join(_revoked(foreign[role]) for role in sorted(foreign))
        remedy = f"Unless you know them, end these sessions, and: {revoked}"
        return Finding("warn" if harmless else "fail", observed, expected, remedy)
    if own and look.plan.expect == "empty":
        observed = f"role {look.home.role} is connected already, from {_addresses(own)}"
        return Finding("fail", observed, expected, "Stop what runs there, or give each control plane its own database.")
    if len(own) > look.plan.replicas:
        observed = f"role {look.home.role} is connected from {_addresses(own)}, for {look.plan.replicas} replicas"
        return Finding("warn", observed, expected, "See whether two control planes use this database.")
    return Finding("ok", f"sessions of role {look.home.role}: {sum(session.own for session in sessions)}", expected)


def _administers(session: Session) -> bool:
    """Say whether this is a person's: who makes a role and its database without superuser is a member of it for that."""
    return session.makes_roles and bool(session.through)


def _revoked(session: Session) -> str:
    privilege = session.through or "ALL ON TABLE kine"
    return f"REVOKE {privilege} FROM {session.role};"


def _addresses(addresses: set[str]) -> str:
    return f"{len(addresses)} address{'' if len(addresses) == 1 else 'es'}"
