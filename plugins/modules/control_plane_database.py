#!/usr/bin/python
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: what becomes of the database of a control plane that is gone."""

from __future__ import annotations

DOCUMENTATION = r"""
module: control_plane_database
short_description: Archive or drop the database of a control plane that was removed
version_added: 0.2.0
description:
  - A control plane that is made again on the database of an earlier one has new certificates, but the old objects, and the
    join tokens of the old one still let nodes in. This module clears the database away, so that it starts with an empty one.
  - For databases inside a database cluster that Zalando's operator, CloudNativePG or mariadb-operator runs in the same
    Kubernetes. The role C(k0smotron.ha.managed_database) drops those that are elsewhere.
  - Refused while the control plane or one of its replicas is there, while another control plane in this Kubernetes uses the
    database or may use it, and while anybody is connected to it. No session is ended by force.
  - Another control plane may use it when its database has the same name, and one of its hosts is not shown to be another database
    cluster's, or outside of this Kubernetes. Services of standbys and pools are not, nor addresses. Where its data source cannot
    be read, V(absent) is refused, and V(archived) only warns.
  - Refused, too, unless the data source logs in as the owner of the database or a member of that role, in MariaDB as an account
    that was granted the database; and where the database cluster has a credential Secret of that login or of the owner, with the
    password of one of these. Whoever may write a data source could name another team's database there. A database that
    O(datastore) names is not asked for its owner.
  - In check mode the control plane may still be there, and then its own data source has to name the same database.
  - A database without the table C(kine) is left alone, and so is every other database.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes
options:
  name:
    description:
      - Name of the control plane.
    type: str
    required: true
  namespace:
    description:
      - Namespace of the control plane and of its data source Secret.
    type: str
    required: true
  state:
    description:
      - V(archived) gives the data another name, C(<database>_archived_<UTC time>), and leaves an empty database with the same
        owner in its place. A name that would be too long is cut, and has a hash of the whole one. In MariaDB, where a database
        cannot be renamed, the table C(kine) moves to a new one. A run that finds an archive in PostgreSQL, but not the database,
        finishes one that was interrupted.
      - V(absent) drops the database with all that it holds. There is no way back. Where the database cluster's custom resource
        declares the database, an empty one takes its place, as its operator would make it sooner or later.
    type: str
    choices: [archived, absent]
    required: true
  data_source_secret:
    description:
      - The Secret that named the database to the control plane.
      - Exactly one of this, O(url) and O(datastore) is needed. Without the Secret no database is looked at, with a warning, nor
        when the Service that it names is gone with its database cluster.
      - A name with upper case in PostgreSQL, where kine uses the one in lower case, is refused; give O(datastore).
    type: str
  url:
    description:
      - The data source name, for a control plane that had no Secret.
    type: str
  datastore:
    description:
      - The database itself, for one that was kept before and whose Secret is not there any more.
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
  wait_timeout:
    description:
      - Seconds until nobody is connected to the database any more, and it is certain which server leads. In MariaDB, where
        root may write on any server, this wants the whole database cluster to be up.
    type: int
    default: 60
seealso:
  - module: k0smotron.ha.cluster
  - module: k0smotron.ha.control_plane
notes:
  - Needs the right to exec into the database's pods. The statements run there as the server's administrator.
"""

EXAMPLES = r"""
- name: Remove a control plane
  k0smotron.ha.cluster:
    name: team-a
    namespace: team-a
    state: absent

- name: Put its data aside
  k0smotron.ha.control_plane_database:
    name: team-a
    namespace: team-a
    data_source_secret: team-a-data-source
    state: archived

- name: Drop what an earlier removal has kept
  k0smotron.ha.control_plane_database:
    name: team-a
    namespace: team-a
    datastore: {name: control-planes, namespace: databases, database: team_a}
    state: absent
"""

RETURN = r"""
database:
  description: The database; null when it is not there any more.
  returned: success
  type: dict
  sample: {provider: zalando, name: control-planes, namespace: databases, database: team_a}
archived_as:
  description: Where the data is now, in the same database cluster; null when there was nothing to archive.
  returned: success
  type: str
  sample: team_a_archived_20260102120000
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import left_database_run
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

DATASTORE: dict[str, dict[str, t.Any]] = {
    "provider": {"type": "str", "default": "zalando"},
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str"},
    "database": {"type": "str", "required": True},
}
SOURCES = ("data_source_secret", "url", "datastore")
ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["archived", "absent"], "required": True},
    "data_source_secret": {"type": "str", "no_log": False},
    "url": {"type": "str", "no_log": True},
    "datastore": {"type": "dict", "options": DATASTORE},
    "wait_timeout": {"type": "int", "default": 60},
}


def main() -> t.NoReturn:
    run(ARGUMENTS, left_database_run.ensure, mutually_exclusive=[SOURCES], required_one_of=[SOURCES])


if __name__ == "__main__":
    main()
