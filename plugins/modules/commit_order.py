#!/usr/bin/python
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: no API server that starts may miss what is written meanwhile."""

from __future__ import annotations

DOCUMENTATION = r"""
module: commit_order
short_description: Let kine's revisions become visible in their order
version_added: 0.2.0
description:
  - kine numbers its revisions when an insert begins, and PostgreSQL shows a row when its insert is committed. These are different
    orders when several writes are under way. An API server that starts then may miss an object that is acknowledged, in its lists
    and watches, until it starts again.
  - A trigger before each insert into kine's table takes a lock that the transaction holds until its row is visible. So one write
    of a control plane commits at a time, and none becomes visible before an older one.
  - That limits the writes of one control plane to what its database commits one after the other, each with its wait for the
    synchronous standby. Control planes on one server do not wait for each other.
  - Where the table is not there yet, it is made as kine makes it, so that the first start is covered.
  - Connects as kine does, with its own role, which owns the table. MySQL and MariaDB are left as they are.
  - A function of the trigger's name that belongs to anybody but kine's role, the owner of the table or the database, a member of
    these or a superuser is refused. Up to PostgreSQL 14 every login may make one in the schema public, and replace it later.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes
requirements:
  - psycopg >= 3.2
options:
  url:
    description:
      - The DSN as kine gets it. Exactly one of O(url) and O(secret) is required.
    type: str
  secret:
    description:
      - The Secret of a control plane that holds the DSN under C(K0SMOTRON_KINE_DATASOURCE_URL).
      - In check mode a Secret that does not exist yet is no error.
    type: dict
    suboptions:
      name: {description: Name of the Secret., type: str, required: true}
      namespace: {description: Namespace of the Secret and of the control plane., type: str, required: true}
  state:
    description:
      - With V(absent), the trigger and its function go, and the table stays.
    type: str
    choices: [present, absent]
    default: present
  reach:
    description:
      - How to get to the database, as in O(k0smotron.ha.kine_check#module:reach).
    type: str
    choices: [auto, direct, port_forward]
    default: auto
  tls_files:
    description:
      - Where files that the DSN, or C(KINE_KINE_CA_FILE) in O(secret), names are on the host that runs the task, as
        in O(k0smotron.ha.kine_check#module:tls_files).
    type: dict
    default: {}
  timeout:
    description:
      - Seconds after which it is given up, with nothing changed. For the table itself it waits 5 seconds at most.
    type: int
    default: 30
seealso:
  - module: k0smotron.ha.kine_check
  - module: k0smotron.ha.replica_repair
"""

EXAMPLES = r"""
- name: Let no API server miss what is written while it starts
  k0smotron.ha.commit_order:
    secret:
      name: team-a-data-source
      namespace: team-a

- name: Write faster again, where nothing depends on watches
  k0smotron.ha.commit_order:
    secret:
      name: team-a-data-source
      namespace: team-a
    state: absent
"""

RETURN = r"""
ordered:
  description: Whether revisions become visible in their order now, in check mode whether they would.
  returned: success
  type: bool
statements:
  description: The SQL that was run, in check mode what would be, in one transaction.
  returned: success
  type: list
  elements: str
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.commit_order_run import act
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run_detached

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "url": {"type": "str", "no_log": True},
    "secret": {
        "type": "dict",
        "no_log": False,
        "options": {"name": {"type": "str", "required": True}, "namespace": {"type": "str", "required": True}},
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "reach": {"type": "str", "choices": ["auto", "direct", "port_forward"], "default": "auto"},
    "tls_files": {"type": "dict", "default": {}},
    "timeout": {"type": "int", "default": 30},
}
ONE_SOURCE = [("url", "secret")]


def main() -> t.NoReturn:
    run_detached(ARGUMENTS, act, mutually_exclusive=ONE_SOURCE, required_one_of=ONE_SOURCE)


if __name__ == "__main__":
    main()
