# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases whose servers are given their certificate: one that is made here, or one that somebody else keeps. Pure."""

from __future__ import annotations

import typing as t
from abc import abstractmethod

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import CertificateSpec, Datastore


class Certified(Datastore):
    """With a Secret of the servers' certificate, as ``tls_secret`` wants it."""

    certifies_clients: t.ClassVar[bool] = False
    """Whether servers show the certificate to each other as clients do."""

    @abstractmethod
    def dns_names(self) -> tuple[str, ...]:
        """What the servers are called by."""

    def tls_secret(self) -> str:
        """Name of the Secret with the servers' certificate; "" where the operator sees to it."""
        given = self.options.tls_secret
        return f"{self.options.name}-tls" if given is None else given

    def certificate(self) -> CertificateSpec | None:
        if self.options.tls_secret is not None:
            return None
        return CertificateSpec(
            secret=self.tls_secret(),
            authority=f"{self.options.name}-authority",
            namespace=self.options.namespace,
            dns_names=self.dns_names(),
            labels=self.labels(),
            client=self.certifies_clients,
        )

    def names_of(self, service: str) -> tuple[str, ...]:
        """All names of a Service in the datastore's namespace."""
        namespace = self.options.namespace
        suffixes = ("", f".{namespace}", f".{namespace}.svc", f".{namespace}.svc.cluster.local")
        return tuple(f"{service}{suffix}" for suffix in suffixes)
