# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases by their operators, behind one base class. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import (
    DatabaseSpec,
    Datastore,
    DatastoreOptions,
    Question,
    Ref,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.cloudnativepg import CloudNativePG
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.innodbcluster import InnoDBCluster
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb import MariaDB
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.zalando import Zalando
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

__all__ = [
    "PROVIDERS",
    "DatabaseSpec",
    "Datastore",
    "DatastoreOptions",
    "Question",
    "Ref",
    "datastore",
    "options_for",
    "provider_of",
    "service_of",
]

PROVIDERS: t.Mapping[str, type[Datastore]] = {
    provider.provider: provider for provider in (Zalando, CloudNativePG, MariaDB, InnoDBCluster)
}


def datastore(provider: str, options: DatastoreOptions) -> Datastore:
    """The datastore of a provider; raises InvalidInput for one that is not known."""
    return _named(provider)(options)


def options_for(provider: str, **given: t.Any) -> DatastoreOptions:
    """Options with the provider's defaults for what was not given, or as None; raises InvalidInput like datastore()."""
    chosen = {name: value for name, value in given.items() if value is not None}
    return DatastoreOptions(**{**_named(provider).defaults, **chosen})


def _named(provider: str) -> type[Datastore]:
    if provider not in PROVIDERS:
        raise InvalidInput(f"The datastore provider {provider!r} is unknown", f"Use one of: {', '.join(PROVIDERS)}.")
    return PROVIDERS[provider]


def provider_of(live: t.Mapping[str, t.Any]) -> type[Datastore]:
    """The provider whose custom resource this is, in whatever version it was read."""
    group = live["apiVersion"].partition("/")[0]
    return next(
        provider
        for provider in PROVIDERS.values()
        if (provider.api_version.partition("/")[0], provider.kind) == (group, live["kind"])
    )


def service_of(host: str) -> tuple[str, str] | None:
    """(Service name, namespace) of a host name such as acid-main.default.svc, or None when it is no Service's."""
    match = re.fullmatch(r"([a-z]([-a-z0-9]*[a-z0-9])?)\.([a-z0-9]([-a-z0-9]*[a-z0-9])?)(\.svc(\..+)?)?", host)
    return (match[1], match[3]) if match else None
