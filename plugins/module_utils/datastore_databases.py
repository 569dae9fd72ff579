# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases and owners that no operator makes: by statements, as the administrator, on the instance that leads."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import datastore_proof
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_connection import Connector
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import fixed

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import Datastore
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

SECONDS = 30.0


def refuse_unmade(store: Datastore, *, wait: bool) -> None:
    """Raise InvalidInput where databases were asked for that nobody would make: it takes a primary."""
    if store.administrator() and store.options.databases and not wait:
        raise InvalidInput(
            f"With {store.provider} this module makes the databases itself, once there is a primary, and wait is false",
            "Leave wait at true, or leave out databases",
        )


def make(kube: Kube, store: Datastore, leader: str) -> None:
    """Run the datastore's statements; not by exec, which would leave passwords in the API server's audit log. Raises HaError."""
    name = store.administrator()
    if not name or not store.options.databases:
        return
    root = datastore_proof.secret(kube, store, name, "the administrator's Secret")
    passwords = {owner: _password(kube, store, owner) for owner in store.owners()}
    with (
        datastore_proof.authorities(kube, store) as ca_file,
        kube.forward(store.options.namespace, leader, store.endpoint().port) as address,
    ):
        endpoint, tls = store.endpoint(), {} if ca_file else {"tls": "skip-verify"}
        dsn = Dsn(store.scheme, root["rootUser"], root["rootPassword"], (endpoint,), "mysql", tls)
        connector = Connector(dsn, fixed(endpoint, address), Deadline(SECONDS), {}, ca_file)
        with contextlib.closing(connector):
            connection = connector.open()
            for statement in store.statements(passwords):
                connector.change(connection, statement.text, statement.values)


def _password(kube: Kube, store: Datastore, owner: str) -> str:
    return datastore_proof.secret(kube, store, store.credential_secret(owner), "the credential Secret")["password"]
