# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: a hosted control plane through Cluster API."""

from __future__ import annotations

DOCUMENTATION = r"""
module: control_plane
short_description: Run a Kubernetes control plane through Cluster API, until every replica answers
version_added: 0.2.0
description:
  - Declares a Cluster API Cluster with a K0smotronControlPlane that stores its state through kine, and waits until it is
    really up. For a standalone control plane, without Cluster API, there is M(k0smotron.ha.cluster).
  - Up means what it means there - every replica runs what was asked for and answers V(ok) to C(/readyz) - and that
    Cluster API sees the control plane, as C(ControlPlaneAvailable) and C(RemoteConnectionProbe) of its Cluster.
  - Needs Cluster API 1.11 or later (C(cluster.x-k8s.io/v1beta2)) with k0smotron's providers, which the role
    C(k0smotron.ha.cluster_api) installs.
  - A Cluster that exists already is taken over when its control plane is a K0smotronControlPlane. The names that it
    has chosen for that and for its infrastructure stay.
  - k0smotron does not notice when somebody edits the Cluster of its own API group that it makes of the
    K0smotronControlPlane. This module does, and brings it back.
  - A change of anything, also of O(replicas), makes k0smotron restart all replicas, one after the other.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes
  - k0smotron.ha.control_plane
  - k0smotron.ha.control_plane.shape
options:
  name:
    description:
      - Name of the Cluster. It has to be unique among the Clusters on k0smotron of all namespaces, because k0smotron counts
        replicas by it alone.
    type: str
    required: true
  namespace:
    description:
      - Namespace of the Cluster. It has to exist.
    type: str
    required: true
  state:
    description:
      - V(present) declares the control plane.
      - V(absent) removes the Cluster, and Cluster API removes all that belongs to it. The data source Secret and the
        database stay. A control plane that is made again on the same database gets a new certificate authority, and the
        join tokens of the old one still count; see the notes.
    type: str
    choices: [present, absent]
    default: present
  infrastructure:
    description:
      - What the Cluster names as its infrastructure. By default a RemoteCluster of the Cluster's name, which needs nothing
        and is made here. k0smotron writes the API's address into it.
      - For infrastructure of your own, which has to exist, or the Cluster waits for it. It needs the annotation
        C(cluster.x-k8s.io/managed-by=k0smotron).
    type: dict
    suboptions:
      api_group:
        description: API group, such as C(infrastructure.cluster.x-k8s.io).
        type: str
        default: infrastructure.cluster.x-k8s.io
      kind:
        description: Kind.
        type: str
        required: true
      name:
        description: Name, in the same namespace.
        type: str
        required: true
  pod_cidrs:
    description:
      - Networks of the hosted cluster's pods; k0s' default when empty. k0s takes one, and it cannot change later.
    type: list
    elements: str
    default: []
  service_cidrs:
    description:
      - Networks of the hosted cluster's Services; k0s' default when empty. k0s takes one, and it cannot change later.
    type: list
    elements: str
    default: []
  service_domain:
    description:
      - DNS domain of the hosted cluster; k0s' default when not given. It cannot change later.
    type: str
  paused:
    description:
      - Pause the K0smotronControlPlane. What is declared meanwhile happens when a later run has V(false) here.
      - While it is paused nothing is awaited. A pause that somebody else has set is never taken over - with V(false) it is an
        error, with V(true) a warning, and it stays when this one ends.
    type: bool
    default: false
seealso:
  - module: k0smotron.ha.cluster
  - module: k0smotron.ha.datasource_secret
  - module: k0smotron.ha.cluster_info
  - module: k0smotron.ha.commit_order
"""

EXAMPLES = r"""
- name: Run a control plane of three replicas on the database that the Secret names
  k0smotron.ha.control_plane:
    name: team-a
    namespace: team-a
    service_type: LoadBalancer
    data_source_secret: team-a-data-source

- name: With networks of its own, on infrastructure that another provider has made
  k0smotron.ha.control_plane:
    name: team-b
    namespace: team-b
    service_type: LoadBalancer
    data_source_secret: team-b-data-source
    pod_cidrs: [10.100.0.0/16]
    service_cidrs: [10.101.0.0/16]
    infrastructure:
      kind: OpenStackCluster
      name: team-b

- name: Remove a control plane and keep its database
  k0smotron.ha.control_plane:
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
  description: For each pod V(true) when its C(/readyz) said ok and it hears of changes, or else what is wrong with it.
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
created:
  description: Whether the K0smotronControlPlane was not there before this run.
  returned: O(state=present)
  type: bool
  sample: false
resource:
  description: Name of the K0smotronControlPlane.
  returned: O(state=present)
  type: str
  sample: team-a
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import control_plane_run
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.arguments import ARGUMENTS, EXCLUSIVE
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

INFRASTRUCTURE: dict[str, dict[str, t.Any]] = {
    "api_group": {"type": "str", "default": "infrastructure.cluster.x-k8s.io"},
    "kind": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
}
CLUSTER_API: dict[str, dict[str, t.Any]] = {
    "infrastructure": {"type": "dict", "options": INFRASTRUCTURE},
    "pod_cidrs": {"type": "list", "elements": "str", "default": []},
    "service_cidrs": {"type": "list", "elements": "str", "default": []},
    "service_domain": {"type": "str"},
    "paused": {"type": "bool", "default": False},
}


def main() -> t.NoReturn:
    run({**ARGUMENTS, **CLUSTER_API}, control_plane_run.ensure, mutually_exclusive=EXCLUSIVE)


if __name__ == "__main__":
    main()
