# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who stands on a database cluster that is about to be removed."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_report, datastore_reach
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import provider_of
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn, Host
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Conflict,
    Forbidden,
    HaError,
    InvalidInput,
    NotFound,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import Datastore

Warn: t.TypeAlias = t.Callable[[str], None]

_AT_ONCE: t.Mapping[str, str] = {
    "cloudnativepg": ", which deletes its volumes",
    "zalando": ", which deletes its volumes, unless the operator's settings keep them",
}
"""What goes with the custom resource where nobody sees to the data first."""


def refuse(kube: Kube, store: Datastore, warn: Warn) -> None:
    """Raise Conflict while a control plane uses the database cluster, and other HaErrors where nobody can see whether one does.

    Only a warning to who may not list control planes, and in check mode, because a task before this one would have removed it.
    """
    cluster = Ref.of(store.desired()[0])
    live = kube.get(*cluster)
    if live is None:
        return
    try:
        control_planes = cluster_report.clusters(kube)
    except Forbidden as unseen:
        warn(f"Cannot see whether a control plane uses {cluster}: {unseen}")
        return
    except HaError as error:
        raise _unseen("a control plane", cluster, error) from error
    refusal = _refusal(kube, control_planes, live, warn)
    if refusal is None:
        return
    if not (kube.check_mode and isinstance(refusal, (Conflict, Forbidden))):
        raise refusal
    warn(f"Unless this run removes the control planes first, it will fail: {refusal}")


def _refusal(kube: Kube, control_planes: list[Object], live: Object, warn: Warn) -> HaError | None:
    """Why the database cluster has to stay; those that use it count before what nobody can see."""
    cluster = Ref.of(live)
    users: list[str] = []
    unseen: HaError | None = None
    for each in control_planes:
        try:
            if host := _way_to(kube, each, live, warn):
                users.append(f"{_name(each)} on {host}")
        except HaError as error:
            unseen = _unseen(_name(each), cluster, error, ", or remove this control plane first")
            if not isinstance(error, Forbidden):  # the others would only wait for the same server
                break
    if not users:
        return unseen
    at_once = _AT_ONCE.get(provider_of(live).provider, "")
    return Conflict(
        f"{cluster} is the database of {', '.join(users)}, or may be",
        "Remove these control planes first, or leave the database to them. Where you know that one has another database, let its"
        f" data source name the Service of the primary there, or delete {cluster} by kubectl{at_once}. Nothing was removed",
    )


def _way_to(kube: Kube, control_plane: Object, live: Object, warn: Warn) -> Host | None:
    """The host in its data source that leads there or may; one that is on its way out, or has no data source, uses nothing.

    Raises HaError where the data source may be there, and nobody can read it or follow it.
    """
    metadata = control_plane["metadata"]
    if "deletionTimestamp" in metadata:
        return None
    try:
        dsn = cluster_report.dsn_of(kube, control_plane)
    except (NotFound, InvalidInput) as nothing:
        warn(f"Nobody can see whether {_name(control_plane)} uses {Ref.of(live)}, so it does not count: {nothing}")
        return None
    if dsn is None:
        return None
    return next((host for host in dsn.hosts if _may_lead_to(kube, dsn, host, metadata["namespace"], live)), None)


def _may_lead_to(kube: Kube, dsn: Dsn, host: Host, namespace: str, live: Object) -> bool:
    """An address that nothing beside the database cluster has is that of a server elsewhere, which must not hold it for ever."""
    if not datastore_reach.may_lead_to(kube, dsn, host, namespace, live):
        return False
    return not datastore_reach.is_address(host.name) or datastore_reach.answers(kube, dsn, host, live)


def _unseen(who: str, cluster: Ref, error: HaError, way_on: str = "") -> HaError:
    return type(error)(
        f"Cannot see whether {who} uses {cluster}: {error.message}",
        f"{error.remedy or 'Run it again'}{way_on}. Nothing was removed",
    )


def _name(control_plane: Object) -> str:
    metadata = control_plane["metadata"]
    return f"the control plane {metadata['namespace']}/{metadata['name']}"
