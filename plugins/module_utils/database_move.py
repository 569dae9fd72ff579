# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps control planes that have run on their databases, and others away from these.

On another one a control plane starts again on what is there. Its replicas go over one after the other, so for a while two
databases take writes; then all that the first one holds is gone from its API.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_report, control_planes
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_lookup import service_behind
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn, parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Conflict,
    Forbidden,
    HaError,
    InvalidInput,
    NotFound,
    sentence,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

Warn: t.TypeAlias = t.Callable[[str], None]


def refuse_by_secret(kube: Kube, ref: Ref, url: str) -> None:
    """Raise Conflict when writing `url` into the Secret would move a control plane that reads it and has run.

    Who may not list Clusters is not refused anything.
    """
    try:
        found = cluster_report.clusters(kube, ref.namespace)
    except Forbidden:
        return
    for cluster in found:
        if cluster_report.kine_source(cluster["spec"])[0] == ref.name:
            refuse_by_cluster(kube, cluster, url)


def refuse_by_cluster(kube: Kube, live: Object | None, url: str | None) -> None:
    """Raise Conflict when `url` would move this Cluster, or may, and it has run. None: the URL is not known yet.

    Raises other HaErrors where nobody can see what it runs on.
    """
    if live is None or url is None:
        return
    new = parse(url)
    try:
        refusal = _moved(live, cluster_report.dsn_of(kube, live), new)
    except (NotFound, InvalidInput) as lost:
        refusal = _lost(live, lost, new)
    except Forbidden as error:
        raise _hidden(live, error) from error
    if refusal and _has_run(kube, live):
        raise refusal


def refuse_shared(kube: Kube, name: str, namespace: str, url: str | None, warn: Warn) -> None:
    """Raise Conflict where the database of a new control plane is another one's: API servers of both would write one table.

    What may not be looked at is only a warning. None: the URL is not known yet.
    """
    if url is None:
        return
    try:
        others = cluster_report.clusters(kube)
    except Forbidden as unseen:
        warn(f"Cannot see whether another control plane has this database: {unseen}")
        return
    new = parse(url)
    for each in others:
        metadata = each["metadata"]
        if (metadata["name"], metadata["namespace"]) == (name, namespace) or "deletionTimestamp" in metadata:
            continue
        with contextlib.suppress(NotFound, InvalidInput):
            _refuse_shared(kube, each, new, namespace, warn)


def _refuse_shared(kube: Kube, other: Object, new: Dsn, namespace: str, warn: Warn) -> None:
    try:
        old = cluster_report.dsn_of(kube, other)
    except Forbidden as unseen:
        warn(f"Cannot see whether the {_name(other)} has this database: {unseen}")
        return
    if old and same_database(old, new, namespace, other["metadata"]["namespace"]):
        raise Conflict(
            f"{_words(new)[0].upper()}{_words(new)[1:]} is the one of the {_name(other)}, and two control planes in one"
            " database destroy each other's state",
            "Give this one a database of its own (role: control_plane_datastore)",
        )


def _moved(live: Object, old: Dsn | None, new: Dsn) -> Conflict | None:
    # None: on no SQL database, which is refused as a change of the Cluster.
    if old is None or same_database(old, new, live["metadata"]["namespace"]):
        return None
    return Conflict(
        f"The {_name(live)} keeps its state in {_words(old)}, and this data source leads to {_words(new)}:"
        " all that it holds would be gone from its API",
        "Correct the data source. If it is the same database by another name,"
        " say allow_other_database: true; data moves only while no replica runs (docs/runbooks.md)",
    )


def _lost(live: Object, why: HaError, new: Dsn) -> Conflict:
    """Replicas keep the URL that they started with, so one whose data source is lost may run all the same."""
    return Conflict(
        f"The {_name(live)} has run, and nobody can tell whether {_words(new)} is the database that it ran on, because its"
        f" data source is missing or wrong: {sentence(why.message)} On another one, all that it holds would be gone from its API",
        "Put its data source back. If it is the same database, say allow_other_database: true for one run",
    )


def _hidden(live: Object, error: Forbidden) -> Forbidden:
    return type(error)(
        f"Cannot see whether the {_name(live)} stays on its database: {error.message}",
        f"{error.remedy or 'Let it be read'}. If it is the same database, say allow_other_database: true instead",
    )


def _has_run(kube: Kube, live: Object) -> bool:
    """k0smotron writes the kubeconfig once a replica has answered; before that there is nothing to lose."""
    name, namespace = live["metadata"]["name"], live["metadata"]["namespace"]
    return kube.get("v1", "Secret", control_planes.kubeconfig_secret(name), namespace) is not None


def _name(live: Object) -> str:
    return f"control plane {live['metadata']['namespace']}/{live['metadata']['name']}"


def same_database(old: Dsn, new: Dsn, namespace: str, namespace_of_old: str | None = None) -> bool:
    """Whether two DSNs lead to one database, as far as names tell; both are used in this namespace, unless told otherwise."""
    return (
        old.scheme == new.scheme
        and _database(old) == _database(new)
        and bool(_places(old, namespace_of_old or namespace) & _places(new, namespace))
    )


def _places(dsn: Dsn, namespace: str) -> set[t.Any]:
    """Its servers: those of Services by name and namespace, however long the host name is."""
    return {(service_behind(host.name, namespace) or host.name, host.port) for host in dsn.hosts}


def _database(dsn: Dsn) -> str:
    return dsn.database.lower() if dsn.scheme == "postgres" else dsn.database  # as kine does


def _words(dsn: Dsn) -> str:
    shown: dict[str, t.Any] = cluster_report.describe_dsn(dsn)
    return f"the database {_database(dsn)} at {shown['host']}"
