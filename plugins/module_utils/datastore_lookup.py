# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the database cluster behind a DSN, when an operator that we know runs it in this Kubernetes cluster."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    PROVIDERS,
    Datastore,
    provider_of,
    service_of,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import Ref
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

Object: t.TypeAlias = dict[str, t.Any]


def datastore_behind(kube: Kube, dsn: Dsn, namespace: str, *, must_see: bool = False) -> Object | None:
    """The live custom resource of the database cluster that a DSN names; None when it is none that we know.

    namespace is where the DSN is used: a host name without dots belongs to it. Whoever runs control planes need not be
    allowed to see the databases: what is forbidden is not known, or with must_see raises Forbidden.
    """
    service = service_behind(dsn.hosts[0].name, namespace)
    if service is None:
        return None
    forbidden: Forbidden | None = None
    for provider in PROVIDERS.values():
        name = provider.behind(service[0]) if provider.scheme == dsn.scheme else None
        try:
            live = kube.get(provider.api_version, provider.kind, name, service[1]) if name else None
        except Forbidden as error:
            forbidden = error
            continue
        if live is not None and provider.leads_to_primary(service[0], live):
            return live
    if forbidden and must_see:
        raise forbidden
    return None


def service_behind(host: str, namespace: str) -> tuple[str, str] | None:
    """(Service name, namespace) of a host name that is used in this namespace, or None when it is no Service's."""
    return service_of(host if "." in host else f"{host}.{namespace}")


def same(one: Object, other: Object) -> bool:
    """Whether two custom resources are one database cluster, in whatever versions they were read."""
    identities = [(provider_of(live), live["metadata"]["namespace"], live["metadata"]["name"]) for live in (one, other)]
    return identities[0] == identities[1]


def requires_tls(live: Object | None) -> bool | None:
    """Whether this database cluster refuses connections without TLS; None when nobody knows."""
    return None if live is None else provider_of(live).requires_tls(live)


def known(kube: Kube, live: Object) -> Datastore:
    """The Datastore that judges a live custom resource found by datastore_behind()."""
    provider = provider_of(live)
    observed = {ref.key: fetch(kube, ref) for ref in provider.refs_to_know(live)}
    return provider(provider.options_from(live, observed))


def fetch(kube: Kube, ref: Ref) -> list[Object]:
    """The objects that a Datastore wants to see."""
    if ref.name is None:
        return kube.list(ref.api_version, ref.kind, ref.namespace, ref.label_selector)
    found = kube.get(ref.api_version, ref.kind, ref.name, ref.namespace)
    return [found] if found else []
