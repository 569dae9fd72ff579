# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a CloudNativePG cluster wants TLS: its pg_hba, which accepts plaintext unless told otherwise. Pure.

Our rule comes after the operator's own, which are for sockets and client certificates, and before its last one,
``host all all all scram-sha-256`` (v1.28.0, pkg/postgres/configuration.go).
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.postgres_hba import refuses_plaintext

Object: t.TypeAlias = t.Mapping[str, t.Any]


def requires_tls(live: Object) -> bool | None:
    """Whether a cluster refuses connections without TLS; None when rules that are not ours decide."""
    return refuses_plaintext(((live.get("spec") or {}).get("postgresql") or {}).get("pg_hba") or [])
