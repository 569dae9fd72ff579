# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: a database cluster through its operator."""

from __future__ import annotations

DOCUMENTATION = r"""
module: datastore
short_description: Run a database cluster for kine, until a write proves that it is up
version_added: 0.1.0
description:
  - Declares a database cluster through a database operator that runs in Kubernetes, and waits until it is really up.
  - Up means that the operator says so, that a leader and (with O(synchronous)) a synchronous standby run, and that a
    row was written to each database as its owner. An operator's own status is no proof of any of this.
  - Only the fields set here are owned; what others add to the custom resource stays.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes
requirements:
  - psycopg >= 3.2, with O(wait=true) and a PostgreSQL operator
  - PyMySQL >= 1.2, with O(wait=true) and O(provider=mariadb) or O(provider=innodbcluster)
  - cryptography, unless O(tls_secret) is given
options:
  provider:
    description:
      - The operator that runs the database. V(zalando) is the Zalando Postgres operator, V(cloudnativepg) is
        CloudNativePG, V(mariadb) is mariadb-operator, which runs MariaDB instead of PostgreSQL.
      - V(innodbcluster) is Oracle's MySQL operator. What is asked of it fits its schema and its source, but was never run.
        The module itself makes the databases and their owners, once there is a primary; so with O(databases) O(wait) stays on.
    type: str
    default: zalando
  name:
    description:
      - Name of the database cluster. No database of another operator may have it in the same namespace.
    type: str
    required: true
  namespace:
    description:
      - Namespace of the database cluster. It has to exist.
    type: str
    required: true
  state:
    description:
      - V(present) declares the database cluster. V(absent) removes its custom resource; see O(data).
      - V(absent) is refused while the data source of a control plane leads there, or may; in check mode, and where control planes
        may not be listed, it is warned of.
      - Followed are Services by their selectors, external names and endpoints that somebody else writes, addresses, node ports,
        and the host names of load balancers and of ExternalDNS in the namespace of the database cluster. What cannot be seen to
        lead elsewhere may lead there, such as a Service of that namespace with a pod that has no volume claim, as of a proxy.
      - Not seen are proxies elsewhere, as a PgBouncer in another namespace, and those with volume claims of their own, but for
        MaxScale and ProxySQL.
    type: str
    choices: [present, absent]
    default: present
  data:
    description:
      - What becomes of volumes and credential Secrets with O(state=absent).
      - Created again under its name, the database cluster goes on with the volumes and credentials that were kept.
      - V(keep) with V(zalando) refuses to delete anything while the operator is configured to delete data together with
        the custom resource, which is its default. With O(wait), all instances but the first are stopped before, so that
        the one that starts first later is the one with the newest data. It refuses while that one is out of service and
        another one leads, or led last by Patroni's records.
      - V(keep) with V(cloudnativepg) takes the volume claims from the custom resource, which owns them, and labels the one
        with the newest data. It waits for the end of a failover, or without O(wait) refuses.
      - V(keep) with V(mariadb) moves the primary to the first instance before, because that is the one that leads when the
        database cluster comes back, or without O(wait) refuses. Any removal needs a running operator.
      - V(keep) with V(innodbcluster) leaves the volume claims, which belong to nobody, and the Secrets that were made here. It is
        not known whether that operator starts a database cluster on them again. Any removal needs a running operator.
      - V(delete) removes volume claims and Secrets too, whatever the operator does. There is no way back.
    type: str
    choices: [keep, delete]
    default: keep
  instances:
    description:
      - Number of database instances, the leader included.
      - With O(provider=mariadb) and O(provider=innodbcluster) it is odd. With the former it cannot grow later, because that
        operator copies no data to new instances.
      - When not given, 3 with O(provider=mariadb) and O(provider=innodbcluster), and 2 with the others.
    type: int
  version:
    description:
      - Major version of the database, such as V(15). It cannot go back on a live cluster.
      - When not given, V(10.11) with O(provider=mariadb), V(8.4.3) with O(provider=innodbcluster) and V(15) with the others.
    type: str
  image:
    description:
      - Image of the instances, for a mirror or an image of your own. The provider's image for O(version) when not given.
      - With V(cloudnativepg) and V(mariadb) its tag has to begin with O(version), because the operator looks there.
      - Not with V(innodbcluster), whose operator makes the name from C(imageRepository) in O(spec) and the version.
    type: str
    version_added: 0.2.0
  volume_size:
    description:
      - Size of each instance's volume. It can grow but not shrink.
    type: str
    default: 10Gi
  storage_class:
    description:
      - Storage class of the volumes; the cluster's default when not given.
    type: str
  databases:
    description:
      - The databases to create, each with the role that owns it. Names are lower case, as kine wants them.
      - Databases and roles that are taken out of the list are not dropped.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the database.
        type: str
        required: true
      owner:
        description: Role that owns the database. It needs no privileges beyond that.
        type: str
        required: true
  owner_flags:
    description:
      - Extra flags for the owner roles, such as V(createdb). kine needs none. The operator never revokes a flag.
      - PostgreSQL only.
    type: list
    elements: str
    default: []
  synchronous:
    description:
      - V(on) waits for a standby before it acknowledges a commit, and goes on alone while no standby is there.
      - V(strict) stops writes instead when no standby is there, and needs at least 3 instances.
      - V(off) replicates asynchronously. A failover can then lose writes that a control plane has already acted on.
      - With O(provider=mariadb) only V(on), which is semi-synchronous replication; it can lose more than PostgreSQL's.
      - With O(provider=innodbcluster) only V(on), which is group replication, where a majority has each write.
    type: str
    choices: ["on", strict, "off"]
    default: "on"
  require_tls:
    description:
      - Refuse connections without TLS. V(false) allows them, for C(sslmode=disable).
    type: bool
    default: true
  tls_secret:
    description:
      - Secret in O(namespace) with the certificate of the database's servers, that somebody else such as cert-manager keeps,
        under the keys C(tls.crt), C(tls.key) and C(ca.crt). It has to name the primary's Service as
        RV(endpoint) does.
      - With O(provider=innodbcluster) it also has to name the members, as
        C(*.NAME-instances.NAMESPACE.svc.cluster.local), and to be good for clients, as which they show it to each other.
      - When not given, a certificate for a year is made, in the Secret C(NAME-tls), by an authority of its own in
        C(NAME-authority). Running this module again renews it when a third of its life is left; the authority stays,
        so that control planes go on trusting it. The servers take up a renewed certificate without a restart.
      - Empty leaves it to the operator. Zalando's lets each server sign for itself, so that nobody can verify it.
        Oracle's does the same.
        CloudNativePG's has an authority of its own, and replaces it every three months; control planes have to learn
        the new one within a week.
      - Not with O(provider=mariadb), whose operator keeps an authority for three years and renews the certificates.
      - Changing it restarts the servers.
    type: str
    version_added: 0.2.0
  parameters:
    description:
      - Parameters of the database server, over those that are set for kine.
      - Each is a text, a number or a boolean; null leaves one of those that are set for kine at the server's own default.
    type: dict
    default: {}
  resources:
    description:
      - C(requests) and C(limits) of each instance, as in a container.
    type: dict
    default: {}
  spec:
    description:
      - Anything else of the custom resource's C(spec), merged last. A null removes a field, and a list replaces the one here.
      - O(require_tls) holds all the same. With PostgreSQL, the rule that refuses plaintext comes before a C(pg_hba) given here,
        and what allows plaintext with Zalando's operator stays beside an C(env) given here.
    type: dict
    default: {}
  wait:
    description:
      - Wait until the database cluster is proven up, or with O(state=absent) until its pods are gone. A live one that was
        changed, by this run or by one in the minute before, has to stay up for ten seconds, because its operator takes a
        moment to begin.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds after which waiting fails, with the last event and log line of what is not up.
    type: int
    default: 600
seealso:
  - module: k0smotron.ha.datasource_secret
  - module: k0smotron.ha.kine_check
  - module: k0smotron.ha.durability_check
"""

