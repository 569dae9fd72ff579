# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the server as a whole: connection slots, replication, and what survives a crash."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Finding

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Replication, Standby
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look

# With synchronous_commit at one of these a commit does not wait for the standby.
NOT_WAITING = ("off", "local")
SYNCHRONOUS = ("sync", "quorum")


def connections_suffice(look: Look) -> Finding:
    """Compare the free slots with what the planned control planes may open."""
    slots, planned = look.database.slots(), look.plan
    budget = plan.budget(
        slots.max_connections,
        slots.reserved,
        slots.used,
        slots.role_limit,
        planned.control_planes,
        planned.replicas,
        planned.max_open,
    )
    expected = f"at least {budget.needed} free slots"
    if budget.fits:
        return Finding("ok", budget.arithmetic, expected)
    remedy = (
        f"Set max_connections to {budget.needed + slots.reserved + slots.used} or more (and raise the CONNECTION LIMIT"
        " of role and database, if there is one), or lower KINE_KINE_DATASTORE_MAX_OPEN_CONNECTIONS in the Secret."
    )
    return Finding("fail", budget.arithmetic, expected, remedy)


def replication_is_synchronous(look: Look) -> Finding:
    """Look for a synchronous standby: without one a failover loses revisions that watches have already seen.

    kine then gives the lost ids to other rows, which those watches miss without a word.
    """
    replication = look.database.replication()
    expected = "a synchronous standby that is connected, and commits that wait for it"
    observed = _standbys_in_words(replication)
    if not replication.wanted:
        return Finding("warn", f"asynchronous; {observed}", expected, _MAKE_SYNCHRONOUS)
    if replication.commit in NOT_WAITING:
        waiting = f"synchronous_commit is {replication.commit}, so commits do not wait; {observed}"
        return Finding("warn", waiting, expected, f"ALTER ROLE {look.home.role} SET synchronous_commit = 'on';")
    needed, names = wanted_standbys(replication.wanted)
    if sum(_releases_commits(standby, names) for standby in replication.standbys) < needed:
        hanging = f"synchronous_standby_names is {replication.wanted}, but {observed}: every commit hangs"
        return Finding("fail", hanging, expected, "Bring the standby back, or empty synchronous_standby_names for now.")
    return Finding("ok", f"synchronous; {observed}", expected)


_MAKE_SYNCHRONOUS = (
    "Run two instances or more and set synchronous_standby_names, with Patroni synchronous_mode: true;"
    " accept it knowingly where the loss of the last writes at a failover is bearable."
)


def wanted_standbys(setting: str) -> tuple[int, frozenset[str]]:
    """Return how many standbys a commit waits for, and their names in lower case (``*``: any)."""
    method = re.fullmatch(r"\s*(?:(?:FIRST|ANY)\s+)?(\d+)\s*\((.*)\)\s*", setting, re.IGNORECASE)
    count, listed = (int(method[1]), method[2]) if method else (1, setting)
    names = re.findall(r'"([^"]+)"|([^\s,"]+)', listed)
    return count, frozenset((quoted or plain).lower() for quoted, plain in names)


def _releases_commits(standby: Standby, names: frozenset[str]) -> bool:
    """Say whether commits may wait for this standby; where its state is hidden from this role, its name decides."""
    if standby.sync:
        return standby.sync in SYNCHRONOUS
    return "*" in names or standby.name.lower() in names


def _standbys_in_words(replication: Replication) -> str:
    if not replication.standbys:
        return "no standby is connected"
    words = [
        f"{standby.name or 'standby'} {standby.sync or '(state hidden from this role)'}"
        for standby in replication.standbys
    ]
    return f"standbys: {', '.join(words)}"


def survives_a_crash(look: Look) -> Finding:
    """fsync and full_page_writes off: a crash may lose acknowledged writes or tear pages."""
    settings = look.database.durability()
    off = [name for name, on in (("fsync", settings.fsync), ("full_page_writes", settings.full_page_writes)) if not on]
    expected = "fsync and full_page_writes on"
    if not off:
        return Finding("ok", expected, expected)
    remedy = " ".join(f"ALTER SYSTEM SET {name} = on;" for name in off) + " SELECT pg_reload_conf();"
    return Finding("fail", f"{' and '.join(off)} off", expected, remedy)
