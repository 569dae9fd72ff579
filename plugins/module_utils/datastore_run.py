# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module datastore does: the pure core decides, Kube acts, a write proves."""

from __future__ import annotations

import datetime
import time
import typing as t

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.k0smotron.ha.plugins.module_utils import (
    certificates,
    datastore_databases,
    datastore_proof,
    datastore_users,
    lost_credentials,
    server_certificate,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_observation import judge
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals import REMOVALS, remove
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    PROVIDERS,
    DatabaseSpec,
    Datastore,
    DatastoreOptions,
    datastore,
    options_for,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    AccessDenied,
    Conflict,
    Forbidden,
    HaError,
    NotFound,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import FIELD_MANAGER, Kube, Ref, changes_result
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, applies
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import password_of, texts, with_password
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

Params: t.TypeAlias = t.Mapping[str, t.Any]
Probe: t.TypeAlias = t.Callable[[], Verdict]
Warn: t.TypeAlias = t.Callable[[str], None]

STEADY_SECONDS = 10.0
"""How long a database cluster that was changed has to be up before that is believed. No operator says which generation of
the custom resource its status is of, and until it has begun everything is as it was before the change."""
RECENT_SECONDS = 60.0
"""For how long the change of an earlier run counts like one of this run: that one may have been killed, or did not wait."""

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
    "tls_secret",
    "parameters",
    "resources",
    "owner_flags",
    "spec",
)


