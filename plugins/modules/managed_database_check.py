#!/usr/bin/python
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: may a server that exists elsewhere hold a control plane's database."""

from __future__ import annotations

DOCUMENTATION = r"""
module: managed_database_check
short_description: Find out whether an administrator can give a control plane its database on a server that exists elsewhere
version_added: 0.2.0
description:
  - Connects to a PostgreSQL, MySQL or MariaDB server as its administrator and refuses what could not work, each with what to do.
    Rights that are missing, a database of somebody else, an account with another password, a server that offers no TLS, a
    standby, a cluster with several primaries, a password that the data source name cannot carry.
  - With O(drop) it refuses what must not be dropped instead.
  - It changes nothing. The role C(k0smotron.ha.managed_database) runs it before it creates or drops anything.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes.info
requirements:
  - psycopg >= 3.2 (for PostgreSQL)
  - PyMySQL >= 1.2 (for MySQL and MariaDB)
options:
  connection:
    description:
      - The connection that the control plane is going to have, as O(k0smotron.ha.datasource_secret#module:connection) takes it.
      - Neither its user nor its database have to exist.
    type: dict
    required: true
    suboptions:
      scheme:
        description: The kind of database.
        type: str
        choices: [postgres, mysql]
        default: postgres
      user:
        description: The account that is going to own the database.
        type: str
        required: true
      password:
        description: Its password. It may be empty with O(drop), which does not log in with it.
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
        description: Further parameters of the data source name.
        type: dict
        default: {}
  administrator:
    description:
      - Who creates them.
    type: dict
    required: true
    suboptions:
      user:
        description: The administrator's account.
        type: str
        required: true
      password:
        description: Its password.
        type: str
        required: true
      database:
        description: The database to connect to as administrator, for MySQL usually empty.
        type: str
        default: ""
  tls:
    description:
      - How kine is going to use TLS, as in O(k0smotron.ha.datasource_secret#module:tls).
    type: str
    choices: [verify_full, verify_ca, require, disable]
    default: verify_full
  ca_file:
    description:
      - File on the host that runs the task, with the certificates of the authorities that sign the server's certificate.
    type: path
  reset_password:
    description:
      - Accept an account that has another password, because it is going to get the one of O(connection.password).
      - It is asked for, too, where C(pg_hba.conf) of a PostgreSQL refuses the account before its password is looked at.
    type: bool
    default: false
  drop:
    description:
      - What is going to be dropped. Refuses a database that is not the one of O(connection.user), an account that has other
        databases, names of the server's own, and the administrator's account.
      - Refuses a MySQL or MariaDB database that sessions use, as far as the administrator sees them, for which it needs the
        privilege PROCESS. PostgreSQL itself drops no database that is in use. In check mode that is a warning, because the run
        may remove the control plane first.
    type: list
    elements: str
    choices: [database, owner]
    default: []
  reserved_connections:
    description:
      - Connections that the provider keeps to itself, where the server does not tell of them.
    type: int
    default: 0
  timeout:
    description:
      - Seconds after which it gives up.
    type: int
    default: 30
seealso:
  - module: k0smotron.ha.datasource_secret
  - module: k0smotron.ha.kine_check
  - module: k0smotron.ha.durability_check
"""

EXAMPLES = r"""
- name: Ask before anything is created
  k0smotron.ha.managed_database_check:
    connection:
      user: team_a
      password: "{{ vault_team_a_password }}"
      host: db.example.com
      database: team_a
    administrator:
      user: postgres
      password: "{{ vault_administrator_password }}"
      database: postgres
    ca_file: files/db-ca.crt
"""

RETURN = r"""
owner_exists:
  description: Whether the account is there.
  returned: success
  type: bool
database_exists:
  description: Whether the database is there.
  returned: success
  type: bool
set_password:
  description: Whether the account has to be given its password, because it is not there or has another one.
  returned: success
  type: bool
grant_owner:
  description: Whether the administrator has to become a member of the owner before it can give it a database, as PostgreSQL asks.
  returned: success
  type: bool
max_connections:
  description: How many connections the server takes, without those that it reserves.
  returned: success
  type: int
  sample: 97
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run_detached
from ansible_collections.k0smotron.ha.plugins.module_utils.managed_database_run import check

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "connection": {
        "type": "dict",
        "required": True,
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
    "administrator": {
        "type": "dict",
        "required": True,
        "options": {
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "database": {"type": "str", "default": ""},
        },
    },
    "tls": {"type": "str", "choices": ["verify_full", "verify_ca", "require", "disable"], "default": "verify_full"},
    "ca_file": {"type": "path"},
    "reset_password": {"type": "bool", "default": False, "no_log": False},
    "drop": {"type": "list", "elements": "str", "choices": ["database", "owner"], "default": []},
    "reserved_connections": {"type": "int", "default": 0},
    "timeout": {"type": "int", "default": 30},
}


def main() -> t.NoReturn:
    run_detached(ARGUMENTS, check)


if __name__ == "__main__":
    main()
