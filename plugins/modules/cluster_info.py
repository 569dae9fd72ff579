# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: what control planes run, on what, how healthy."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Which hosted control planes run, on which database, how healthy
version_added: 0.1.0
description:
  - Reads every k0smotron control plane, or one of them, asks each replica for C(/readyz), and looks up the database
    behind it. Changes nothing.
  - A control plane that is not healthy does not make the module fail. Its record says what is wrong.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes.info
options:
  name:
    description:
      - Only the control plane of this name.
    type: str
  namespace:
    description:
      - Only control planes in this namespace; in all of them when not given.
    type: str
seealso:
  - module: k0smotron.ha.cluster
  - module: k0smotron.ha.replica_repair
  - module: k0smotron.ha.failover_drill
"""

EXAMPLES = r"""
- name: Look at all control planes
  k0smotron.ha.cluster_info:
  register: fleet

- name: Name those that are not healthy
  ansible.builtin.debug:
    msg: "{{ fleet.control_planes | rejectattr('up') | map(attribute='reason') | list }}"
"""

RETURN = r"""
control_planes:
  description: One record for each control plane, sorted by namespace and name.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the control plane.
      type: str
      returned: always
      sample: team-a
    namespace:
      description: Its namespace.
      type: str
      returned: always
      sample: team-a
    mode:
      description: V(standalone), or V(cluster_api) for the Cluster that k0smotron made of a K0smotronControlPlane.
      type: str
      returned: always
      sample: standalone
    api_version:
      description: API version it was read in.
      type: str
      returned: always
      sample: k0smotron.io/v1beta2
    up:
      description: Whether every replica runs and answers.
      type: bool
      returned: always
      sample: true
    reason:
      description: One sentence - what is wrong, or that all is well.
      type: str
      returned: always
      sample: 3 of 3 replicas are ready and answer /readyz
    k0s_version:
      description: The k0s version it is meant to run.
      type: str
      returned: always
      sample: v1.36.3-k0s.2
    replicas:
      description: How many replicas are wanted, ready, and run what was asked for (C(updated)).
      type: dict
      returned: always
      sample: {wanted: 3, ready: 3, updated: 3}
    api_url:
      description: Where its API answers; null while no address is known.
      type: str
      returned: always
      sample: https://192.0.2.10:30443
    kubeconfig_secret:
      description: Secret in the same namespace whose key C(value) holds the administrator's kubeconfig.
      type: str
      returned: always
      sample: team-a-kubeconfig
    readyz:
      description:
        - For each pod V(true) when its C(/readyz) said ok, it hears of changes, and it has not found that its memory differs from
          the database. Or else what is wrong with it.
      type: dict
      returned: always
      sample: {kmc-team-a-0: true, kmc-team-a-1: true, kmc-team-a-2: true}
    nodes:
      description: The node of each pod.
      type: dict
      returned: always
      sample: {kmc-team-a-0: n1, kmc-team-a-1: n2, kmc-team-a-2: n3}
    provider:
      description:
        - Who runs its database, one of the providers of M(k0smotron.ha.datastore), found by the host in the data source.
        - V(managed) is a database elsewhere. V(unknown) may be a Service, but of no operator that is known and may be looked at.
        - Null where there is no database, or the data source cannot be read.
      type: str
      returned: always
      sample: zalando
    data_source:
      description:
        - Where it keeps its state. C(kind) is V(secret), V(url), V(etcd) or V(nats). With a database also C(secret),
          C(dsn) without its password, C(host), C(database) and C(tls) (the C(sslmode) or C(tls) parameter), else null.
        - C(problem) says why the data source cannot be read, else it is null.
      type: dict
      returned: always
      sample:
        kind: secret
        secret: team-a-data-source
        dsn: postgres://k0smotron:***@acid-minimal-cluster.databases.svc:5432/kine?sslmode=require
        host: acid-minimal-cluster.databases.svc:5432
        database: kine
        tls: require
        problem: null
    datastore:
      description: The database cluster behind the data source when it is one we know, with who leads; else null.
      type: dict
      returned: always
      sample:
        provider: zalando
        name: acid-minimal-cluster
        namespace: databases
        up: true
        reason: 2 of 2 instances are ready, leader acid-0, synchronous standby acid-1
        status: Running
        mode: "on"
        leader: {pod: acid-minimal-cluster-0, node: n1}
        sync_standby: {pod: acid-minimal-cluster-1, node: n2}
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_report
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

ARGUMENTS: dict[str, dict[str, t.Any]] = {"name": {"type": "str"}, "namespace": {"type": "str"}}


def main() -> t.NoReturn:
    run(ARGUMENTS, cluster_report.report)


if __name__ == "__main__":
    main()