EXAMPLES = r"""
- name: Run PostgreSQL with a synchronous standby and one database for kine
  k0smotron.ha.datastore:
    name: acid-minimal-cluster
    namespace: databases
    databases:
      - {name: kine, owner: k0smotron}

- name: Never acknowledge a write that only one instance has
  k0smotron.ha.datastore:
    name: acid-minimal-cluster
    namespace: databases
    instances: 3
    synchronous: strict
    databases:
      - {name: kine, owner: k0smotron}

- name: Remove the database cluster and keep its volumes and credentials
  k0smotron.ha.datastore:
    name: acid-minimal-cluster
    namespace: databases
    state: absent
"""

RETURN = r"""
endpoint:
  description: Where the primary answers inside the Kubernetes cluster.
  returned: O(state=present)
  type: dict
  sample: {host: acid-minimal-cluster.databases, port: 5432}
databases:
  description: Each database with its owner and the Secret that holds the owner's C(username) and C(password).
  returned: O(state=present)
  type: list
  elements: dict
  sample: [{name: kine, owner: k0smotron, secret: k0smotron.acid-minimal-cluster.credentials.postgresql.acid.zalan.do}]
replication:
  description: Who leads and who follows synchronously, each with C(pod) and C(node), and the wanted C(mode).
  returned: O(state=present) and the database cluster exists
  type: dict
  sample:
    leader: {pod: acid-minimal-cluster-0, node: n1}
    sync_standby: {pod: acid-minimal-cluster-1, node: n2}
    mode: "on"
verdict:
  description: Whether the database cluster is up, and why not if it is not. Without O(wait) no write is tried.
  returned: O(state=present)
  type: dict
  sample:
    up: true
    reason: 2 of 2 instances are ready, leader acid-0, and each database took a write from its owner
left:
  description: Volume claims and Secrets that stayed.
  returned: O(state=absent)
  type: list
  elements: str
  sample: ["PersistentVolumeClaim databases/pgdata-acid-minimal-cluster-0"]
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import datastore_run
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "provider": {"type": "str", "default": "zalando"},
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "data": {"type": "str", "choices": ["keep", "delete"], "default": "keep"},
    "instances": {"type": "int"},
    "version": {"type": "str"},
    "image": {"type": "str"},
    "volume_size": {"type": "str", "default": "10Gi"},
    "storage_class": {"type": "str"},
    "databases": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "owner": {"type": "str", "required": True}},
    },
    "owner_flags": {"type": "list", "elements": "str", "default": []},
    "synchronous": {"type": "str", "choices": ["on", "strict", "off"], "default": "on"},
    "require_tls": {"type": "bool", "default": True},
    "tls_secret": {"type": "str", "no_log": False},
    "parameters": {"type": "dict", "default": {}},
    "resources": {"type": "dict", "default": {}},
    "spec": {"type": "dict", "default": {}},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 600},
}


def main() -> t.NoReturn:
    run(ARGUMENTS, datastore_run.ensure)


if __name__ == "__main__":
    main()
