# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a database's servers, made here for an operator that has no authority of its own. Pure.

Unlike a webhook's, its authority is kept: control planes trust it by a copy that they read only when they start, so a
renewed certificate has to be one that they trust already. The authority's Secret is what cert-manager's CA issuer wants.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import certificates
from ansible_collections.k0smotron.ha.plugins.module_utils.certificates import Authority, Bundle
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import CertificateSpec
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import encoded, texts

# Renewal happens only when somebody runs the role: with a third of the year to spare.
LIFETIME = datetime.timedelta(days=365)
AUTHORITY_LIFETIME = datetime.timedelta(days=3650)


def renewed(
    authority: Authority | None,
    current: Bundle | None,
    dns_names: t.Sequence[str],
    now: datetime.datetime,
    *,
    client: bool = False,
) -> tuple[Authority, Bundle]:
    """What was given while it can be used, and new ones in place of what cannot.

    A new authority is trusted at once and signs only what has to be renewed: until then control planes learn of it.
    """
    signer = authority if authority is not None and certificates.signs(authority, now) else None
    signer = signer or certificates.new_authority("k0smotron.ha database authority", now, AUTHORITY_LIFETIME)
    trusted = current.ca if current else authority.certificate if authority else ""
    if not trusted.startswith(signer.certificate):
        trusted = signer.certificate + certificates.newest(trusted, now)
    kept = dataclasses.replace(current, ca=trusted) if current else None
    if kept and certificates.serves(kept, dns_names, now):
        return signer, kept
    return signer, dataclasses.replace(certificates.sign(signer, dns_names, now, LIFETIME, client=client), ca=trusted)


def secrets(wanted: CertificateSpec, live: t.Callable[[str], Object | None], now: datetime.datetime) -> list[Object]:
    """Both Secrets as they should be, the authority's first; live gives one of them as it is, by its name."""
    authority = _authority_in(live(wanted.authority))
    bundle = _bundle_in(live(wanted.secret))
    authority, bundle = renewed(authority, bundle, wanted.dns_names, now, client=wanted.client)
    of_authority = {"tls.crt": authority.certificate, "tls.key": authority.key}
    of_server = {"ca.crt": bundle.ca, "tls.crt": bundle.certificate, "tls.key": bundle.key}
    return [_secret(wanted, wanted.authority, of_authority), _secret(wanted, wanted.secret, of_server)]


def _secret(wanted: CertificateSpec, name: str, data: t.Mapping[str, str]) -> Object:
    metadata = {"name": name, "namespace": wanted.namespace, "labels": dict(wanted.labels)}
    kind: Object = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls"}
    return {**kind, "metadata": metadata, "data": encoded(data)}


def _authority_in(secret: Object | None) -> Authority | None:
    data = texts(secret or {})
    return Authority(data["tls.crt"], data["tls.key"]) if {"tls.crt", "tls.key"} <= data.keys() else None


def _bundle_in(secret: Object | None) -> Bundle | None:
    data = texts(secret or {})
    keys = ("ca.crt", "tls.crt", "tls.key")
    return Bundle(*(data[key] for key in keys)) if set(keys) <= data.keys() else None
