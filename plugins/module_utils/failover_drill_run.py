# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module failover_drill does: clients at work, one fault, recovery, and the judgement of what the clients saw."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.k0smotron.ha.plugins.module_utils import drill_actions, drill_operator, report_file
from ansible_collections.k0smotron.ha.plugins.module_utils.drill import certificate, faults, oracle
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.measures import measure
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.page import page
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import Afterwards
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_load import CONNECT_SECONDS, REQUEST_SECONDS, Load
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_site import Site, site
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_subject import Subject, find
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_turn import Turn, turn
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, HaError, InvalidInput, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

    Params: t.TypeAlias = t.Mapping[str, t.Any]

LOAD = ("writers", "rate", "readers", "watchers", "retries")
MOST_OTHERS = 9


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done, to whom of the scene as it was when all was well."""

    fault: faults.Fault
    scene: faults.Scene
    actions: t.Sequence[faults.Action]

    def words(self) -> list[str]:
        """The actions, for people."""
        return [drill_actions.words(action) for action in self.actions]


def drill(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Fails with the certificates when a verdict is negative."""
    params = module.params
    _refuse(params)
    subjects = [find(kube, name, namespace) for name, namespace in _control_planes(params)]
    fault = faults.fault(params["fault"])
    operator = _operator(kube, subjects[0], needed=fault.id == "operator_down")
    if module.check_mode:
        return _predicted(module, kube, _plan(kube, subjects[0], fault, operator, params), subjects)
    with contextlib.ExitStack() as stack:
        places = sorted(set().union(*(each.turns() for each in subjects)))
        turns = [stack.enter_context(turn(kube, *place)) for place in places]
        _undo_killed(kube, subjects[0], operator)
        plan = _plan(kube, subjects[0], fault, operator, params)
        for subject in subjects:
            subject.require_fit()
        for action in plan.actions:
            drill_actions.rehearse(kube, action)
            if isinstance(action, faults.Stop):
                turns.append(stack.enter_context(drill_operator.turn_of(kube, action.deployment)))
        found = [_certify(each, plan, params) for each in _seen(kube, subjects, plan, turns, params)]
    return _told(module, plan, found)


def _plan(kube: Kube, subject: Subject, fault: faults.Fault, operator: faults.Workload | None, params: Params) -> Plan:
    scene = dataclasses.replace(subject.scene(), operator=operator, command=params["fault_command"] or ())
    return Plan(fault, scene, fault.actions(scene, params["fault_seconds"]))


def _predicted(module: AnsibleModule, kube: Kube, plan: Plan, subjects: t.Sequence[Subject]) -> dict[str, t.Any]:
    """The result in check mode; what a killed drill left would be put right first, so it is no reason to refuse."""
    operator = plan.scene.operator
    if operator and drill_operator.is_stopped(kube, operator):
        module.warn(f"A drill has stopped {operator.namespace}/{operator.name}, which would be started again first")
    else:
        for subject in subjects:
            subject.require_fit()
    for action in plan.actions:
        drill_actions.rehearse(kube, action)
    todo = "; ".join(plan.words()) or "nothing"
    message = f"Would drill: {plan.fault.title}. To be done: {todo}"
    return {"changed": True, "msg": message, "fault": plan.fault.id, "actions": plan.words()}


def _told(module: AnsibleModule, plan: Plan, found: t.Sequence[certificate.Certificate]) -> dict[str, t.Any]:
    """The result of a drill; fails with it when a certificate did not pass."""
    result = {
        "changed": True,
        "certificate": found[0],
        "others": found[1:],
        "msg": "\n".join(map(certificate.headline, found)),
        "fault": plan.fault.id,
        "actions": plan.words(),
    }
    if module.params["report"]:
        result["report"] = module.params["report"]
        for path, each in zip(_pages(module.params), found, strict=True):
            report_file.write(module, path, page(each))
    if not all(each["passed"] for each in found):
        module.fail_json(**result)
    return result


def _control_planes(params: Params) -> list[tuple[str, str]]:
    """Names and namespaces, the one that the fault is about first."""
    return [(each["name"], each["namespace"]) for each in (params, *params["others"])]


def _pages(params: Params) -> list[str]:
    """The file of each certificate: what the user named, and beside it one for each of the others."""
    stem, extension = os.path.splitext(params["report"])
    return [params["report"], *(f"{stem}-{each['namespace']}-{each['name']}{extension}" for each in params["others"])]


class Seen(t.NamedTuple):
    """A control plane after a drill."""

    site: Site
    afterwards: Afterwards


def _seen(kube: Kube, subjects: t.Sequence[Subject], plan: Plan, turns: t.Sequence[Turn], params: Params) -> list[Seen]:
    """The drill itself, and what is there afterwards."""
    load = Load(**{key: params[key] for key in LOAD})
    with contextlib.ExitStack() as stack:
        sites = [stack.enter_context(site(subject, load)) for subject in subjects]
        _work(kube, sites, plan, turns, params)
        with ThreadPoolExecutor(len(sites)) as pool:
            seen = [Seen(*pair) for pair in zip(sites, pool.map(Site.afterwards, sites), strict=True)]
        _require(turns)  # another drill would have removed what was to be read back
        return seen


