#!/usr/bin/python
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: is this database fit for kine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kine_check
short_description: Find out whether a database is fit for a k0s control plane
version_added: 0.1.0
description:
  - Connects with exactly the DSN that kine gets, tries what kine does, and names what is wrong and what to do about it.
  - Examines the DSN, TLS, whether every connection reaches a writable primary, isolation, the privileges of the role,
    an existing C(kine) table with its columns, collation and indexes, connection slots, crash safety, replication,
    the order of revisions, range queries and the latency of inserts.
  - Writes only into a schema C(kine_check_*) of its own, which it removes. Schemas that a killed run left behind are
    removed by the next run. It never writes into kine's own table.
  - Opens at most 12 connections, and not more than two at a time.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes.info
requirements:
  - psycopg >= 3.2
options:
  url:
    description:
      - The DSN as kine gets it, such as C(postgres://user:password@host:5432/kine?sslmode=require).
      - Exactly one of O(url) and O(secret) is required.
    type: str
  secret:
    description:
      - The Secret of a control plane that holds the DSN under C(K0SMOTRON_KINE_DATASOURCE_URL).
      - In check mode a Secret that does not exist yet is no error. Nothing is examined then, and the message says so.
    type: dict
    suboptions:
      name:
        description: Name of the Secret.
        type: str
        required: true
      namespace:
        description: Namespace of the Secret and of the control plane.
        type: str
        required: true
  reach:
    description:
      - How to get to the database.
      - With V(direct), from this host to the addresses of the DSN's hosts.
      - With V(port_forward), through the Kubernetes API server to a pod behind the Service that the DSN names
        as C(service.namespace), C(service.namespace.svc) or C(service.namespace.svc.cluster.local).
      - With V(auto), directly, and by a port-forward when a host looks like a Service and does not answer.
      - TLS verifies the DSN's host name in each case.
      - At the end of a port-forward the database sees a client on its own loopback address. Access rules (C(pg_hba.conf))
        for other addresses, such as a refusal of plaintext, are not tried then.
    type: str
    choices: [auto, direct, port_forward]
    default: auto
  control_planes:
    description: How many control planes are going to use this database server.
    type: int
    default: 1
  replicas:
    description: How many replicas each of them has.
    type: int
    default: 3
  max_open_connections:
    description:
      - The most connections that each kine opens, V(0) for no limit.
      - The default is C(KINE_KINE_DATASTORE_MAX_OPEN_CONNECTIONS) in O(secret), and no limit with O(url).
    type: int
  samples:
    description:
      - How many inserts are timed. Timing ends early after 5 seconds.
    type: int
    default: 100
  timeout:
    description:
      - Seconds after which the examination ends, whatever it waits for. Cleaning up may take 5 seconds more.
    type: int
    default: 30
  tls_files:
    description:
      - Where files that the DSN names (C(sslrootcert), C(sslcert), C(sslkey)) are on the host that runs the task,
        by the path that they have in the control plane's pods.
    type: dict
    default: {}
  fail_on:
    description:
      - What makes the module fail. With V(fail), a check that failed; with V(warn), a warning too.
      - With V(never), decide by RV(counts) and RV(checks).
    type: str
    choices: [fail, warn, never]
    default: fail
seealso:
  - module: k0smotron.ha.datasource_secret
  - module: k0smotron.ha.datastore
"""

EXAMPLES = r"""
- name: Examine the database of a control plane, before it is created
  k0smotron.ha.kine_check:
    secret:
      name: team-a-data-source
      namespace: team-a
    control_planes: 4
    replicas: 3

- name: Look at a managed database, and decide later
  k0smotron.ha.kine_check:
    url: "{{ vault_kine_url }}"
    reach: direct
    fail_on: never
  register: database

- name: Show what was found
  ansible.builtin.debug:
    msg: "{{ database.msg.splitlines() }}"

- name: Examine a database whose CA the DSN names by its path in the control plane's pods
  k0smotron.ha.kine_check:
    secret:
      name: team-a-data-source
      namespace: team-a
    tls_files:
      /etc/kine-ca/ca.crt: files/database-ca.crt
"""

RETURN = r"""
msg:
  description: A compact table for people, with the remedy under each check that needs one.
  returned: always
  type: str
  sample: |-
    15 passed, 1 warnings, 0 failed
    OK      Connects            to database kine as role k0smotron, directly
    WARN    Survives a failover asynchronous; no standby is connected
                                -> Run two instances or more and set synchronous_standby_names
checks:
  description: What each check found, in the order in which they ran. Empty when there was nothing to check.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Name of the check, for programs.
      type: str
      returned: always
      sample: connections
    title:
      description: Name of the check, for people.
      type: str
      returned: always
      sample: Connection slots
    status:
      description:
        - V(ok), V(warn) for what is bearable, V(fail) for what breaks a control plane sooner or later, or V(skipped)
          with the reason in C(observed).
      type: str
      returned: always
      sample: ok
    observed:
      description: What was found.
      type: str
      returned: always
      sample: 3 replicas x 12 connections x 1 control plane = 36 of 100 - 3 reserved - 0 used = 97 free
    expected:
      description: What is expected.
      type: str
      returned: always
      sample: at least 36 free slots
    remedy:
      description: What to do about it; empty when all is well.
      type: str
      returned: always
      sample: ""
    source:
      description: Where the rule comes from.
      type: str
      returned: always
      sample: "kine 0.16: unlimited pool by default"
counts:
  description: How many checks ended how.
  returned: always
  type: dict
  sample: {passed: 15, warnings: 1, failed: 0, skipped: 0}
tls:
  description: How the connection is encrypted.
  returned: always
  type: dict
  sample: {used: true, version: TLSv1.3, cipher: TLS_AES_256_GCM_SHA384}
server:
  description: Product and version of the server.
  returned: always
  type: dict
  sample: {product: PostgreSQL, version: "15.18"}
latency:
  description: Times of single-row inserts in milliseconds, and how many were timed.
  returned: always
  type: dict
  sample: {samples: 100, p50_ms: 1.6, p99_ms: 5.4}
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kine_check_run import check
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import run_detached

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "url": {"type": "str", "no_log": True},
    "secret": {
        "type": "dict",
        "no_log": False,
        "options": {"name": {"type": "str", "required": True}, "namespace": {"type": "str", "required": True}},
    },
    "reach": {"type": "str", "choices": ["auto", "direct", "port_forward"], "default": "auto"},
    "control_planes": {"type": "int", "default": 1},
    "replicas": {"type": "int", "default": 3},
    "max_open_connections": {"type": "int"},
    "samples": {"type": "int", "default": 100},
    "timeout": {"type": "int", "default": 30},
    "tls_files": {"type": "dict", "default": {}},
    "fail_on": {"type": "str", "choices": ["fail", "warn", "never"], "default": "fail"},
}


def main() -> t.NoReturn:
    run_detached(ARGUMENTS, check, mutually_exclusive=[("url", "secret")], required_one_of=[("url", "secret")])


if __name__ == "__main__":
    main()
