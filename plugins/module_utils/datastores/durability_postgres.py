# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a PostgreSQL primary says about its standbys and its commits: the question, the answer, and its risks. Pure."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import DatabaseSpec, Question
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import (
    Place,
    Risk,
    Setup,
    risk,
    setup_risks,
    zones_of,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.psql import superuser_psql
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, place, pod_ready

if t.TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "primary_said"
CONTAINER = "postgres"
SYNCHRONOUS = ("sync", "quorum")
MOST_BEHIND = 32 * 2**20
"""Bytes: the maximum_lag_on_failover of Zalando's operator, beyond which Patroni promotes nobody."""
LAG_SETTING = "maximum_lag_on_failover"
# PostgreSQL's words for off, and the ways in which a session's options set it: -c name=value, -cname=value, --name=value.
_OFF = ("off", "false", "no", "0")
_IN_OPTIONS = re.compile(r"(?:^|\s)(?:-c\s*|--)synchronous[_-]commit=(\S*)", re.IGNORECASE)

_ASK = (
    "SELECT json_build_object('fsync', current_setting('fsync'), 'full_page_writes', current_setting('full_page_writes'),"
    " 'commit', current_setting('synchronous_commit'),"
    " 'standbys', (SELECT coalesce(json_agg(json_build_object('name', application_name, 'sync', sync_state,"
    " 'missing', pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn)::bigint,"
    " 'unapplied', pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint)), '[]')"
    " FROM pg_stat_replication WHERE state = 'streaming'),"
    " 'set', (SELECT coalesce(json_agg(json_build_object('role', coalesce(r.rolname, ''),"
    " 'database', coalesce(d.datname, ''), 'value', split_part(entry, '=', 2))), '[]')"
    " FROM pg_db_role_setting AS s LEFT JOIN pg_roles AS r ON r.oid = s.setrole"
    " LEFT JOIN pg_database AS d ON d.oid = s.setdatabase, unnest(s.setconfig) AS entry"
    " WHERE entry LIKE 'synchronous_commit=%'))"
)
COMMAND = ("timeout", "5", *superuser_psql(_ASK))


class Standby(t.NamedTuple):
    """A standby that streams. ``missing`` and ``unapplied``: bytes that it has not on its disk, has not replayed."""

    name: str
    sync: str
    missing: int
    unapplied: int


@dataclass(frozen=True)
class Server:
    """A primary in its own words. ``commits``: synchronous_commit by role and database. ``problem``: "" if it answered."""

    problem: str
    fsync: bool = True
    full_page_writes: bool = True
    commits: t.Mapping[tuple[str, str], str] = field(default_factory=dict)
    standbys: t.Sequence[Standby] = ()

    def synchronous(self, pods: t.Sequence[Object]) -> list[Place]:
        """The ready pods of the standbys that commits wait for: both operators call a standby by its pod's name."""
        names = {standby.name for standby in self.standbys if standby.sync in SYNCHRONOUS}
        return [place(pod) for pod in pods if pod["metadata"]["name"] in names and pod_ready(pod)]


def question(primary: Place | None) -> list[Question]:
    """What to ask a primary, if there is one."""
    return [Question(KEY, primary["pod"], CONTAINER, COMMAND)] if primary else []


def server(observed: t.Mapping[str, t.Sequence[Object]]) -> Server:
    """The primary from its answer to COMMAND."""
    answer = next(iter(observed.get(KEY) or []), {"problem": "there is no primary to ask"})
    if answer.get("problem"):
        return Server(str(answer["problem"]))
    try:
        said = json.loads(answer["output"])
        return Server(
            problem="",
            fsync=said["fsync"] == "on",
            full_page_writes=said["full_page_writes"] == "on",
            commits={
                ("", ""): said["commit"],
                **{(each["role"], each["database"]): each["value"] for each in said["set"]},
            },
            # Bytes are null for a standby that has just begun to stream.
            standbys=[
                Standby(each["name"], each["sync"], int(each["missing"] or 0), int(each["unapplied"] or 0))
                for each in said["standbys"]
            ],
        )
    except (KeyError, TypeError, ValueError):
        return Server("its answer cannot be read")


def risks(
    setup: Setup, databases: t.Sequence[DatabaseSpec], observed: t.Mapping[str, t.Sequence[Object]], most_behind: int
) -> list[Risk]:
    """All risks of a cluster. Who is synchronous the primary knows best; ``setup`` has it from the operator's records."""
    found = server(observed)
    if setup.mode != "off" and not found.problem:
        setup = replace(setup, standbys=found.synchronous(observed["pods"]))
    zones = zones_of(observed.get("nodes") or [])
    return [*setup_risks(setup, zones), *server_risks(found, databases, most_behind)]


def server_risks(found: Server, databases: t.Sequence[DatabaseSpec], most_behind: int) -> Iterator[Risk]:
    """The risks that a primary tells of itself and its standbys; of ``databases``, what is set for them and their owners."""
    if found.problem:
        yield risk(
            "not_seen",
            f"the primary was not asked: {found.problem}",
            why="Lag, fsync and synchronous_commit show in the server only",
            remedy="Allow pods/exec in its namespace, or look with psql at pg_stat_replication and these settings",
        )
        return
    yield from flush_risks(fsync=found.fsync, full_page_writes=found.full_page_writes)
    yield from _commit_risks(found, databases)
    for standby in found.standbys:
        yield from _lag_risks(standby, most_behind, synchronous=_waits(found))


def flush_risks(*, fsync: bool, full_page_writes: bool) -> Iterator[Risk]:
    """What a crash of the server itself would cost."""
    if not fsync:
        yield risk("not_flushed", "fsync is off")
    if not full_page_writes:
        yield risk("torn_pages", "full_page_writes is off")


def commit_risks(where: str, value: str, *, synchronous: bool) -> Iterator[Risk]:
    """What synchronous_commit gives away: off the disk, local the standby where there is one to wait for."""
    if value.lower() in _OFF or (value.lower() == "local" and synchronous):
        yield risk("commits_do_not_wait", f"synchronous_commit is {value}{where}")


def commit_asked_for(dsn_params: t.Mapping[str, t.Any]) -> str:
    """The synchronous_commit that a data source gives its sessions, "" for none: its own parameter comes after options."""
    in_options = _IN_OPTIONS.findall(str(dsn_params.get("options", "")))
    return str(dsn_params.get("synchronous_commit", in_options[-1] if in_options else ""))


def _waits(found: Server) -> bool:
    return any(standby.sync in SYNCHRONOUS for standby in found.standbys)


def _commit_risks(found: Server, databases: t.Sequence[DatabaseSpec]) -> Iterator[Risk]:
    """What kine's sessions get: what is set for a role comes before what is set for a database."""
    for owner, name in [(item.owner, item.name) for item in databases]:
        settings = [key for key in ((owner, name), (owner, ""), ("", name), ("", "")) if key in found.commits]
        role, database = settings[0]
        whom = " and ".join(filter(None, (role and f"role {role}", database and f"database {database}")))
        value = found.commits[role, database]
        yield from commit_risks(f" for {whom}" if whom else "", value, synchronous=_waits(found))


def _lag_risks(standby: Standby, most: int, *, synchronous: bool) -> Iterator[Risk]:
    """A synchronous standby has each acknowledged write on its disk, and still has to replay it before it leads."""
    if standby.sync in SYNCHRONOUS and standby.unapplied > most:
        yield risk(
            "standby_lagging",
            f"{standby.name} has {_mebibytes(standby.unapplied)} to replay, more than {_mebibytes(most)}",
            severity="warn",
            why="It has each acknowledged write, and takes none itself before it has replayed them",
        )
    if not synchronous and standby.missing > most:
        yield risk(
            "standby_lagging", f"{standby.name} lacks {_mebibytes(standby.missing)}, more than {_mebibytes(most)}"
        )


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"
