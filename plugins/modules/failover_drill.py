# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: break something under load, and certify what clients saw of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: failover_drill
short_description: Break a control plane's database on purpose, and certify what clients saw of it
version_added: 0.2.0
description:
  - Writes, reads and watches through the hosted API of a control plane, does one thing to its database or to its replicas,
    waits until all is up again, and judges from what these clients recorded.
  - "What must hold: no acknowledged write is lost, all can be read back, nothing is there that was never sent,
    C(resourceVersion) never goes back, no watcher missed an event, every read finds what was acknowledged before it, all
    replicas hold the same objects, the control plane's certificate authority is the same, no check of
    M(k0smotron.ha.kine_check) but C(latency) fails that did not fail before, and control plane and database are up again
    within O(recovery)."
  - The clients use the address that everybody uses, and try no request again unless O(retries) says so. They work in a namespace
    of the hosted cluster that is made for the drill and removed with all that is in it.
  - The module fails when one of these rules is broken or a gap is longer than allowed; its result has the certificate then, too.
  - What a fault needs, and that control plane and database are up, is checked before anything is touched. Nothing has to be
    undone afterwards, also when the drill itself is killed; the next drill removes the namespace that a killed one left, and
    starts the operator that a killed one with O(fault=operator_down) stopped.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    description: Can run in check mode and return what would be done, without changing anything.
    support: full
    details:
      - Says which pods and which operator would be touched, and checks that they may be; O(fault_command) is not run.
  diff_mode:
    description: Returns what has changed, or would have changed in check mode.
    support: none
    details:
      - Nothing stays changed.
requirements:
  - psycopg >= 3.2 (for PostgreSQL)
  - PyMySQL >= 1.2 (for MySQL and MariaDB)
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
  fault:
    description:
      - What to do.
      - V(primary_killed) kills the server process of the database's primary with SIGKILL; not with MariaDB, whose server is the
        first process of its container.
      - V(primary_deleted) deletes the primary's pod, which may hand over in good order.
      - V(primary_pod_killed) deletes the primary's pod without any grace.
      - V(primary_hung) stops all processes of the primary's server (SIGSTOP) for O(fault_seconds); not with MariaDB.
      - V(switchover) lets the synchronous standby lead. Patroni is asked for it, or the operator of CloudNativePG or MariaDB.
      - V(standby_deleted) deletes the pod of the synchronous standby.
      - V(replicas_killed) kills all replicas of the control plane but one.
      - V(connections_exhausted) takes all connections of a PostgreSQL server that are left for ordinary logins, for
        O(fault_seconds), and leaves those that are reserved for superusers. The sessions are in the primary's pod, and end by
        themselves; 300 at most.
      - V(disk_full) fills the volume of the primary with a file, for O(fault_seconds). Zalando's operator only. It is refused
        where the volume is a folder on a disk that others use, too; the file C(k0smotron-ha-drill-fill) goes by itself, by the
        end of the drill, or by the next one.
      - V(operator_down) stops the database's operator, kills the primary's pod, and starts the operator again after
        O(fault_seconds). All databases of this operator are without it meanwhile.
      - V(command) runs O(fault_command) on the host that runs this task, for what this module cannot do by itself, such as the
        failover of a managed database, the loss of a node, or a network that is cut.
      - V(none) does nothing for O(fault_seconds), while you or somebody else does.
    type: str
    choices:
      - none
      - primary_killed
      - primary_deleted
      - primary_pod_killed
      - primary_hung
      - switchover
      - standby_deleted
      - replicas_killed
      - connections_exhausted
      - disk_full
      - operator_down
      - command
    required: true
  allow_disruption:
    description:
      - Has to be V(true), because clients of the control plane may see errors during the drill.
    type: bool
    default: false
  fault_command:
    description:
      - A program and its arguments, for O(fault=command). No shell looks at it, and it is run once.
      - It gets O(fault_seconds), and is killed with all that it started when it is not through by then. When it fails, the task
        fails without a certificate, because nobody knows what clients should have felt.
      - When it is through sooner, clients go on until O(fault_seconds) are over, because what it asked for may come later.
      - It has to see to it that what it does ends, also when the drill is killed.
      - It is shown, also in check mode. Give secrets by C(environment) of the task, or in a file that the program reads.
    type: list
    elements: str
  fault_seconds:
    description:
      - How long the fault lasts, in seconds, 1 to 600; for O(fault=primary_hung), O(fault=connections_exhausted),
        O(fault=disk_full), O(fault=operator_down), O(fault=command) and O(fault=none).
    type: int
    default: 60
  writers:
    description:
      - How many clients write, each with a connection of its own; 1 to 50.
    type: int
    default: 4
  rate:
    description:
      - How many writes a second all of them begin together while each is answered; 1 to 100.
    type: int
    default: 20
  readers:
    description:
      - How many clients read what was acknowledged last, five times a second each; 0 to 10.
    type: int
    default: 1
  watchers:
    description:
      - How many clients watch; 0 to 10.
    type: int
    default: 2
  retries:
    description:
      - How often writers and readers try a request again, 0 or 1; at once and over a new connection, when it could not be sent,
        no answer came, or the answer was 429 or a failure of the server (5xx).
      - The certificate says how many requests were tried twice. A write is acknowledged when the second answer says so, or when
        it shows that the first was done. That is a C(404) to a deletion; after a C(409) to a creation the object is read.
    type: int
    default: 0
  warm_up:
    description:
      - How many seconds the clients are at work before the fault; 1 to 300.
    type: int
    default: 10
  recovery:
    description:
      - How many seconds control plane and database get to be up again; 1 to 600. The drill does not wait
        longer, and does not pass then.
    type: int
    default: 180
  after:
    description:
      - How many seconds the clients go on when all is up again; 0 to 300.
    type: int
    default: 10
  others:
    description:
      - More control planes whose clients are at work meanwhile, each as many as O(writers), O(readers) and O(watchers) say, such
        as those on the same database. The fault is about O(name) and its database; each is judged, and has a certificate.
      - At most nine.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the control plane.
        type: str
        required: true
      namespace:
        description: Its namespace.
        type: str
        required: true
  max_write_gap:
    description:
      - The longest time in seconds between two acknowledged writes that passes.
      - When not given, 25 for O(fault=primary_hung), O(fault=disk_full) and O(fault=command), and 10 for all others.
    type: float
  max_watch_gap:
    description:
      - The longest time in seconds between two events of a watch that passes; any when not given.
    type: float
  report:
    description:
      - File on the host that runs the task, to write the certificate to as a page of HTML for people. Its folder has to exist.
      - The page shows what clients saw along the time around the fault, data loss and time to recover with the statistics
        behind them, every rule, and what clients were told. It is whole in itself, runs nothing, and holds no secret.
      - It is written for a drill that did not pass, too, with mode V(0644), and replaces an older one as a whole.
      - Each of the O(others) has a page beside it, whose name goes on with its namespace and name.
      - In check mode no file is written.
    type: path
