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
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_load import Load
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_site import Site, site
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_subject import Subject, find
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_turn import turn
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

    Params: t.TypeAlias = t.Mapping[str, t.Any]

LOAD = ("writers", "rate", "readers", "watchers", "retries")
MOST_OTHERS = 9


def drill(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Fails with the certificates when a verdict is negative."""
    params = module.params
    _refuse(params)
    subjects = [find(kube, name, namespace) for name, namespace in _control_planes(params)]
    fault = faults.fault(params["fault"])
    operator = _operator(kube, subjects[0], needed=fault.id == "operator_down")
    if not module.check_mode:
        _undo_killed(kube, subjects[0], operator)
    scene = dataclasses.replace(subjects[0].scene(), operator=operator, command=params["fault_command"] or ())
    actions = fault.actions(scene, params["fault_seconds"])
    for subject in subjects:
        subject.require_fit()
    for action in actions:
        drill_actions.rehearse(kube, action)
    plan: dict[str, t.Any] = {"fault": fault.id, "actions": [drill_actions.words(action) for action in actions]}
    if module.check_mode:
        return {"changed": True, "msg": f"Would drill: {fault.title}", **plan}
    found = [_certify(each, fault, plan["actions"], params) for each in _seen(kube, subjects, actions, fault, params)]
    result = {
        "changed": True,
        "certificate": found[0],
        "others": found[1:],
        "msg": "\n".join(map(certificate.headline, found)),
        **plan,
    }
    if params["report"]:
        result["report"] = params["report"]
        for path, each in zip(_pages(params), found, strict=True):
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


def _seen(
    kube: Kube, subjects: t.Sequence[Subject], actions: t.Sequence[faults.Action], fault: faults.Fault, params: Params
) -> list[Seen]:
    """The drill itself, and what is there afterwards."""
    load = Load(**{key: params[key] for key in LOAD})
    with contextlib.ExitStack() as stack:
        for subject in subjects:
            stack.enter_context(turn(kube, subject.options.name, subject.options.namespace))
        for action in actions:
            if isinstance(action, faults.Stop):
                stack.enter_context(drill_operator.turn_of(kube, action.deployment))
        sites = [stack.enter_context(site(subject, load)) for subject in subjects]
        _work(kube, sites, actions, fault, params)
        with ThreadPoolExecutor(len(sites)) as pool:
            return [Seen(*pair) for pair in zip(sites, pool.map(Site.afterwards, sites), strict=True)]


def _certify(seen: Seen, fault: faults.Fault, actions: t.Sequence[str], params: Params) -> certificate.Certificate:
    log = seen.site.log
    return certificate.issue(
        subject=seen.site.subject.description(),
        fault=fault,
        actions=actions,
        load={key: params[key] for key in LOAD},
        findings=oracle.judge(log, seen.afterwards),
        measures=measure(log),
        limits=certificate.Limits(_limit(params, fault), params["max_watch_gap"]),
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
        for path in _pages(params):
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


def _work(
    kube: Kube, sites: t.Sequence[Site], actions: t.Sequence[faults.Action], fault: faults.Fault, params: Params
) -> None:
    """Load, the fault, and recovery."""
    for each in sites:
        each.start()
    time.sleep(params["warm_up"])
    for each in sites:
        each.require_writes()
    began = _begin(sites)
    try:
        for action in actions:
            drill_actions.act(kube, action)
            if isinstance(action, faults.Stop):
                began = _begin(sites)  # no client feels that an operator has gone
        for each in sites:
            each.fault_is_over()
        if fault.lasts:
            time.sleep(max(0.0, began + params["fault_seconds"] - time.monotonic()))
    finally:
        for action in actions:
            drill_actions.undo(kube, action)
    with contextlib.suppress(WaitTimeout):  # the certificate says it better: by its gap, and by what is lost
        kube.wait(lambda: _up(sites), params["recovery"])
    time.sleep(params["after"])
    for each in sites:
        each.stop_writing()


def _begin(sites: t.Sequence[Site]) -> float:
    for each in sites:
        each.fault_begins()
    return time.monotonic()


def _up(sites: t.Sequence[Site]) -> Verdict:
    return next((verdict for verdict in (each.up() for each in sites) if not verdict.up), Verdict(True, "all are up"))
