# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module failover_drill does: clients at work, one fault, recovery, and the judgement of what the clients saw."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import threading
import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import (
    drill_actions,
    drill_operator,
    drill_place,
    report_file,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.drill import certificate, faults, oracle, replicas
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.measures import measure
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.page import page
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import (
    ACKNOWLEDGED,
    Afterwards,
    Lag,
    Log,
    Moment,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_load import Clients, Load
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_subject import Subject, find
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_turn import turn
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

    Params: t.TypeAlias = t.Mapping[str, t.Any]

LOAD = ("writers", "rate", "readers", "watchers", "retries")
LOOK_SECONDS = 1.0
"""How often roles and replicas are looked at for the timeline."""
LAG_SECONDS = 3.0
"""How often the primary is asked for the lag: each time is a process in its pod, and should not be what is measured."""
HEAR_SECONDS = 60.0
"""Watchers get so long after the last write to hear of it; how long they took is in the certificate."""
SAME_SECONDS = 60.0
"""Replicas get so long to hold the same objects: a replica that is back reads them all anew."""


def drill(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Fails with the certificate when the verdict is negative."""
    params = module.params
    _refuse(params)
    subject = find(kube, params["name"], params["namespace"])
    fault = faults.fault(params["fault"])
    operator = _operator(kube, subject, needed=fault.id == "operator_down")
    if operator and not module.check_mode:
        drill_operator.restore(kube, operator)
    scene = dataclasses.replace(subject.scene(), operator=operator, command=params["fault_command"] or ())
    actions = fault.actions(scene, params["fault_seconds"])
    subject.require_fit()
    for action in actions:
        drill_actions.rehearse(kube, action)
    plan = {"fault": fault.id, "actions": [drill_actions.words(action) for action in actions]}
    if module.check_mode:
        return {"changed": True, "msg": f"Would drill: {fault.title}", **plan}
    with contextlib.ExitStack() as turns:
        turns.enter_context(turn(kube, params["name"], params["namespace"]))
        for action in actions:
            if isinstance(action, faults.Stop):
                turns.enter_context(drill_operator.turn_of(kube, action.deployment))
        log, afterwards = _Drill(kube, subject, params).run(actions, lasts=fault.lasts)
    found = certificate.issue(
        subject=subject.description(),
        fault=fault,
        load={key: params[key] for key in LOAD},
        findings=oracle.judge(log, afterwards),
        measures=measure(log),
        limits=certificate.Limits(_limit(params, fault), params["max_watch_gap"]),
        log=log,
        when=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    result = {"changed": True, "certificate": found, "msg": certificate.headline(found), **plan}
    if params["report"]:
        report_file.write(module, params["report"], page(found))
        result["report"] = params["report"]
    if not found["passed"]:
        module.fail_json(**result)
    return result


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
    if params["report"]:
        report_file.refuse(params["report"])


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


class _Drill:
    """One drill on its way."""

    def __init__(self, kube: Kube, subject: Subject, params: Params) -> None:
        self._kube, self._subject, self._params = kube, subject, params
        self._calm = threading.Event()

    def run(self, actions: t.Sequence[faults.Action], *, lasts: bool) -> tuple[Log, Afterwards]:
        """Load, fault, recovery, and what is there afterwards. The namespace goes in any case."""
        address, params = self._subject.address, self._params
        drill_place.clean(address)
        before = self._subject.bookkeeping(), self._subject.authority()
        namespace = drill_place.make(address)
        clients = Clients(address, namespace, Load(**{key: params[key] for key in LOAD}))
        try:
            self._work(clients, actions, self._params["fault_seconds"] if lasts else 0)
            self._let_hear(clients.log)
            objects, unread = drill_place.read_back(address, namespace, {write.key for write in clients.log.writes})
            afterwards = Afterwards(
                objects=objects,
                unread=unread,
                replicas=self._differences(),
                authority=(before[1], self._subject.authority()),
                kine=[text for name, text in self._subject.bookkeeping().items() if name not in before[0]],
            )
        finally:
            clients.stop()
            self._calm.set()
            with contextlib.suppress(HaError):  # what went wrong before is the news; the next drill removes it
                drill_place.remove(address, namespace)
        return clients.log, afterwards

    def _work(self, clients: Clients, actions: t.Sequence[faults.Action], seconds: int) -> None:
        clients.start()
        for look in (self._look, self._look_at_lag):  # apart, because a primary that hangs lets the second wait
            threading.Thread(target=look, args=(clients,), daemon=True).start()
        time.sleep(self._params["warm_up"])
        if not any(write.outcome == ACKNOWLEDGED for write in clients.log.writes):
            raise WaitTimeout(
                f"No write was acknowledged within {self._params['warm_up']} s, so there is nothing to disturb"
            )
        clients.log.fault_at = clients.now()
        try:
            for action in actions:
                drill_actions.act(self._kube, action)
                if isinstance(action, faults.Stop):
                    clients.log.fault_at = clients.now()  # no client feels that an operator has gone
            begun = clients.now()
            time.sleep(max(0.0, clients.log.fault_at + seconds - begun))
        finally:
            for action in actions:
                drill_actions.undo(self._kube, action)
        self._recover(clients, begun)
        clients.stop_writing()

    def _recover(self, clients: Clients, at: float) -> None:
        """Until writes are acknowledged again, everything is up, and some time beyond that."""

        def up() -> Verdict:
            if not any(write.began > at and write.outcome == ACKNOWLEDGED for write in clients.log.writes[-50:]):
                return Verdict(False, "no write has been acknowledged since the fault")
            return self._subject.up()

        with contextlib.suppress(WaitTimeout):  # the certificate says it better: by its gap, and by what is lost
            self._kube.wait(up, self._params["recovery"])
        time.sleep(self._params["after"])

    def _let_hear(self, log: Log) -> None:
        until = time.monotonic() + HEAR_SECONDS
        while next(oracle.unheard(log), None) and time.monotonic() < until:
            time.sleep(1)

    def _look(self, clients: Clients) -> None:
        last = ""
        while not self._calm.wait(LOOK_SECONDS):
            with contextlib.suppress(HaError):
                seen = self._subject.look()
                if seen != last:
                    clients.log.moments.append(Moment(clients.now(), seen))
                last = seen

    def _look_at_lag(self, clients: Clients) -> None:
        while not self._calm.wait(LAG_SECONDS):
            with contextlib.suppress(HaError):
                missing = self._subject.lag()
                if missing:
                    clients.log.lags.append(Lag(clients.now(), missing))

    def _differences(self) -> list[str]:
        until = time.monotonic() + SAME_SECONDS
        earlier = self._subject.memories()
        while True:
            later = self._subject.memories()
            found = list(replicas.against(earlier, later, self._subject.options.replicas))
            if not found or time.monotonic() > until:
                return found
            earlier = later
            time.sleep(1)
