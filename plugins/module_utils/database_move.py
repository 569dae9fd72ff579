# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps control planes that have run on their databases.

On another one a control plane starts again on what is there. Its replicas go over one after the other, so for a while two
databases take writes; then all that the first one holds is gone from its API.
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_report, control_planes
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_lookup import service_behind
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn, parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, Forbidden
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object


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
    """Raise Conflict when `url` would move this Cluster, and it has run. None: the URL is not known yet."""
    if live is None or url is None:
        return
    _described, old = cluster_report.data_source(kube, live)
    new, name, namespace = parse(url), live["metadata"]["name"], live["metadata"]["namespace"]
    if old is None or same_database(old, new, namespace):  # None: it cannot have run on what nobody can read
        return
    # k0smotron writes the kubeconfig once a replica has answered; before that there is nothing to lose.
    if kube.get("v1", "Secret", control_planes.kubeconfig_secret(name), namespace) is None:
        return
    raise Conflict(
        f"The control plane {namespace}/{name} keeps its state in {_words(old)}, and this data source leads to {_words(new)}:"
        " all that it holds would be gone from its API",
        "Correct the data source. If it is the same database by another name, or the data was moved before,"
        " say allow_other_database: true",
    )


def same_database(old: Dsn, new: Dsn, namespace: str) -> bool:
    """Whether two DSNs, used in this namespace, lead to one database, as far as names tell."""
    return (
        old.scheme == new.scheme
        and _database(old) == _database(new)
        and bool(_places(old, namespace) & _places(new, namespace))
    )


def _places(dsn: Dsn, namespace: str) -> set[t.Any]:
    """Its servers: those of Services by name and namespace, however long the host name is."""
    return {(service_behind(host.name, namespace) or host.name, host.port) for host in dsn.hosts}


def _database(dsn: Dsn) -> str:
    return dsn.database.lower() if dsn.scheme == "postgres" else dsn.database  # as kine does


def _words(dsn: Dsn) -> str:
    shown: dict[str, t.Any] = cluster_report.describe_dsn(dsn)
    return f"the database {_database(dsn)} at {shown['host']}"
