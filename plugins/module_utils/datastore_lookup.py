# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the database cluster behind a DSN, when an operator that we know runs it in this Kubernetes cluster."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    Datastore,
    datastore,
    service_of,
    zalando,
    zalando_known,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

Object: t.TypeAlias = dict[str, t.Any]


def datastore_behind(kube: Kube, dsn: Dsn, namespace: str) -> Object | None:
    """The live custom resource of the database cluster that a DSN names; None when it is none that we know.

    namespace is where the DSN is used: a host name without dots belongs to it.
    """
    if dsn.scheme != "postgres":
        return None
    host = dsn.hosts[0].name
    service = service_of(host if "." in host else f"{host}.{namespace}")
    if service is None:
        return None
    try:
        return kube.get(zalando.API_VERSION, zalando.KIND, *service)
    except Forbidden:  # whoever runs control planes need not be allowed to see the databases
        return None


def requires_tls(live: Object | None) -> bool | None:
    """Whether this database cluster refuses connections without TLS; None when nobody knows."""
    return None if live is None else zalando_known.requires_tls(live)


def known(live: Object) -> Datastore:
    """The Datastore that judges a live custom resource found by datastore_behind()."""
    return datastore("zalando", zalando_known.options_from(live))