def _certify(seen: Seen, plan: Plan, params: Params) -> certificate.Certificate:
    log = seen.site.log
    return certificate.issue(
        subject=seen.site.subject.description(),
        fault=plan.fault,
        actions=plan.words(),
        load={
            **{key: params[key] for key in LOAD},
            "connect_seconds": CONNECT_SECONDS,
            "request_seconds": REQUEST_SECONDS,
        },
        findings=oracle.judge(log, seen.afterwards),
        measures=measure(log),
        limits=certificate.Limits(_limit(params, plan.fault), params["max_watch_gap"]),
        log=log,
        when=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


BOUNDS: t.Mapping[str, tuple[int, int]] = {
    "fault_seconds": (1, 600),
    "writers": (1, 50),
    "rate": (1, 100),
    "readers": (0, 10),
    "watchers": (0, 10),
    "retries": (0, 1),
    "warm_up": (1, 300),
    "recovery": (1, 600),
    "after": (0, 300),
}
"""A drill is bounded in clients, in requests and in time."""


def _refuse(params: Params) -> None:
    for name, (least, most) in BOUNDS.items():
        if not least <= params[name] <= most:
            raise InvalidInput(f"{name} is {params[name]}, and has to be between {least} and {most}")
    if not params["allow_disruption"]:
        raise InvalidInput(
            "A drill breaks something on purpose, and clients of this control plane may see errors",
            "Give allow_disruption: true when that is what you want",
        )
    if params["fault_command"] and params["fault"] != "command":
        raise InvalidInput(f"fault_command is for fault: command, and the fault is {params['fault']}")
    if len(params["others"]) > MOST_OTHERS:
        raise InvalidInput(f"others has {len(params['others'])} control planes, and {MOST_OTHERS} are the most")
    names = [f"{namespace}/{name}" for name, namespace in _control_planes(params)]
    if len({*names}) < len(names):
        raise InvalidInput(f"A control plane is named twice: {', '.join(names)}", "Name it in name or in others")
    if params["report"]:
        pages = _pages(params)
        if len({*pages}) < len(pages):
            raise InvalidInput("Two certificates would be written to one file", "Drill these control planes one by one")
        for path in pages:
            report_file.refuse(path)


def _undo_killed(kube: Kube, subject: Subject, operator: faults.Workload | None) -> None:
    """What a drill that was killed has left behind, and what would make the database look sick to this one."""
    if operator:
        drill_operator.restore(kube, operator)
    subject.tidy()


def _operator(kube: Kube, subject: Subject, *, needed: bool) -> faults.Workload | None:
    """The database's operator; None also where nobody may look for it and no one asked for it."""
    try:
        return drill_operator.find(kube, subject.store.provider) if subject.store else None
    except HaError:
        if needed:
            raise
        return None


def _limit(params: Params, fault: faults.Fault) -> float:
    given = params["max_write_gap"]
    return fault.goal if given is None else float(given)


def _work(kube: Kube, sites: t.Sequence[Site], plan: Plan, turns: t.Sequence[Turn], params: Params) -> None:
    """Load, the fault, and recovery."""
    for each in sites:
        each.start()
    time.sleep(params["warm_up"])
    for each in sites:
        each.require_writes()
    _require_unmoved(sites[0], plan)
    _require(turns)
    _disturb(kube, sites, plan, params["fault_seconds"])
    try:
        kube.wait(lambda: _up(sites), params["recovery"])
    except WaitTimeout:  # the certificate says it better, and for each control plane
        for each in sites:
            each.recovery_is_over()
    time.sleep(params["after"])
    for each in sites:
        each.stop_writing()
    _require(turns)


def _disturb(kube: Kube, sites: t.Sequence[Site], plan: Plan, seconds: int) -> None:
    """The fault, from its begin to its end."""
    began = _begin(sites)
    try:
        for action in plan.actions:
            drill_actions.act(kube, action)
            if isinstance(action, faults.Stop):
                began = _begin(sites)  # no client feels that an operator has gone
        if plan.fault.lasts:
            time.sleep(max(0.0, began + seconds - time.monotonic()))
    finally:
        for action in plan.actions:
            drill_actions.undo(kube, action)
    for each in sites:
        each.fault_is_over()


def _require(turns: t.Sequence[Turn]) -> None:
    """Raise Conflict where another drill has taken this one for dead: what it does is no part of this fault."""
    for each in turns:
        each.require()


def _require_unmoved(site: Site, plan: Plan) -> None:
    """Raise Conflict where a role has moved in the warm-up: what was the standby's pod may be the only one that leads.

    So may the replica that was to stay be the only one that is gone.
    """
    before, now = plan.scene, site.subject.scene()
    takes_replicas = any(isinstance(each, faults.Delete) and each.pod in before.replicas for each in plan.actions)
    if (now.primary, now.standby) != (before.primary, before.standby) or (
        takes_replicas and now.replicas != before.replicas
    ):
        raise Conflict(
            "Nothing was disturbed, because the primary, its standby or a replica has changed in the warm-up:"
            f" {site.subject.look()}",
            "See what else is at work there, and drill again",
        )


def _begin(sites: t.Sequence[Site]) -> float:
    for each in sites:
        each.fault_begins()
    return time.monotonic()


def _up(sites: t.Sequence[Site]) -> Verdict:
    return next((verdict for verdict in (each.up() for each in sites) if not verdict.up), Verdict(True, "all are up"))
