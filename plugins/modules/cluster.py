# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: a hosted control plane on k0smotron."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster
short_description: Run a Kubernetes control plane on k0smotron, until every replica answers
version_added: 0.1.0
description:
  - Declares a standalone k0smotron Cluster that stores its state through kine, and waits until it is really up.
  - Up means that every replica runs what was asked for, and that each one answers V(ok) to C(/readyz), which asks its
    database too. The conditions that k0smotron and Kubernetes show say neither.
  - Everything that can be checked is checked before anything is created - the data source Secret and the URL in it,
    clashes of node ports, changes that would break a live control plane.
  - Works with k0smotron 1.10 (C(v1beta1)) and 2 (C(v1beta2)); the newest version that the cluster serves is used.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes
options:
  name:
    description:
      - Name of the control plane.
    type: str
    required: true
  namespace:
    description:
      - Namespace of the control plane. It has to exist.
    type: str
    required: true
  state:
    description:
      - V(present) declares the control plane.
      - V(absent) removes it. The data source Secret and the database stay. The certificate authority of the hosted
        cluster goes, and a control plane that is made again on the same database gets a new one that does not fit the
        data; see the notes.
    type: str
    choices: [present, absent]
    default: present
  replicas:
    description:
      - Number of replicas. It may change at any time.
    type: int
    default: 3
  version:
    description:
      - k0s version with its suffix. It cannot go back to an older minor version.
    type: str
    default: v1.36.3-k0s.2
  image:
    description:
      - Repository of the k0s image, without a tag. k0smotron's default when not given.
    type: str
  service_type:
    description:
      - How the API is exposed. With V(NodePort) the node ports are O(api_port) and O(konnectivity_port), which no other
        Service of the cluster may have. V(LoadBalancer) needs something that gives out addresses.
    type: str
    choices: [ClusterIP, NodePort, LoadBalancer]
    default: ClusterIP
  api_port:
    description:
      - Port of the hosted API.
    type: int
    default: 30443
  konnectivity_port:
    description:
      - Port that the workers' konnectivity agents connect to.
    type: int
    default: 30132
  external_address:
    description:
      - Address under which workers and users reach the API. k0smotron finds it for V(NodePort) and V(LoadBalancer).
    type: str
  service_annotations:
    description:
      - Annotations of the Service, for whatever gives out addresses.
    type: dict
    default: {}
  data_source_secret:
    description:
      - Secret in the same namespace whose key C(K0SMOTRON_KINE_DATASOURCE_URL) holds the database URL, as
        M(k0smotron.ha.datasource_secret) writes it. A new URL in it rolls the replicas one by one.
    type: str
  data_source_url:
    description:
      - The database URL itself. k0smotron copies it with its password into a ConfigMap - use O(data_source_secret).
    type: str
  data_source_checksum:
    description:
      - The checksum that M(k0smotron.ha.datasource_secret) returned. Only check mode uses it, to tell what the real run
        would do after a Secret that is not written yet.
    type: str
  persistence:
    description:
      - What C(persistence) of the Cluster holds, a C(type) and its settings. It cannot change later.
      - The state is in the database, so the default keeps nothing.
    type: dict
    default: {type: emptyDir}
  resources:
    description:
      - C(requests) and C(limits) of each replica, as in a container.
    type: dict
    default: {requests: {cpu: 500m, memory: 1Gi}}
  spread:
    description:
      - Whether replicas must be (V(required)), should be (V(preferred)) or need not be (V(off)) on different nodes.
    type: str
    choices: [required, preferred, "off"]
    default: required
  pod_disruption_budget:
    description:
      - Let a node drain take at most one replica at a time.
    type: bool
    default: true
  fast_start:
    description:
      - Start all replicas at once and probe them early, which saves minutes at creation. Needs k0smotron 2, and has no
        effect on a live control plane.
      - Turn it off for a new database on MySQL or MariaDB. There a kine that finds its table while another one is making it
        leaves the unique index out, and that one cannot make it any more (kine 0.16, seen).
    type: bool
    default: true
  labels:
    description:
      - Labels of the Cluster and its pods. They cannot change later.
    type: dict
    default: {}
  annotations:
    description:
      - Annotations of the Cluster and its pods. A change rolls the replicas.
    type: dict
    default: {}
  mounts:
    description:
      - Volumes for the replicas, each with its C(path) and its source, for example a C(secret) with a C(secretName).
    type: list
    elements: dict
    default: []
  control_plane_flags:
    description:
      - Extra flags for the k0s controller, each as C(--flag=value).
    type: list
    elements: str
    default: []
  spec:
    description:
      - Anything else of the Cluster's C(spec), merged last, in the words of the API version that the cluster serves. A
        null removes a field.
    type: dict
    default: {}
  wait:
    description:
      - Wait until every replica answers, or with O(state=absent) until the replicas are gone.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds after which waiting fails, with k0smotron's own words and the last event and log line of what is not up.
    type: int
    default: 900
