# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is an InnoDBCluster really up? The operator's ONLINE comes late and looks at no router. Pure.

It writes the status when a pod event makes it look (mysql/mysql-operator 9.1.0-2.2.2, operator_cluster.py); each member
itself says at any time who is in the group, and who leads.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.objects import (
    Object,
    addresses,
    has_credentials,
    place,
    pod_problem,
    pod_ready,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Observed: t.TypeAlias = t.Mapping[str, t.Sequence[Object]]

_ASK = (
    "SELECT 'server', @@global.super_read_only, @@global.group_replication_single_primary_mode,"
    " @@global.innodb_flush_log_at_trx_commit, @@global.sync_binlog;"
    " SELECT 'member', member_host, member_state, member_role FROM performance_schema.replication_group_members"
)
# localroot needs no password on the socket: the operator makes it for its own probes (cluster_objects.py, prepare_initconf).
COMMAND = ("timeout", "5", "mysql", "--user=localroot", "--batch", "--skip-column-names", f"--execute={_ASK}")


@dataclass(frozen=True)
class Server:
    """One server in its own words. ``members``: {pod: (state, role)} as it sees the group. ``problem``: "" if it answered.

    ``flushes``, ``syncs_binlog``: whether each commit is on its disk, in the data and in the log.
    """

    pod: str
    problem: str
    read_only: bool
    single_primary: bool
    flushes: bool
    syncs_binlog: bool
    members: t.Mapping[str, tuple[str, str]]

    @property
    def primaries(self) -> list[str]:
        return [pod for pod, (state, role) in self.members.items() if (state, role) == ("ONLINE", "PRIMARY")]


def server(pod: str, answers: t.Sequence[Object] | None) -> Server:
    """A server from the answer to COMMAND."""
    answer: Object = answers[0] if answers else {"problem": "it was not asked"}
    rows = [line.split("\t") for line in str(answer.get("output") or "").splitlines()]
    own = next((row for row in rows if row[0] == "server" and len(row) == 5), None)
    problem = str(answer.get("problem") or "") or ("" if own else "its answer cannot be read")
    members = {row[1].partition(".")[0]: (row[2], row[3]) for row in rows if row[0] == "member" and len(row) == 4}
    _server, read_only, single, flushes, syncs = own or ["", "1", "0", "0", "0"]
    return Server(pod, problem, read_only != "0", single == "1", flushes == "1", syncs == "1", members)


def answers(observed: Observed) -> list[Server]:
    """Each ready server in its own words."""
    names = [pod["metadata"]["name"] for pod in observed.get("pods") or [] if pod_ready(pod)]
    return [server(name, observed.get(f"server:{name}")) for name in names]


def judge(wanted: int, owners: t.Sequence[str], observed: Observed) -> Verdict:
    """Judge an InnoDBCluster of ``wanted`` instances; see :meth:`Datastore.judge` for the details."""
    pods = observed.get("pods") or []
    servers = answers(observed)
    facts = _details(wanted, owners, pods, servers, observed)
    if not observed.get("cluster"):
        return Verdict(False, "The InnoDBCluster does not exist yet", facts)
    problem = next(_problems(facts, pods, servers, observed), None)
    if problem:
        return Verdict(False, problem, facts)
    return Verdict(True, f"{wanted} of {wanted} instances are in the group, primary {facts['leader']['pod']}", facts)


def _details(
    wanted: int, owners: t.Sequence[str], pods: t.Sequence[Object], servers: t.Sequence[Server], observed: Observed
) -> dict[str, t.Any]:
    """What was seen, without judging it. Of the secondaries a majority has each write before it is acknowledged."""
    leader, secondaries = members(pods, servers)
    return {
        "status": _status(observed),
        "instances": {"wanted": wanted, "ready": len(servers)},
        "leader": leader,
        "sync_standby": next(iter(secondaries), None),
        "mode": "on" if wanted > 1 else "off",
        "secrets": {owner: has_credentials(observed.get(f"secret:{owner}")) for owner in owners},
    }


def members(pods: t.Sequence[Object], servers: t.Sequence[Server]) -> tuple[Object | None, list[Object]]:
    """The places of the primary that all agree on, and of the secondaries that it sees online."""
    places = {pod["metadata"]["name"]: place(pod) for pod in pods}
    leaders = {name for each in servers for name in each.primaries}
    leader = places.get(leaders.pop()) if len(leaders) == 1 else None
    seen = next((each for each in servers if leader and each.pod == leader["pod"]), None)
    online = [name for name, state in seen.members.items() if state == ("ONLINE", "SECONDARY")] if seen else []
    return leader, [places[name] for name in sorted(online) if name in places]


def silence(leader: Object | None, servers: t.Sequence[Server]) -> str:
    """Why the primary was not heard, "" when it was; with no primary known, why nobody was."""
    problems = [each.problem for each in servers if leader is None or each.pod == leader["pod"]]
    return problems[0] if problems and all(problems) else ""


def _status(observed: Observed) -> str:
    cluster = observed["cluster"][0] if observed.get("cluster") else {}
    return str(((cluster.get("status") or {}).get("cluster") or {}).get("status") or "")


def _problems(
    facts: t.Mapping[str, t.Any], pods: t.Sequence[Object], servers: t.Sequence[Server], observed: Observed
) -> Iterator[str]:
    """What is missing, the cause before its consequences."""
    wanted, status = facts["instances"]["wanted"], facts["status"]
    if not status and not pods:
        yield (
            "Oracle's MySQL operator has not looked at the InnoDBCluster yet: no status, no pods. Does it run?"
            " The role k0smotron.ha.mysql_operator installs it with mysql_operator_provider: innodbcluster"
        )
    if len(servers) < wanted:
        waiting = next((pod for pod in pods if not pod_ready(pod)), None)
        which = f": {waiting['metadata']['name']} is not ready ({pod_problem(waiting)})" if waiting else ""
        yield f"{len(servers)} of {wanted} instances are ready{which} (the operator reports {status or 'nothing'})"
    if len(pods) > wanted:
        yield f"{len(pods)} instances exist, {wanted} were asked for"
    yield from (f"{each.pod} does not answer: {each.problem}" for each in servers if each.problem)
    for each in servers:
        yield from _group_problems(each, wanted)
    yield from _primary_problems(facts["leader"], servers)
    if status != "ONLINE":
        yield f"The operator reports {status or 'no status yet'}"
    if not addresses(observed.get("routers")):
        yield "No router is ready, so the Service leads nowhere yet"
    yield from (
        f"The credential Secret of {owner} does not exist yet" for owner, found in facts["secrets"].items() if not found
    )


def _group_problems(each: Server, wanted: int) -> Iterator[str]:
    """How a member sees its group; one that was cut off sees another group than the rest."""
    if not each.single_primary:
        yield (
            f"{each.pod} is in multi-primary mode, which kine does not support: its revisions are ids that rise by one,"
            " and several primaries number in steps"
        )
    for member, (state, _role) in each.members.items():
        if state != "ONLINE":
            yield f"{each.pod} sees {member or 'itself'} as {state}"
    if len(each.members) != wanted:
        yield f"{each.pod} sees {len(each.members)} members in the group, {wanted} were asked for"
    if len(each.primaries) != 1:
        yield f"{each.pod} sees {len(each.primaries)} primaries"


def _primary_problems(leader: t.Mapping[str, t.Any] | None, servers: t.Sequence[Server]) -> Iterator[str]:
    if leader is None:
        yield "The members do not agree on one primary that is ready"
        return
    for each in servers:
        if each.pod == leader["pod"] and each.read_only:
            yield f"The primary {each.pod} is read only"
        if each.pod != leader["pod"] and not each.read_only:
            yield f"{each.pod} takes writes beside the primary {leader['pod']}"