def ensure(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Raises HaError."""
    store = datastore(module.params["provider"], options(module.params))
    if module.params["state"] == "absent":
        datastore_users.refuse(kube, store, module.warn)
        return remove(kube, store, module.params)
    return present(kube, store, module.params, module.warn)


def options(params: Params) -> DatastoreOptions:
    """The module's parameters in the core's words."""
    databases = tuple(DatabaseSpec(**item) for item in params["databases"])
    return options_for(params["provider"], databases=databases, **{name: params[name] for name in SAME_NAME})


def present(kube: Kube, store: Datastore, params: Params, warn: Warn) -> dict[str, t.Any]:
    """Declare the database cluster and, with `wait`, prove it. Nothing is created when anything is refused."""
    store.validate()
    datastore_databases.refuse_unmade(store, wait=params["wait"])
    if params["wait"]:
        datastore_proof.require_driver(store)
    wanted = store.desired()
    cluster = Ref.of(wanted[0])
    live = kube.get(*cluster)
    store.refuse_change(live)
    if live is None:
        _refuse_namesake(kube, store)
    elif obstacle := REMOVALS[store.provider](kube, store, None).obstacle(live):
        raise obstacle
    secrets = [*_certificate(kube, store, warn), *_own_secrets(kube, store, live)]
    if secrets and not kube.check_mode:  # what the operator's webhook refuses leaves none of them behind
        kube.rehearse(wanted[0])
    changes = kube.apply([*secrets, *wanted])
    waits = params["wait"] and not kube.check_mode
    changed = live is not None and (changes[len(secrets)].changed or changed_lately(live))
    steady = STEADY_SECONDS if changed else 0.0
    verdict = _await(kube, store, params["wait_timeout"], steady) if waits else judge(kube, store)
    return {**changes_result(changes), **describe(store, verdict)}


def changed_lately(live: Object) -> bool:
    """Whether an apply of this collection changed it within RECENT_SECONDS; its creation leaves no state from before.

    The times are the API server's: one that seems to be in the future counts, and a clock here that is fast may miss one.
    """
    created, now = live["metadata"].get("creationTimestamp"), datetime.datetime.now(datetime.UTC)
    times = {entry["time"] for entry in applies(live, FIELD_MANAGER) if "time" in entry} - {created}
    return any((now - datetime.datetime.fromisoformat(each)).total_seconds() < RECENT_SECONDS for each in times)


def _refuse_namesake(kube: Kube, store: Datastore) -> None:
    """Operators do not know each other, and their databases would share Secrets: CloudNativePG and mariadb-operator both keep
    their authority in NAME-ca, and each takes the other's for a broken one of its own.
    """
    name, namespace = store.options.name, store.options.namespace
    for other in PROVIDERS.values():
        try:
            namesake = None if other is type(store) else kube.get(other.api_version, other.kind, name, namespace)
        except Forbidden:  # who makes this database need not be allowed to see those of other operators
            continue
        if namesake:
            raise Conflict(
                f"The namespace {namespace} has a {other.kind} {name} of another operator ({other.provider}), whose Secrets"
                " and Services would be this database's, too",
                "Choose another name or namespace",
            )


def _own_secrets(kube: Kube, store: Datastore, live: Object | None) -> list[Object]:
    """The credential Secrets that the operator wants from us, each with the password that it has, or else a new one.

    Raises Conflict where the database has had another one: see lost_credentials.
    """
    found = [(secret, kube.get(*Ref.of(secret))) for secret in store.own_secrets()]
    lost_credentials.refuse(kube, store, live, [secret for secret, kept in found if not password_of(secret, kept)])
    return [with_password(*pair) for pair in found]


def _certificate(kube: Kube, store: Datastore, warn: Warn) -> list[Object]:
    """The Secrets with the servers' certificate and its authority, as far as they are made here. Raises HaError."""
    wanted = store.certificate()
    if wanted is None:
        _refuse_missing_certificate(kube, store, warn)
        return []
    if certificates.IMPORT_ERROR:
        reason = "to make the servers' certificate"
        raise HaError(missing_required_lib("cryptography", reason=reason), "Install it there, or give tls_secret")
    now = datetime.datetime.now(datetime.UTC)
    return server_certificate.secrets(wanted, lambda name: kube.get("v1", "Secret", name, wanted.namespace), now)


def _refuse_missing_certificate(kube: Kube, store: Datastore, warn: Warn) -> None:
    """Without the Secret that somebody else keeps, the operator would wait for ever for pods that cannot start.

    In check mode only a warning: a task before this one may be about to write it.
    """
    name = store.options.tls_secret
    if not name:
        return
    live = kube.get("v1", "Secret", name, store.options.namespace)
    missing = {"tls.crt", "tls.key", "ca.crt"} - texts(live or {}).keys()
    if not missing:
        return
    error = NotFound(
        f"tls_secret names the Secret {store.options.namespace}/{name}, which has no {', '.join(sorted(missing))}",
        "Make it first, or leave tls_secret out",
    )
    if not kube.check_mode:
        raise error
    warn(f"Unless this run writes the servers' certificate first, it will fail: {error}")


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


def _await(kube: Kube, store: Datastore, timeout: float, steady: float) -> Verdict:
    selector = store.pod_selector()
    return kube.wait(
        lasting(lambda: prove(kube, store), steady),
        timeout,
        lambda: kube.diagnose(store.options.namespace, selector),
    )


def lasting(probe: Probe, seconds: float, now: t.Callable[[], float] = time.monotonic) -> Probe:
    """The probe, whose verdict is up only once it has been for so long without a break."""
    up_since: float | None = None

    def look() -> Verdict:
        nonlocal up_since
        began, up_since = up_since, None  # a probe that raises is a break, too
        verdict = probe()
        if not verdict.up:
            return verdict
        up_since = now() if began is None else began
        if now() - up_since >= seconds:
            return verdict
        return Verdict(False, f"It was changed, and is not up for {seconds:.0f} s yet", verdict.details)

    return look


def prove(kube: Kube, store: Datastore) -> Verdict:
    """judge(), and then a row written to each database as its owner; what fails may still come, so it is a verdict.

    Raises AccessDenied: what Kubernetes forbids does not come by itself.
    """
    verdict = judge(kube, store)
    if not verdict.up:
        return verdict
    try:
        datastore_databases.make(kube, store, verdict.details["leader"]["pod"])
    except AccessDenied:
        raise
    except HaError as error:
        return Verdict(False, f"The databases cannot be made: {error.message}", verdict.details)
    for item in store.options.databases:
        try:
            datastore_proof.prove_write(kube, store, item, verdict.details["leader"]["pod"])
        except AccessDenied:
            raise
        except HaError as error:
            reason = f"Database {item.name} does not take writes from {item.owner}: {error.message}"
            return Verdict(False, reason, verdict.details)
    proof = ", and each database took a write from its owner" if store.options.databases else ""
    return Verdict(True, verdict.reason + proof, verdict.details)
