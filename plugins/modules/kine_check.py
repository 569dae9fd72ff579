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
    an existing C(kine) table with its columns, collation, indexes, numbers, compaction and data, who else writes to it,
    the server's version and upkeep, poolers in between, connection slots, crash safety, replication, the order of
    revisions, range queries, reading what was just written, compaction beside inserts, large values and latency.
  - Writes only into a schema C(kine_check_*) of its own, which it removes; on MySQL and MariaDB, where an account rarely
    has more than one database, into a table of such a name. What a killed run left behind is removed by the next run.
    It reads kine's own table, a bounded number of rows, and never writes into it.
  - Opens at most 12 connections to each database and writes less than 20 MB. Where slots are scarce it takes no more than two.
  - Examines many databases in one task, side by side (O(databases)), and never more than three on one server at a time.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes.info
requirements:
  - psycopg >= 3.2 (for PostgreSQL)
  - PyMySQL >= 1.2 (for MySQL and MariaDB), cryptography >= 42 (for the end of the server's certificate)
options:
  url:
    description:
      - The DSN as kine gets it, such as C(postgres://user:password@host:5432/kine?sslmode=require)
        or mysql://user:password@tcp(host:3306)/kine?tls=true&rejectReadOnly=true.
      - Exactly one of O(url), O(secret) and O(databases) is required.
    type: str
  secret:
    description:
      - The Secret of a control plane that holds the DSN under C(K0SMOTRON_KINE_DATASOURCE_URL).
      - In check mode a Secret that does not exist yet is no error. Nothing is examined then, and the message says so.
    type: dict
    suboptions: &secret
      name: {description: Name of the Secret., type: str, required: true}
      namespace: {description: Namespace of the Secret and of the control plane., type: str, required: true}
  databases:
    description:
      - Several databases, examined side by side. The task takes about as long as the slowest of them.
      - What an entry leaves out is taken from the module's option of the same name.
      - A Secret that cannot be read is a failure of its own database. The others are examined all the same.
      - Databases of one server are written to at the same time, so their latencies are those of a busy server.
      - What all databases of a server share, its speed under load and the way to it, is tried at length with one of them,
        and with few connections, samples and bytes with the others.
    version_added: 0.2.0
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - What the database is called in RV(msg), RV(databases) and O(report).
          - The default is the namespace and name of the Secret, or the host and database of the URL.
        type: str
      url: {description: "As the task's O(url). Exactly one of this and O(databases[].secret) is required.", type: str}
      secret:
        description:
          - As the task's O(secret).
          - Where several are in one namespace, those that M(k0smotron.ha.datasource_secret) wrote are read by one request.
        type: dict
        suboptions: *secret
      reach: {description: As the task's O(reach)., type: str, choices: &reach [auto, direct, port_forward]}
      control_planes: {description: As the task's O(control_planes)., type: int}
      replicas: {description: As the task's O(replicas)., type: int}
      max_open_connections: {description: As the task's O(max_open_connections)., type: int}
      tls_files: {description: As the task's O(tls_files)., type: dict}
      k0s_version: {description: As the task's O(k0s_version)., type: str}
      kine_version: {description: As the task's O(kine_version)., type: str}
      expect: {description: As the task's O(expect)., type: str, choices: &expect [empty, existing, any]}
      cluster_uid: {description: As the task's O(cluster_uid)., type: str}
      ca_file: {description: As the task's O(ca_file)., type: str}
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
    choices: *reach
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
      - Of O(databases) on one server, one is timed with that many and each other one with 10 at most.
    type: int
    default: 100
  timeout:
    description:
      - Seconds after which the examination ends, whatever it waits for. Cleaning up may take 5 seconds more.
    type: int
    default: 30
  tls_files:
    description:
      - Where files that the DSN names (C(sslrootcert), C(sslcert), C(sslkey)), or O(ca_file), are on the host that runs
        the task, by the path that they have in the control plane's pods.
    type: dict
    default: {}
  k0s_version:
    description:
      - The k0s that is going to use the database, as C(vX.Y.Z-k0s.N). It decides what the checks ask for, such as which
        driver reads the DSN, the shape of the table, and whether the collation matters.
      - The default is the version that M(k0smotron.ha.cluster) installs.
    type: str
    version_added: 0.2.0
  kine_version:
    description:
      - The kine that is going to use the database, as C(X.Y.Z). It takes the place of the one that comes with
        O(k0s_version).
    type: str
    version_added: 0.2.0
  expect:
    description:
      - What data should be there. With V(empty), none, and nobody who could write it; rows that kine writes for itself
        do not count. With V(existing), that of a control plane. With V(any), both are fine.
    type: str
    choices: *expect
    default: any
    version_added: 0.2.0
  cluster_uid:
    description:
      - The cluster whose data may be there, by the UID of its namespace C(kube-system). Data of another one fails.
      - By default data of any cluster may be there, and the check C(data) shows its UID.
    type: str
    default: ''
    version_added: 0.2.0
  ca_file:
    description:
      - The certificate authority that kine gets beside the DSN, by its option C(--ca-file). A MySQL DSN cannot name it.
      - C(tls) in a MySQL DSN wins over it, in kine too. To a PostgreSQL DSN kine adds it as C(sslrootcert) where there is
        none, and C(sslmode=verify-full) where there is no C(sslmode).
      - The default is C(KINE_KINE_CA_FILE) in O(secret), and none with O(url). A kine before 0.14.1, as k0s before 1.34 has
        it, does not read that.
    type: str
    version_added: 0.2.0
  fail_on:
    description:
      - What makes the module fail. With V(fail), a check that failed; with V(warn), a warning too.
      - With V(never), decide by RV(counts) and RV(checks).
      - What was found all the same is a warning of the task.
    type: str
    choices: [fail, warn, never]
    default: fail
  report:
    description:
      - File on the host that runs the task, to write a page of HTML for people to. Its folder has to exist.
      - The page shows every check, how long inserts took and how the connection slots are shared out, of each database.
        It is whole in itself, runs nothing, and holds no secret, because passwords in URLs are masked.
      - It is written before the module fails, too, with mode V(0644), and replaces an older one as a whole.
      - In check mode no file is written. A file that was written does not count as a change.
    version_added: 0.2.0
    type: path
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

- name: Examine the databases of a fleet side by side, and keep a page for people
  k0smotron.ha.kine_check:
    databases:
      - name: team-a
        secret:
          name: team-a-data-source
          namespace: team-a
      - name: team-b
        url: "{{ vault_team_b_url }}"
        replicas: 5
    control_planes: 2
    report: /var/lib/reports/databases.html

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
  description:
    - A compact table for people, with the remedy under each check that needs one.
    - With O(databases), one table a database under a line on all of them.
  returned: always
  type: str
  sample: |-
    27 passed, 1 warning, 0 failed
    OK      Connects            to database kine as role k0smotron, directly
    WARN    Survives a failover no standby shows in SQL, and synchronous_standby_names is empty
                                -> Run two instances or more and set synchronous_standby_names
checks:
  description: What each check found, in the order in which they ran. Empty when there was nothing to check.
  returned: with O(url) or O(secret)
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
      sample: 3 replicas x 12 connections = 36 of 100 - 3 reserved - 0 used = 97 free
    expected: {description: What is expected., type: str, returned: always, sample: at least 36 free slots}
    remedy: {description: What to do about it; empty when all is well., type: str, returned: always, sample: ""}
    source:
      description: Where the rule comes from.
      type: str
      returned: always
      sample: "kine 0.16: unlimited pool by default"
counts:
  description: How many checks ended how, with O(databases) over all of them.
  returned: always
  type: dict
  sample: {passed: 27, warnings: 1, failed: 0, skipped: 0}
tls:
  description: How the connection is encrypted.
  returned: with O(url) or O(secret)
  type: dict
  sample: {used: true, version: TLSv1.3, cipher: TLS_AES_256_GCM_SHA384, verified: authority and name,
           certificate_ends: "2027-11-30T12:00:00+00:00", ends_soon: false}
server:
  description: Product and version of the server.
  returned: with O(url) or O(secret)
  type: dict
  sample: {product: PostgreSQL, version: "15.18"}
latency:
  description:
    - Times of single-row inserts in milliseconds and how many were timed, one after the other and by several C(writers)
      at once (C(together_*)), and of a list of C(listed) keys, as many as could be made in a short time.
    - C(writers) and C(listed) are 0 where that was not measured.
  returned: with O(url) or O(secret)
  type: dict
  sample:
    samples: 100
    p50_ms: 1.6
    p99_ms: 5.4
    writers: 10
    together_p50_ms: 4.1
    together_p99_ms: 11.8
    listed: 10000
    list_ms: 91.2
    histogram: [{up_to_ms: 2.0, count: 90}, {up_to_ms: null, count: 10}]
  contains:
    samples: {description: How many inserts were timed., type: int, returned: always}
    p50_ms: {description: The median., type: float, returned: always}
    p99_ms: {description: The 99th percentile., type: float, returned: always}
    histogram:
      description:
        - How many took longer than the bucket before allows, and at most C(up_to_ms). The last bucket has no bound (C(null)).
        - Empty when nothing was timed.
      type: list
      elements: dict
      returned: always
connections:
  description:
    - The connection budget, in slots of the server. C(needed) is what the planned control planes may open, C(used) what others
      have open now, C(role_limit) is V(-1) without a limit.
    - C(max_connections) is V(0) where nobody could count.
  returned: with O(url) or O(secret)
  type: dict
  sample: {max_connections: 100, reserved: 3, used: 0, role_limit: -1, needed: 36}
databases:
  description:
    - One record for each of O(databases), in their order. Each has RV(msg), RV(checks), RV(counts), RV(tls), RV(server),
      RV(latency) and RV(connections) of its own.
  returned: with O(databases)
  type: list
  elements: dict
  contains:
    name:
      description: Name of the database, for people.
      type: str
      returned: always
      sample: team-a
    database:
      description: Its DSN without the secrets in it. Empty when there is none.
      type: str
      returned: always
      sample: postgres://k0smotron:***@db.example:5432/kine?sslmode=require
report:
  description: The file that the page was written to.
  returned: with O(report), outside check mode
  type: str
  sample: /var/lib/reports/databases.html
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kine_check_run import check
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run_detached

ONE_SOURCE: list[tuple[str, ...]] = [("url", "secret")]
SECRET: dict[str, t.Any] = {
    "type": "dict",
    "no_log": False,
    "options": {"name": {"type": "str", "required": True}, "namespace": {"type": "str", "required": True}},
}
# What each database may have of its own. The task's defaults hold where it says nothing.
OWN: dict[str, dict[str, t.Any]] = {
    "url": {"type": "str", "no_log": True},
    "secret": SECRET,
    "reach": {"type": "str", "choices": ["auto", "direct", "port_forward"]},
    "control_planes": {"type": "int"},
    "replicas": {"type": "int"},
    "max_open_connections": {"type": "int"},
    "tls_files": {"type": "dict"},
    "k0s_version": {"type": "str"},
    "kine_version": {"type": "str"},
    "expect": {"type": "str", "choices": ["empty", "existing", "any"]},
    "cluster_uid": {"type": "str"},
    "ca_file": {"type": "str"},
}
DEFAULTS = {"reach": "auto", "control_planes": 1, "replicas": 3, "tls_files": {}, "expect": "any", "cluster_uid": ""}
DATABASE: dict[str, dict[str, t.Any]] = {"name": {"type": "str"}, **OWN}
ARGUMENTS: dict[str, dict[str, t.Any]] = {
    **{name: {**option, "default": DEFAULTS[name]} if name in DEFAULTS else option for name, option in OWN.items()},
    "databases": {
        "type": "list",
        "elements": "dict",
        "options": DATABASE,
        "mutually_exclusive": ONE_SOURCE,
        "required_one_of": ONE_SOURCE,
    },
    "samples": {"type": "int", "default": 100},
    "timeout": {"type": "int", "default": 30},
    "fail_on": {"type": "str", "choices": ["fail", "warn", "never"], "default": "fail"},
    "report": {"type": "path"},
}


def main() -> t.NoReturn:
    sources = [("url", "secret", "databases")]
    run_detached(ARGUMENTS, check, mutually_exclusive=sources, required_one_of=sources)


if __name__ == "__main__":
    main()
