# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a live Zalando database cluster back: the options that declared it, and whether it wants TLS. PURE."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import DatabaseSpec, DatastoreOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.postgres_hba import refuses_plaintext
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.zalando_judge import mode

Object: t.TypeAlias = t.Mapping[str, t.Any]


def requires_tls(live: Object) -> bool | None:
    """Whether a database cluster refuses connections without TLS; None when its own pg_hba decides."""
    spec = live.get("spec") or {}
    rules = (spec.get("patroni") or {}).get("pg_hba")
    if rules:
        return refuses_plaintext(rules) or None
    return not any(
        item.get("name") == "ALLOW_NOSSL" and str(item.get("value")).lower() in ("true", "1")
        for item in spec.get("env") or []
    )


def options_from(live: Object) -> DatastoreOptions:
    """The options that would declare this live cluster, as far as its judgement needs them."""
    spec = live["spec"]
    return DatastoreOptions(
        name=live["metadata"]["name"],
        namespace=live["metadata"]["namespace"],
        instances=int(spec.get("numberOfInstances") or 1),
        version=str(spec["postgresql"]["version"]),
        synchronous=mode(spec),
        require_tls=requires_tls(live) is not False,
        tls_secret=(spec.get("tls") or {}).get("secretName") or "",
        databases=tuple(DatabaseSpec(name, owner) for name, owner in (spec.get("databases") or {}).items()),
    )
