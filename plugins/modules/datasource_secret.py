#!/usr/bin/python
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: datasource_secret
short_description: Write the Secret from which a k0smotron control plane takes its database
version_added: 0.1.0
description:
  - Builds the data source name of kine from a URL, from its parts, or from the credential Secret of a datastore, and
    applies the Secret that k0smotron reads, together with kine's connection pool limits.
  - A data source name that kine, k0s or k0smotron would misread, or that its database would refuse, is an error before
    anything is written.
  - The Secret has to be in the namespace of the control plane.
  - Running pods do not take up a change of the Secret. M(k0smotron.ha.cluster) rolls them when RV(checksum) changes.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes
options:
  name:
    description:
      - Name of the Secret.
    type: str
    required: true
  namespace:
    description:
      - Namespace of the Secret and of the control plane. It has to exist.
    type: str
    required: true
  state:
    description:
      - V(present) writes the Secret. V(absent) deletes it, unless somebody else made it, which is a warning.
    type: str
    choices: [present, absent]
    default: present
  url:
    description:
      - The whole data source name, such as V(postgres://user:password@host:5432/kine?sslmode=require).
      - It is taken as it is. Everything special in user and password of a PostgreSQL URL has to be percent-encoded.
      - Exactly one of O(url), O(connection) and O(datastore) is needed with O(state=present).
    type: str
  connection:
    description:
      - The parts of the data source name, as they are. They are encoded here.
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
        description:
          - Host name or address, for PostgreSQL also several separated by commas. kine connects to one that takes
            writes only, and waits 2 seconds for each, unless O(connection.params) has other C(target_session_attrs) and
            C(connect_timeout).
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
        description:
          - Further parameters of the data source name, such as C(sslrootcert). Ansible shows and logs them, so C(sslpassword) is
            refused; a data source name with one goes into O(url).
        type: dict
        default: {}
  datastore:
    description:
      - A database cluster that an operator runs in the same Kubernetes. User, password, host and port come from there.
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
        description: The database.
        type: str
        required: true
      owner:
        description: The role to connect as. The owner of the database when not given.
        type: str
      params:
        description:
          - Further parameters of the data source name, such as C(sslrootcert). Ansible shows and logs them, so C(sslpassword) is
            refused; a data source name with one goes into O(url).
        type: dict
        default: {}
  datastore_domain:
    description:
      - DNS domain of the Kubernetes cluster that the O(datastore) is in, such as V(cluster.local). The host is the whole name of
        its Service then, with a dot at its end.
      - kine looks the host up for each connection that it makes. Of a whole name that is one question for each kind of address,
        of a shorter one two or more, each of which may go to a DNS server that is lost together with the database's node.
      - It is not found out. With a wrong one the control plane does not start.
    type: str
    version_added: 0.2.0
  tls:
    description:
      - How kine uses TLS with O(connection) and O(datastore). V(verify_full) verifies the server's certificate and name,
        V(verify_ca) the certificate only (PostgreSQL only), V(require) encrypts to whoever answers, V(disable) is plaintext.
      - When neither this nor a parameter says otherwise, V(verify_full) where the authorities are known, by O(ca_file) or
        from O(datastore), and V(require) elsewhere.
    type: str
    choices: [verify_full, verify_ca, require, disable]
    version_added: 0.2.0
  ca_file:
    description:
      - File on the host that runs the task, with the certificates of the authorities that sign the database's certificate.
      - They go into a ConfigMap named like the Secret with C(-ca) behind it, and kine's URL names the place where
        M(k0smotron.ha.cluster) has to mount it; see RV(mounts). An O(url) for PostgreSQL has to name it itself,
        as C(sslrootcert=/etc/database-ca/ca.crt).
      - With O(datastore), the ones of its operator when not given, where it has any.
    type: path
    version_added: 0.2.0
  allow_other_database:
    description:
      - Let control planes that read the Secret and have run go over to another database. Without it that is refused, because they
        would start again on what is there, and all that the first database holds would be gone from their APIs.
      - Say it when both are the same database by different names. It moves no data, and replicas go over one after the other.
    type: bool
    default: false
    version_added: 0.2.0
  k0s_version:
    description:
      - The k0s version that will read the data source name, to warn about what it cannot read.
    type: str
  max_connections:
    description:
      - The C(max_connections) of the database, from which the pool limits are computed.
    type: int
    default: 100
  control_planes:
    description:
      - How many control planes are planned on the same database server.
    type: int
    default: 1
  replicas:
    description:
      - How many replicas each of them has.
    type: int
    default: 3
  pool:
    description:
      - Limits of the connection pool of one kine process, instead of the computed ones. The kine of k0s before 1.34 reads none.
    type: dict
    suboptions:
      max_open:
        description: Connections that may be open.
        type: int
      max_idle:
        description: Connections that are kept open while idle.
        type: int
      max_lifetime:
        description: Seconds until a connection is replaced that is not in use (15).
        type: int
  wait:
    description:
      - With O(datastore), wait until its operator has made the credential Secret.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds after which waiting fails.
    type: int
    default: 120
seealso:
  - module: k0smotron.ha.datastore
  - module: k0smotron.ha.cluster
  - module: k0smotron.ha.kine_check
  - module: k0smotron.ha.commit_order
"""

EXAMPLES = r"""
- name: Take the database of a datastore
  k0smotron.ha.datasource_secret:
    name: k0smotron-test-database
    namespace: control-planes
    datastore:
      name: acid-minimal-cluster
      namespace: databases
      database: kine

- name: Take a database from elsewhere
  k0smotron.ha.datasource_secret:
    name: k0smotron-test-database
    namespace: control-planes
    connection:
      user: k0smotron
      password: "{{ vault_database_password }}"
      host: db.example.com
      database: kine
    ca_file: files/database-ca.crt
    max_connections: 200
  register: data_source

- name: Run a control plane on it that verifies the database's certificate
  k0smotron.ha.cluster:
    name: k0smotron-test
    namespace: control-planes
    data_source_secret: k0smotron-test-database
    mounts: "{{ data_source.mounts }}"
"""

RETURN = r"""
dsn:
  description: The data source name without its password.
  returned: O(state=present)
  type: str
  sample: postgres://k0smotron:***@acid-minimal-cluster.databases.svc.cluster.local:5432/kine?sslmode=require
replaces:
  description: Whether the Secret, or its ConfigMap, was there and said something else, or does so in check mode.
  returned: O(state=present)
  type: bool
  version_added: 0.2.0
checksum:
  description:
    - Changes when the content of the Secret changes, and tells nothing else about it.
    - Null in check mode while the password is not made yet.
  returned: O(state=present)
  type: str
  sample: 9cd2ab0f3b1fd1d4c7a9f7a3ad1cbe55
mounts:
  description:
    - What O(k0smotron.ha.cluster#module:mounts) has to have, so that kine finds the authorities that it verifies the database by.
    - Empty where it uses none of ours.
  returned: O(state=present)
  type: list
  elements: dict
  sample: [{path: /etc/database-ca, configMap: {name: k0smotron-test-database-ca}}]
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import datasource_secret_run
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "url": {"type": "str", "no_log": True},
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
    "datastore_domain": {"type": "str"},
    "tls": {"type": "str", "choices": ["verify_full", "verify_ca", "require", "disable"]},
    "ca_file": {"type": "path"},
    "allow_other_database": {"type": "bool", "default": False},
    "k0s_version": {"type": "str"},
    "max_connections": {"type": "int", "default": 100},
    "control_planes": {"type": "int", "default": 1},
    "replicas": {"type": "int", "default": 3},
    "pool": {
        "type": "dict",
        "options": {"max_open": {"type": "int"}, "max_idle": {"type": "int"}, "max_lifetime": {"type": "int"}},
    },
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
}
SOURCES = ("url", "connection", "datastore")


def main() -> t.NoReturn:
    run(
        ARGUMENTS,
        datasource_secret_run.ensure,
        mutually_exclusive=[SOURCES],
        required_if=[("state", "present", SOURCES, True)],
    )


if __name__ == "__main__":
    main()
