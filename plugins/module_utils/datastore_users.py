# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who stands on a database cluster that is about to be removed."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_report, datastore_lookup
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import Datastore


def refuse(kube: Kube, store: Datastore, warn: t.Callable[[str], None]) -> None:
    """Raise Conflict while a control plane uses the database cluster.

    Only a warning in check mode, because a task before this one would have removed it, and where nobody may look.
    """
    cluster = Ref.of(store.desired()[0])
    try:
        found = [_name(each) for each in cluster_report.clusters(kube) if _uses(kube, each, cluster)]
    except HaError as unseen:
        warn(f"Cannot see whether a control plane uses {cluster}: {unseen}")
        return
    if not found:
        return
    error = Conflict(
        f"{cluster} is the database of {', '.join(found)}",
        "Remove these control planes first, or leave the database to them. Nothing was removed",
    )
    if not kube.check_mode:
        raise error
    warn(f"Unless this run removes the control planes first, it will fail: {error}")


def _uses(kube: Kube, control_plane: Object, cluster: Ref) -> bool:
    """Whether its data source leads there; one that nobody can read, or that is on its way out, uses nothing."""
    _described, dsn = cluster_report.data_source(kube, control_plane)
    metadata = control_plane["metadata"]
    if dsn is None or "deletionTimestamp" in metadata:
        return False
    live = datastore_lookup.datastore_behind(kube, dsn, metadata["namespace"])
    return live is not None and Ref.of(live) == cluster


def _name(control_plane: Object) -> str:
    metadata = control_plane["metadata"]
    return f"the control plane {metadata['namespace']}/{metadata['name']}"
