#!/usr/bin/python
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: restart the replicas of control planes whose memory is not to be trusted."""

from __future__ import annotations

DOCUMENTATION = r"""
module: replica_repair
short_description: Restart the replicas of control planes whose memory is not to be trusted
version_added: 0.2.0
description:
  - Asks each replica what M(k0smotron.ha.cluster_info) asks, and deletes the pods of those that have not heard of any change for
    half a minute though the database answers, and of those that remember something else than the database holds. Their
    StatefulSet makes them again.
  - A replica that hears of no change says that it is ready and answers requests, but its watches are silent. That follows the
    loss of a database server's node, because nobody ends the connection on which the replica waits for changes, and TCP gives up
    after a quarter of an hour only. No probe of k0smotron's notices.
  - A replica that remembers something else lists objects that are in no database, or leaves some out. That follows a failover in
    which a dying primary showed what no standby had, or which lost writes. Its API server finds out within five minutes, from
    Kubernetes 1.34 on.
  - One replica is restarted at a time, and the next one when it hears again. None is, while another replica of its control plane
    does not answer at all.
  - Whatever else is wrong with a control plane is left alone. Run it often, such as every five minutes.
  - Where a replica cannot be restarted, or is not well again, its control plane is left at that and the next one is looked at.
    The module fails at the end, with the records of all.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes
options:
  name:
    description:
      - Only the control plane of this name. The module fails when there is none.
    type: str
  namespace:
    description:
      - Only control planes in this namespace; in all of them when not given.
    type: str
  wait_timeout:
    description:
      - Seconds that a replica may take to be well again. The module fails when one is not.
    type: int
    default: 600
seealso:
  - module: k0smotron.ha.cluster_info
  - module: k0smotron.ha.commit_order
"""

EXAMPLES = r"""
- name: Restart whatever replica is not to be trusted
  k0smotron.ha.replica_repair:
"""

RETURN = r"""
control_planes:
  description: One record for each control plane that was looked at, sorted by namespace and name.
  returned: always, also when the module fails because of one of them
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
    restarted:
      description: The replicas that were restarted, in check mode those that would be.
      type: list
      elements: str
      returned: always
      sample: [kmc-team-a-0]
    left:
      description:
        - Replicas that should be restarted and were left alone, because another one does not answer or because of the C(error).
      type: list
      elements: str
      returned: always
      sample: []
    error:
      description: Why a replica could not be restarted, or is not well again; null when nothing failed.
      type: str
      returned: always
      sample: kmc-team-a-0 was restarted, and is not well. It does not answer.
    up:
      description: Whether every replica runs, answers and is to be trusted, in check mode before the repair.
      type: bool
      returned: always
      sample: true
    reason:
      description: One sentence - what is wrong, or that all is well.
      type: str
      returned: always
      sample: 3 of 3 replicas are ready and answer /readyz
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import replica_repair_run
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str"},
    "namespace": {"type": "str"},
    "wait_timeout": {"type": "int", "default": 600},
}


def main() -> t.NoReturn:
    run(ARGUMENTS, replica_repair_run.repair)


if __name__ == "__main__":
    main()
