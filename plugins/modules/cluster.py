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
    database too, and hears of changes, which its watches live on. The conditions that k0smotron and Kubernetes show say neither.
  - Everything that can be checked is checked before anything is created - the data source Secret and the URL in it,
    clashes of node ports, changes that would break a live control plane.
  - Works with k0smotron 1.10 (C(v1beta1)) and 2 (C(v1beta2)); the newest version that the cluster serves is used.
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
seealso:
  - module: k0smotron.ha.datasource_secret
  - module: k0smotron.ha.cluster_info
  - module: k0smotron.ha.control_plane
  - module: k0smotron.ha.commit_order
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
  description: Whether the control plane was not there before this run.
  returned: O(state=present)
  type: bool
  sample: false
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_run
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.arguments import ARGUMENTS, EXCLUSIVE
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run


def main() -> t.NoReturn:
    run(ARGUMENTS, cluster_run.ensure, mutually_exclusive=EXCLUSIVE)


if __name__ == "__main__":
    main()