seealso:
  - module: k0smotron.ha.durability_check
  - module: k0smotron.ha.kine_check
  - module: k0smotron.ha.cluster_info
  - module: k0smotron.ha.replica_repair
"""

EXAMPLES = r"""
- name: Show that the control plane survives the loss of its database's primary
  k0smotron.ha.failover_drill:
    name: team-a
    namespace: team-a
    fault: primary_pod_killed
    allow_disruption: true
    report: /var/lib/reports/team-a.html
  register: drill

- name: Show what the loss of a primary costs everybody on it
  k0smotron.ha.failover_drill:
    name: team-a
    namespace: team-a
    others:
      - {name: team-b, namespace: team-b}
      - {name: team-c, namespace: team-c}
    fault: primary_pod_killed
    allow_disruption: true

- name: Fail a managed database over by its cloud's own program
  k0smotron.ha.failover_drill:
    name: team-b
    namespace: team-b
    fault: command
    fault_command: [/usr/local/bin/cloud, sql, failover, team-b-db]
    fault_seconds: 120
    allow_disruption: true
  environment:
    CLOUD_TOKEN: "{{ cloud_token }}"

- name: Keep the certificate for machines, too
  ansible.builtin.copy:
    dest: /var/lib/reports/team-a.json
    content: "{{ drill.certificate | to_nice_json }}"
    mode: "0644"