notes:
  - The Secrets C(<name>-ca), C(<name>-sa), C(<name>-proxy) and C(<name>-etcd) belong to the Cluster, and Kubernetes
    deletes them with it. To make the same control plane again on the same database, copy them first, without their
    owner references, and put them back before you create it - k0smotron takes what it finds. Otherwise give the new
    one an empty database.
seealso:
  - module: k0smotron.ha.datasource_secret
  - module: k0smotron.ha.cluster_info
"""

EXAMPLES = r"""
- name: Run a control plane of three replicas on the database that the Secret names
  k0smotron.ha.cluster:
    name: team-a
    namespace: team-a
    data_source_secret: team-a-data-source

- name: A second one with node ports of its own
  k0smotron.ha.cluster:
    name: team-b
    namespace: team-b
    service_type: NodePort
    api_port: 30444
    konnectivity_port: 30133
    data_source_secret: team-b-data-source

- name: Remove a control plane
  k0smotron.ha.cluster:
    name: team-b
    namespace: team-b
    state: absent
"""

RETURN = r"""
api_version:
  description: API version of k0smotron that was used.
  returned: O(state=present)
  type: str
  sample: k0smotron.io/v1beta2
api_url:
  description: Where the hosted API answers; null while no address is known.
  returned: O(state=present)
  type: str
  sample: https://192.0.2.10:30443
kubeconfig_secret:
  description: Secret in the same namespace whose key C(value) holds the administrator's kubeconfig.
  returned: O(state=present)
  type: str
  sample: team-a-kubeconfig
replicas:
  description: How many replicas are wanted, ready, and run what was asked for (C(updated)).
  returned: O(state=present)
  type: dict
  sample: {wanted: 3, ready: 3, updated: 3}
readyz:
  description: For each pod V(true) when its C(/readyz) said ok, or else what it said.
  returned: O(state=present)
  type: dict
  sample: {kmc-team-a-0: true, kmc-team-a-1: true, kmc-team-a-2: true}
nodes:
  description: The node of each pod.
  returned: O(state=present)
  type: dict
  sample: {kmc-team-a-0: n1, kmc-team-a-1: n2, kmc-team-a-2: n3}
verdict:
  description: Whether the control plane is up, and why not if it is not.
  returned: O(state=present)
  type: dict
  sample: {up: true, reason: 3 of 3 replicas are ready and answer /readyz}
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_run
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "replicas": {"type": "int", "default": 3},
    "version": {"type": "str", "default": "v1.36.3-k0s.2"},
    "image": {"type": "str"},
    "service_type": {"type": "str", "choices": ["ClusterIP", "NodePort", "LoadBalancer"], "default": "ClusterIP"},
    "api_port": {"type": "int", "default": 30443},
    "konnectivity_port": {"type": "int", "default": 30132},
    "external_address": {"type": "str"},
    "service_annotations": {"type": "dict", "default": {}},
    "data_source_secret": {"type": "str", "no_log": False},
    "data_source_url": {"type": "str", "no_log": True},
    "data_source_checksum": {"type": "str"},
    "persistence": {"type": "dict", "default": {"type": "emptyDir"}},
    "resources": {"type": "dict", "default": {"requests": {"cpu": "500m", "memory": "1Gi"}}},
    "spread": {"type": "str", "choices": ["required", "preferred", "off"], "default": "required"},
    "pod_disruption_budget": {"type": "bool", "default": True},
    "fast_start": {"type": "bool", "default": True},
    "labels": {"type": "dict", "default": {}},
    "annotations": {"type": "dict", "default": {}},
    "mounts": {"type": "list", "elements": "dict", "default": []},
    "control_plane_flags": {"type": "list", "elements": "str", "default": []},
    "spec": {"type": "dict", "default": {}},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 900},
}


def main() -> t.NoReturn:
    run(ARGUMENTS, cluster_run.ensure, mutually_exclusive=[("data_source_secret", "data_source_url")])


if __name__ == "__main__":
    main()
