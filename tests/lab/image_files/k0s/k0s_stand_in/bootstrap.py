# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What whoever has a join token may do, as in k0s: ask for a kubelet's certificate, which is granted at once."""

from __future__ import annotations

import json
import threading
import typing as t

from . import paths, tokens

POLL = 1.0  # seconds between two tries
_SIGNING = "system:certificates.k8s.io:certificatesigningrequests"
# Group -> what its members may do, in the words of roles that every API server makes.
RIGHTS = (
    ("system:bootstrappers", "system:node-bootstrapper"),
    ("system:bootstrappers", f"{_SIGNING}:nodeclient"),
    ("system:nodes", f"{_SIGNING}:selfnodeclient"),
)


def bindings() -> list[dict[str, t.Any]]:
    """The ClusterRoleBindings."""
    api = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": f"{api}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"k0s-stand-in:{group.partition(':')[2]}:{role.rpartition(':')[2]}"},
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": api, "kind": "Group", "name": group}],
        }
        for group, role in RIGHTS
    ]


def ensure(stop: threading.Event) -> None:
    """Make them, in a thread of its own: other replicas do the same, and the API may be away for a moment."""
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": bindings()})

    def try_until_made() -> None:
        while not stop.is_set():
            try:
                tokens.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest)
                return
            except paths.StandInError as error:
                print(f"k0s stand-in: the rights of join tokens are not made yet: {error}", flush=True)
            stop.wait(POLL)

    threading.Thread(target=try_until_made, daemon=True).start()