"""

RETURN = r"""
msg:
  description: Each certificate in one line.
  returned: always
  type: str
  sample: >-
    team-a/team-a passed (the primary's pod is killed and may not hand over): 512 writes acknowledged, 0 of them lost, 9 failed,
    4 unknown; longest gap 3.1 s for writes, 3.0 s for reads, 4.2 s for watches
fault:
  description: What was done.
  returned: always
  type: str
  sample: primary_pod_killed
actions:
  description: The same in detail, step by step.
  returned: always
  type: list
  elements: str
  sample: [delete pod default/acid-minimal-cluster-0 with 0 s of grace]
certificate:
  description: Everything about the drill, for JSON.
  returned: after a drill, also one that did not pass
  type: dict
  contains:
    passed:
      description: Whether every rule holds and no gap is too long.
      type: bool
      returned: always
      sample: true
    why_not:
      description: What speaks against it, in words.
      type: list
      elements: str
      returned: always
      sample: []
    measures:
      description: >-
        Counts of writes by outcome; gaps and first successes after the fault in seconds; and C(loss_bound), the share of lost
        writes that would have shown itself among so many with a confidence of 95 %. C(writes_twice) and C(reads_twice) are how
        many were tried twice.
      type: dict
      returned: always
      sample: {acknowledged: 512, failed: 9, unknown: 4, write_gap: 3.1, loss_bound: 0.0058}
    fault:
      description: >-
        The fault, when it began in seconds since the drill did, and as C(actions) in words what was done, with O(fault=command)
        the command, without passwords in URLs.
      type: dict
      returned: always
      sample: {id: command, title: a command of the user's own, at: 10.1, actions: ["run on this host: fail-over"]}
    rules:
      description: Each rule with what speaks against it.
      type: list
      elements: dict
      returned: always
      sample: [{id: lost, title: No acknowledged write is lost, ok: true, count: 0, observed: ""}]
    seconds:
      description: When the writers stopped, in seconds since the drill began.
      type: float
      returned: always
      sample: 41.2
    timeline:
      description: >-
        For each second the writes begun in it by their outcome, the seconds of the slowest, the events told, and as C(lag) the
        most bytes that a standby had not written to its disk yet, null where nobody knows.
      type: list
      elements: dict
      returned: always
      sample: [{second: 12, acknowledged: 20, failed: 0, unknown: 0, slowest: 0.012, events: 40, lag: 0}]
    fingerprint:
      description: A digest of the control plane's and the database's specs and the DSN, all without passwords.
      type: str
      returned: always
      sample: 3b1f0c5d0c2e6ad1f1b4f1a54c6be9f4f27d1ce27ef07d6b8c43cc8a5d2b7e10
    format:
      description: Changes when a reader of the one before would misread it.
      type: int
      returned: always
    when:
      description: When it was issued, in UTC, ISO 8601.
      type: str
      returned: always
    control_plane:
      description: What was drilled, with its version and its replicas.
      type: dict
      returned: always
    datastore:
      description: Its database, by its operator where that is known here, and its DSN without the password.
      type: dict
      returned: always
    load:
      description: Clients and times, as the module's options name them.
      type: dict
      returned: always
    limits:
      description: The gaps in seconds that pass; null for any.
      type: dict
      returned: always
    moments:
      description: Who led and how many replicas were ready, each time that it had changed, with the second.
      type: list
      elements: dict
      returned: always
      sample: [{at: 1.2, what: "primary acid-0, standby acid-1; 3 of 3 replicas ready"}]
    errors:
      description: What writers were told most often.
      type: list
      elements: dict
      returned: always
others:
  description: The same as RV(certificate), for each of O(others).
  returned: after a drill, also one that did not pass
  type: list
  elements: dict
report:
  description: The file that the page was written to.
  returned: with O(report), after a drill, also one that did not pass
  type: str
  sample: /var/lib/reports/team-a.html
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.drill.faults import FAULTS
from ansible_collections.k0smotron.ha.plugins.module_utils.failover_drill_run import drill
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "fault": {"type": "str", "choices": [fault.id for fault in FAULTS], "required": True},
    "allow_disruption": {"type": "bool", "default": False},
    "fault_command": {"type": "list", "elements": "str"},
    "fault_seconds": {"type": "int", "default": 60},
    "writers": {"type": "int", "default": 4},
    "rate": {"type": "int", "default": 20},
    "readers": {"type": "int", "default": 1},
    "watchers": {"type": "int", "default": 2},
    "retries": {"type": "int", "default": 0},
    "warm_up": {"type": "int", "default": 10},
    "recovery": {"type": "int", "default": 180},
    "after": {"type": "int", "default": 10},
    "others": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str", "required": True},
        },
    },
    "max_write_gap": {"type": "float"},
    "max_watch_gap": {"type": "float"},
    "report": {"type": "path"},
}


def main() -> t.NoReturn:
    run(ARGUMENTS, drill)


if __name__ == "__main__":
    main()
