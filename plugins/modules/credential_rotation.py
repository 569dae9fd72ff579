#!/usr/bin/python
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: credential_rotation
short_description: Change the password by which a control plane uses its database, while its clients go on
version_added: 0.2.0
description:
  - Gives the owner of a control plane's database a new password. The replicas move to a second login that acts as the owner, one
    after the other; then the owner's password changes, in its operator's Secret and in the database; then they move back, the
    second login is removed, and both old credentials are seen to be refused.
  - Each replica is restarted twice, and the next one only when it is ready. Measured on
    Zalando's operator with two replicas, clients that send a failed write once more, a second later, saw none fail.
  - Where a rotation is, is read from the cluster. A run that was interrupted anywhere is only repeated. Do not run two at
    the same time, nor one and the role C(control_plane).
  - Afterwards M(k0smotron.ha.datastore), M(k0smotron.ha.datasource_secret) and M(k0smotron.ha.cluster) find nothing to change.
  - For databases that Zalando's operator, CloudNativePG or mariadb-operator runs in the same Kubernetes cluster.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes
requirements:
  - psycopg >= 3.2, for PostgreSQL
  - PyMySQL >= 1.2, for MariaDB
options:
  name:
    description:
      - Name of the control plane.
    type: str
    required: true
  namespace:
    description:
      - Its namespace.
    type: str
    required: true
  older_than_days:
    description:
      - Begin a rotation when the password is at least so many days old. V(0) always begins one.
      - One that was interrupted is finished whatever its age.
      - The age counts from the last rotation, which the data source Secret notes, or else from when the owner's credential
        Secret was made.
    type: float
    default: 90
  wait_timeout:
    description:
      - Seconds that the replicas may take for each of the two restarts.
    type: int
    default: 900
seealso:
  - module: k0smotron.ha.datastore
  - module: k0smotron.ha.datasource_secret
  - module: k0smotron.ha.cluster
"""

EXAMPLES = r"""
- name: Change the database password of a control plane every 30 days, by a daily run
  k0smotron.ha.credential_rotation:
    name: k0smotron-test
    namespace: k0smotron-test
    older_than_days: 30

- name: Change it now
  k0smotron.ha.credential_rotation:
    name: k0smotron-test
    namespace: k0smotron-test
    older_than_days: 0
"""

RETURN = r"""
steps:
  description: The steps that this run took, in check mode those that it would take. Empty when nothing is due.
  returned: always
  type: list
  elements: str
  sample: [begin, bridge, change, revoke]
resumed:
  description: Whether this run found a rotation that an earlier one had begun.
  returned: always
  type: bool
  sample: false
login:
  description: The role whose password this is about.
  returned: always
  type: str
  sample: k0smotron
since:
  description: Since when it has its password.
  returned: always
  type: str
  sample: "2026-01-02T03:04:05+00:00"
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import credential_rotation_run
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "older_than_days": {"type": "float", "default": 90},
    "wait_timeout": {"type": "int", "default": 900},
}


def main() -> t.NoReturn:
    run(ARGUMENTS, credential_rotation_run.rotate)


if __name__ == "__main__":
    main()
