#!/usr/bin/python
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: would a database lose acknowledged writes when it loses its primary."""

from __future__ import annotations

DOCUMENTATION = r"""
module: durability_check
short_description: Find out whether a control plane's database would lose acknowledged writes at a failover
version_added: 0.2.0
description:
  - Looks at a database cluster as its operator and its primary tell of it, and names every way in which one failure would lose
    writes that were acknowledged, or the database. With what was seen, why it matters and what to do.
  - Of a server that no known operator runs in this Kubernetes cluster, only what SQL shows to the control plane's account is
    seen. What does not show there is named as unknown, and is no reason to fail.
  - It changes nothing, and does the same in check mode. There a database or Secret that does not exist yet is no error.
  - An operator's primary is asked by a command in its pod, for which C(pods/exec) is needed. Without it, what only
    the server can tell is unknown. Everything is, where its pods or its operator's records may not be read; credentials are not
    looked at. Zones are compared where nodes may be listed.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes.info
requirements:
  - psycopg >= 3.2 (for PostgreSQL that no operator runs here)
  - PyMySQL >= 1.2 (for MySQL and MariaDB that no operator runs here)
options:
  datastore:
    description:
      - A database cluster that an operator runs in the same Kubernetes, in the words of
        O(k0smotron.ha.datasource_secret#module:datastore).
      - Exactly one of O(datastore), O(connection), O(url) and O(secret) is needed.
    type: dict
    suboptions:
      provider:
        description: The operator, as in O(k0smotron.ha.datastore#module:provider).
        type: str
        default: zalando
      name:
        description: Name of the database cluster.
        type: str
        required: true
      namespace:
        description: Namespace of the database cluster, O(namespace) when not given.
        type: str
      database:
        description: The database, for what is set for it and its owner.
        type: str
        required: true
      owner:
        description: The role to connect as. Not looked at here.
        type: str
      params:
        description: Further parameters of the data source name, of which C(synchronous_commit) and C(options) matter here.
        type: dict
        default: {}
  connection:
    description:
      - The parts of the data source name, as O(k0smotron.ha.datasource_secret#module:connection) takes them.
    type: dict
    suboptions:
      scheme:
        description: The kind of database.
        type: str
        choices: [postgres, mysql]
        default: postgres
      user:
        description: The role that owns the database.
        type: str
        required: true
      password:
        description: Its password.
        type: str
        required: true
      host:
        description: Host name or address, for PostgreSQL also several separated by commas.
        type: str
        required: true
      port:
        description: The port. The usual one of the O(connection.scheme) when not given.
        type: int
      database:
        description: The database.
        type: str
        required: true
      params:
        description: Further parameters of the data source name.
        type: dict
        default: {}
  url:
    description:
      - The whole data source name. One that leads to the Service of a known operator's database cluster is looked at as that.
    type: str
  secret:
    description:
      - The Secret of a control plane that holds the data source name under C(K0SMOTRON_KINE_DATASOURCE_URL).
    type: dict
    suboptions:
      name: {description: Name of the Secret., type: str, required: true}
      namespace: {description: Namespace of the Secret and of the control plane., type: str, required: true}
  namespace:
    description:
      - Namespace of the control plane, to which a host name without dots belongs.
    type: str
    default: default
  tls:
    description:
      - How to use TLS with O(connection), as in O(k0smotron.ha.datasource_secret#module:tls).
    type: str
    choices: [verify_full, verify_ca, require, disable]
  ca_file:
    description:
      - File on the host that runs the task, with the certificates of the authorities that sign the certificate of
        O(connection) or O(url).
    type: path
  fail_on:
    description:
      - What makes the module fail. With V(refuse), a risk that one failure is enough for. With V(warn), a warning or something
        unknown, too. With V(never), decide by RV(verdict) and RV(risks).
      - What does not make it fail is a warning of the task.
    type: str
    choices: [refuse, warn, never]
    default: refuse
  timeout:
    description:
      - Seconds after which a server that no operator runs here is no longer waited for.
    type: int
    default: 30
seealso:
  - module: k0smotron.ha.datastore
  - module: k0smotron.ha.kine_check
  - module: k0smotron.ha.failover_drill
"""

EXAMPLES = r"""
- name: Refuse a database that would lose acknowledged writes
  k0smotron.ha.durability_check:
    datastore:
      name: acid-minimal-cluster
      namespace: databases
      database: kine

- name: Look at the database of a control plane, and decide later
  k0smotron.ha.durability_check:
    secret:
      name: team-a-data-source
      namespace: team-a
    fail_on: never
  register: durability

- name: Show what was found
  ansible.builtin.debug:
    msg: "{{ durability.msg.splitlines() }}"
"""

RETURN = r"""
msg:
  description: A compact table for people, with why each risk is one and what to do about it.
  returned: always
  type: str
  sample: |-
    zalando datastore databases/acid-test: one failure can lose acknowledged writes, or the database
    REFUSE  One instance  1 instance asked for
                          Nobody takes over: no writes until it is back, and with its volume every write is lost.
                          -> Ask for 2 instances or more (instances; postgres_cluster_instances, mysql_cluster_instances).
verdict:
  description:
    - The worst of RV(risks). V(refuse) when one failure is enough, V(unknown) when somebody else has to be asked, V(warn) when it
      takes a second failure or costs time only, V(safe) when nothing was found.
  returned: always
  type: str
  sample: refuse
risks:
  description: Every risk, the worst first.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Name of the risk, for programs.
      type: str
      returned: always
      sample: one_instance
    severity:
      description: V(refuse), V(unknown) or V(warn), as in RV(verdict).
      type: str
      returned: always
      sample: refuse
    title: {description: "Name of the risk, for people.", type: str, returned: always, sample: One instance}
    observed: {description: What was seen., type: str, returned: always, sample: 1 instance asked for}
    why: {description: Why it is a risk., type: str, returned: always, sample: Nobody takes over when it is lost}
    remedy: {description: What to do about it., type: str, returned: always, sample: Ask for 2 instances or more}
datastore:
  description: The database that was looked at. C(provider) is V(managed) for one that no known operator runs here.
  returned: always
  type: dict
  sample: {name: zalando datastore databases/acid-test, provider: zalando}
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import durability_run
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "datastore": {
        "type": "dict",
        "options": {
            "provider": {"type": "str", "default": "zalando"},
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str"},
            "database": {"type": "str", "required": True},
            "owner": {"type": "str"},
            "params": {"type": "dict", "default": {}},
        },
    },
    "connection": {
        "type": "dict",
        "options": {
            "scheme": {"type": "str", "choices": ["postgres", "mysql"], "default": "postgres"},
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "host": {"type": "str", "required": True},
            "port": {"type": "int"},
            "database": {"type": "str", "required": True},
            "params": {"type": "dict", "default": {}},
        },
    },
    "url": {"type": "str", "no_log": True},
    "secret": {
        "type": "dict",
        "no_log": False,
        "options": {"name": {"type": "str", "required": True}, "namespace": {"type": "str", "required": True}},
    },
    "namespace": {"type": "str", "default": "default"},
    "tls": {"type": "str", "choices": ["verify_full", "verify_ca", "require", "disable"]},
    "ca_file": {"type": "path"},
    "fail_on": {"type": "str", "choices": ["refuse", "warn", "never"], "default": "refuse"},
    "timeout": {"type": "int", "default": 30},
}


def main() -> t.NoReturn:
    sources = [("datastore", "connection", "url", "secret")]
    run(ARGUMENTS, durability_run.check, mutually_exclusive=sources, required_one_of=sources)


if __name__ == "__main__":
    main()
