#!/usr/bin/python
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: a token with which nodes join a hosted control plane."""

from __future__ import annotations

DOCUMENTATION = r"""
module: join_token
short_description: Keep a token with which workers join a control plane, and revoke it
version_added: 0.2.0
description:
  - Asks k0smotron for a join token by a JoinTokenRequest, and waits until the hosted cluster takes it. k0smotron puts the
    token into a Secret of the request's name, under the key C(token).
  - A token that is still good stays. One that has expired, expires soon, was revoked, or was made for something else is
    revoked and replaced; k0smotron itself never renews a token.
  - A token of this module always expires. k0smotron's own default is a token that never does.
  - With O(state=absent) the token is revoked in the hosted cluster, by deleting its Secret C(bootstrap-token-<id>) in
    C(kube-system) there. To delete the JoinTokenRequest does not do that - the token goes on to let nodes in (seen with
    k0smotron 1.10.9).
  - Works for control planes of M(k0smotron.ha.cluster) and for those of Cluster API, which have a k0smotron Cluster of the
    same name. Works with k0smotron 1.10 (C(v1beta1)) and 2 (C(v1beta2)).
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes
options:
  name:
    description:
      - Name of the JoinTokenRequest, and of the Secret with the token. It has at most 63 characters, because k0smotron makes a
        label of it.
    type: str
    required: true
  namespace:
    description:
      - Namespace of the request, which is the control plane's.
    type: str
    required: true
  cluster:
    description:
      - Name of the control plane. Needed with O(state=present).
    type: str
  state:
    description:
      - V(present) keeps a token that is good.
      - V(absent) revokes it and deletes the request with the Secret. Nodes that have joined stay.
    type: str
    choices: [present, absent]
    default: present
  role:
    description:
      - What joins with the token.
    type: str
    choices: [worker, controller]
    default: worker
  expiry:
    description:
      - How long a new token is good, in hours, minutes and seconds as in V(1h30m). Not V(0s), which is for ever, and no days,
        which k0s does not know.
    type: str
    default: 1h
  renew_before:
    description:
      - How long before its end a token is replaced, so that who gets it has time to use it. A tenth of O(expiry) when not given.
    type: str
  revoke:
    description:
      - Whether the old token is revoked when it is removed or replaced. With V(false) it stays valid until it expires; that is
        for a control plane that is gone or does not come up again, which would be an error otherwise.
    type: bool
    default: true
  wait:
    description:
      - Wait until there is a token and the hosted cluster knows it, or with O(state=absent) until the request and its Secret
        are gone.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds after which waiting fails, with k0smotron's own words.
    type: int
    default: 120
notes:
  - The hosted API is asked through a port-forward to one of the control plane's pods, with the administrator's certificate out of
    the Secret C(<cluster>-kubeconfig).
  - Before a token is replaced, the next request is tried as a dry run under another name, C(rehearsal-<digest>). So a Role has
    to allow C(create) and C(patch) of JoinTokenRequests without C(resourceNames).
  - An API server remembers for up to ten seconds that a token was good, so a revoked one may be accepted for that long.
  - A node that has joined has a certificate of its own and needs the token no more. To keep it out, delete the node in the
    hosted cluster and stop its kubelet; its certificate stays good until it expires.
seealso:
  - module: k0smotron.ha.cluster
  - module: k0smotron.ha.control_plane
"""

EXAMPLES = r"""
- name: A token for workers that join within the next two hours
  k0smotron.ha.join_token:
    name: team-a-workers
    namespace: team-a
    cluster: team-a
    expiry: 2h
  register: join

- name: Read it
  kubernetes.core.k8s_info:
    kind: Secret
    name: "{{ join.secret }}"
    namespace: team-a
  register: token
  no_log: true

- name: Give it to the workers, which run k0s
  ansible.builtin.copy:
    content: "{{ token.resources[0].data.token | b64decode }}"
    dest: /etc/k0s/token
    mode: "0600"
  delegate_to: "{{ item }}"
  loop: "{{ groups.workers }}"
  no_log: true

- name: Revoke it
  k0smotron.ha.join_token:
    name: team-a-workers
    namespace: team-a
    state: absent
"""

RETURN = r"""
token_id:
  description:
    - The public half of the token; the hosted cluster has it as the Secret C(bootstrap-token-<id>).
    - Null when there is none yet, which happens in check mode and without O(wait).
  returned: O(state=present)
  type: str
  sample: f4k9za
secret:
  description: Secret in the same namespace whose key C(token) holds the token, as k0s takes it.
  returned: O(state=present)
  type: str
  sample: team-a-workers
expires:
  description: When the token ends, in UTC, as the hosted cluster says; null while there is none.
  returned: O(state=present)
  type: str
  sample: "2026-11-27T21:15:00Z"
revoked:
  description: The public halves of the tokens that are valid no more.
  returned: O(state=absent)
  type: list
  elements: str
  sample: [f4k9za]
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import join_token_run
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "cluster": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "role": {"type": "str", "choices": ["worker", "controller"], "default": "worker"},
    "expiry": {"type": "str", "default": "1h"},
    "renew_before": {"type": "str"},
    "revoke": {"type": "bool", "default": True},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
}


def main() -> t.NoReturn:
    run(ARGUMENTS, join_token_run.ensure, required_if=[("state", "present", ["cluster"])])


if __name__ == "__main__":
    main()
