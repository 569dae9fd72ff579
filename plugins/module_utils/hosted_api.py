# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of a hosted control plane, through a port-forward to a replica: no route to its own address is needed."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import control_planes, replica_health
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_observation import certificate_name
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_report import options_from
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, HaError, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, pod_ready
from ansible_collections.k0smotron.ha.plugins.module_utils.replica_health import Administrator

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

NOT_FOUND = 404
REFUSED = (401, 403)


@dataclasses.dataclass(frozen=True)
class HostedApi:
    """One replica that answered, asked as the administrator. `name` is the control plane's, for people."""

    kube: Kube
    name: str
    namespace: str
    pod: str
    port: int
    server_name: str
    who: Administrator

    def get(self, path: str) -> Object | None:
        """The object at a path of the API; None when there is none."""
        return self._ask("GET", path)

    def delete(self, path: str) -> bool:
        """Delete the object at a path; whether there was one."""
        return self._ask("DELETE", path) is not None

    def _ask(self, method: str, path: str) -> Object | None:
        status, body = self.kube.https(
            method,
            self.namespace,
            self.pod,
            self.port,
            path,
            ca=self.who.ca,
            cert=self.who.cert,
            key=self.who.key,
            server_name=self.server_name,
        )
        if status == NOT_FOUND:
            return None
        if status >= 300:
            # Without the body: it is a Kubernetes Status in most cases, but nobody promises that.
            message = f"The API of the control plane {self.name} answered {status} to {method} {path}"
            if status in REFUSED:
                raise Forbidden(message, "See whether its kubeconfig Secret is that of the present control plane")
            raise HaError(message)
        return t.cast(Object, json.loads(body))


def reach(kube: Kube, cluster: Object) -> HostedApi:
    """The API of a live Cluster. Raises Unreachable, with what each replica says, when none is up."""
    options = options_from(cluster)
    name, namespace = f"{options.namespace}/{options.name}", options.namespace
    secret, server_name = control_planes.kubeconfig_secret(options.name), certificate_name(options)
    pods = kube.list("v1", "Pod", namespace, control_planes.pod_selector(options.name))
    ready = sorted(pod["metadata"]["name"] for pod in pods if pod_ready(pod))
    answers = replica_health.ask_each(kube, namespace, ready, options.api_port, secret, server_name)
    up = next((pod for pod, answer in answers.items() if answer is True), None)
    if up is None:
        said = "; ".join(f"{pod}: {answer}" for pod, answer in answers.items()) or "it has no ready replica"
        raise Unreachable(
            f"The control plane {name} is not up: {said}",
            "Look at k0smotron.ha.cluster_info, and run k0smotron.ha.cluster to wait for it",
        )
    who = replica_health.administrator_in(kube, namespace, secret)
    return HostedApi(kube, name, namespace, up, options.api_port, server_name, who)
