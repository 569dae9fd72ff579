# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module datastore does: the pure core decides, Kube acts, a write proves."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_lookup import fetch
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals import remove
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    Datastore,
    DatastoreOptions,
    datastore,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import postgres, postgres_connection
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref, changes_result
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import texts, with_password
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

Params: t.TypeAlias = t.Mapping[str, t.Any]
Observed: t.TypeAlias = dict[str, list[Object]]

# Options of the module that are fields of DatastoreOptions under the same name.
SAME_NAME = (
    "name",
    "namespace",
    "instances",
    "version",
    "image",
    "volume_size",
    "storage_class",
    "synchronous",
    "require_tls",
    "parameters",
    "resources",
    "owner_flags",
    "spec",
)


def ensure(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Raises HaError."""
    store = datastore(module.params["provider"], options(module.params))
    if module.params["state"] == "absent":
        return remove(kube, store, module.params)
    return present(kube, store, module.params)


def options(params: Params) -> DatastoreOptions:
    """The module's parameters in the core's words."""
    databases = tuple(DatabaseSpec(**item) for item in params["databases"])
    return DatastoreOptions(databases=databases, **{name: params[name] for name in SAME_NAME})


def present(kube: Kube, store: Datastore, params: Params) -> dict[str, t.Any]:
    """Declare the database cluster and, with `wait`, prove it. Nothing is created when anything is refused."""
    store.validate()
    if params["wait"]:
        _require_driver(store)
    wanted = store.desired()
    cluster = Ref.of(wanted[0])
    store.refuse_change(kube.get(*cluster))
    # The database cluster first: what its operator's webhook refuses leaves no Secret behind.
    changes = kube.apply([wanted[0], *_own_secrets(kube, store), *wanted[1:]])
    verdict = _await(kube, store, params) if params["wait"] and not kube.check_mode else judge(kube, store)
    return {**changes_result(changes), **describe(store, verdict)}


def _own_secrets(kube: Kube, store: Datastore) -> list[Object]:
    """The credential Secrets that the operator wants from us, each with the password that it has, or else a new one."""
    return [with_password(secret, kube.get(*Ref.of(secret))) for secret in store.own_secrets()]


def describe(store: Datastore, verdict: Verdict) -> dict[str, t.Any]:
    """The module's result apart from changed and diff."""
    endpoint = store.endpoint()
    databases = [
        {"name": item.name, "owner": item.owner, "secret": store.credential_secret(item.owner)}
        for item in store.options.databases
    ]
    details = verdict.details
    return {
        "endpoint": {"host": endpoint.name, "port": endpoint.port},
        "databases": databases,
        "replication": {key: details.get(key) for key in ("leader", "sync_standby", "mode")},
        "verdict": {"up": verdict.up, "reason": verdict.reason},
    }


def judge(kube: Kube, store: Datastore) -> Verdict:
    """What the operator, the pods and the Secrets say, without trying a write."""
    return store.judge(observe(kube, store))


def observe(kube: Kube, store: Datastore) -> Observed:
    """What a Datastore wants to see for its judgement."""
    return {ref.key: fetch(kube, ref) for ref in store.refs_for_judgement()}


def _await(kube: Kube, store: Datastore, params: Params) -> Verdict:
    selector = store.pod_selector()
    return kube.wait(
        lambda: prove(kube, store),
        params["wait_timeout"],
        lambda: kube.diagnose(store.options.namespace, selector),
    )


def prove(kube: Kube, store: Datastore) -> Verdict:
    """judge(), and then a row written to each database as its owner; what fails may still come, so it is a verdict."""
    verdict = judge(kube, store)
    if not verdict.up:
        return verdict
    for item in store.options.databases:
        try:
            _prove_write(kube, store, item, verdict.details["leader"]["pod"])
        except HaError as error:
            reason = f"Database {item.name} does not take writes from {item.owner}: {error.message}"
            return Verdict(False, reason, verdict.details)
    proof = ", and each database took a write from its owner" if store.options.databases else ""
    return Verdict(True, verdict.reason + proof, verdict.details)


def _prove_write(kube: Kube, store: Datastore, item: DatabaseSpec, leader: str) -> None:
    """Write as kine would: as the owner, over TLS, to the pod that leads. Raises HaError."""
    namespace, name = store.options.namespace, store.credential_secret(item.owner)
    secret = kube.get("v1", "Secret", name, namespace)
    if secret is None:
        raise NotFound(f"the credential Secret {name} has gone")
    credentials = texts(secret)
    dsn = Dsn(
        "postgres",
        credentials["username"],
        credentials["password"],
        (store.endpoint(),),
        item.name,
        {"sslmode": "require"},
    )
    with kube.forward(namespace, leader, store.endpoint().port) as address:
        postgres.prove_write(dsn, address)


def _require_driver(store: Datastore) -> None:
    """Find out that psycopg is missing before anything is created, not at the end of a wait."""
    if store.options.databases and postgres_connection.IMPORT_ERROR:
        raise HaError(
            missing_required_lib("psycopg (version 3)", reason="to prove that each database takes writes"),
            "Install it there, or give wait: false and prove nothing",
        )
