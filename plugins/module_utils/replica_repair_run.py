# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module replica_repair does: restarts replicas whose memory is not to be trusted, and sees each of them well again."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_report
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.replica_memory import needs_restart
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    Record: t.TypeAlias = dict[str, t.Any]


def repair(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. It fails with all records where a restart did not help.

    Raises NotFound for the name of no control plane: whoever repairs it on a schedule would never hear of that.
    """
    params = module.params
    chosen = cluster_report.chosen(kube, params["name"], params["namespace"])
    if params["name"] and not chosen:
        where = f"namespace {params['namespace']}" if params["namespace"] else "any namespace"
        raise NotFound(
            f"There is no control plane {params['name']} in {where}", "Correct its name; without one all are looked at."
        )
    found = [_repaired(kube, cluster, params["wait_timeout"]) for cluster in chosen]
    for each in found:
        if each["left"] and not each["error"]:
            module.warn(f"{each['namespace']}/{each['name']}: {', '.join(each['left'])} left alone: {each['reason']}")
    result = {"changed": any(each["restarted"] for each in found), "control_planes": found}
    if message := _failures(found):
        module.fail_json(msg=message, **result)
    return result


def _failures(found: t.Sequence[Record]) -> str:
    """What went wrong, with the names of the control planes where several were looked at; "" for nothing."""
    failed = [each for each in found if each["error"]]
    if not failed or len(found) == 1:
        return "".join(each["error"] for each in failed)
    told = [f"{each['namespace']}/{each['name']}: {each['error']}" for each in failed]
    return "\n".join([f"{len(failed)} of {len(found)} control planes could not be repaired.", *told])


def _repaired(kube: Kube, cluster: Object, timeout: float) -> Record:
    """The record of a control plane and what was done to it. Its first error ends that: others of the fleet need it, too."""
    record = cluster_report.health(kube, cluster)
    restart, left = choose(record)
    restarted: list[str] = restart if kube.check_mode else []
    error = None
    while error is None and (todo := [pod for pod in restart if pod not in restarted]):
        try:
            _restart(kube, cluster, todo[0], timeout, restarted)
        except HaError as failure:
            error = str(failure)
        # Meanwhile another replica may have ended, or have heard again.
        record = cluster_report.health(kube, cluster)
        restart, left = choose(record)
    if not kube.check_mode:  # what is sick again after its restart, or was not restarted for an error
        left = sorted({*left, *restart})
    own = {key: record[key] for key in ("name", "namespace", "up", "reason")}
    return {**own, "restarted": restarted, "left": left, "error": error}


def choose(record: Record) -> tuple[list[str], list[str]]:
    """(replicas to restart, others that should be and are left alone) of a control plane, by its record.

    Such a replica still answers requests. So it stays while another one does not, which would leave fewer of them.
    """
    sick = sorted(pod for pod, said in record["readyz"].items() if needs_restart(said))
    answer = [pod for pod, said in record["readyz"].items() if said is True or needs_restart(said)]
    return (sick, []) if len(answer) >= record["replicas"]["wanted"] else ([], sick)


def _restart(kube: Kube, cluster: Object, pod: str, timeout: float, restarted: list[str]) -> None:
    """Delete the pod, add it to `restarted`, and wait until the one in its place is well. Raises HaError."""
    namespace = cluster["metadata"]["namespace"]
    ref = Ref("v1", "Pod", pod, namespace)
    before = _uid(kube.get(*ref))

    def back() -> Verdict:
        if _uid(kube.get(*ref)) in (None, before):
            return Verdict(False, f"{ref} was deleted, and there is no other one yet", {})
        record = cluster_report.health(kube, cluster)
        said, replicas = record["readyz"].get(pod), record["replicas"]
        if said is not True:
            return Verdict(False, f"{pod} was restarted, and is not well: {said}", {})
        # It answers us some seconds before Kubernetes sends it anybody else.
        return Verdict(
            replicas["ready"] >= replicas["wanted"],
            f"{pod} was restarted and is well, and {replicas['ready']} of {replicas['wanted']} replicas are ready",
            {},
        )

    kube.delete([ref])
    restarted.append(pod)
    kube.wait(back, timeout, lambda: kube.diagnose(namespace))


def _uid(pod: Object | None) -> str | None:
    return pod["metadata"]["uid"] if pod else None
