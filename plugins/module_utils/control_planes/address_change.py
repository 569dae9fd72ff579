# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new address costs those who use the old one. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import k0s_config, names, v1beta2
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object


def warnings(live: Object, wanted: Object, ours: Object) -> list[str]:
    """What to know before `wanted`, a Cluster or what one is made of, is applied over `live`.

    k0smotron puts the newest addresses alone into the certificate (1.10.9 and 2.1.0, genSANs), and a roll replaces it. `ours`
    are the fields of the live spec that we have set: an apply without them takes them away, and leaves those of others.
    """
    old, new, held = (k0s_config.addresses(spec) for spec in (live["spec"], wanted["spec"], ours))
    moved = [each for field, each in old.items() if each not in new.values() and (field in new or field in held)]
    kept = {*k0s_config.certificate_names(wanted["spec"]), *k0s_config.service_names(wanted)}
    gone = [each for each in moved if each not in kept]
    found = [_not_in_certificate(gone)] if gone else []
    if moved and _version(wanted["apiVersion"]) == _version(v1beta2.API_VERSION):
        found.append(_kubeconfig_stays(wanted["metadata"]["name"]))
    return found


def _version(api_version: str) -> str:
    return api_version.rpartition("/")[2]


def _not_in_certificate(gone: t.Sequence[str]) -> str:
    listed = ", ".join(gone)
    return (
        f"The certificates of the restarted replicas will not name {listed} any more: workers, join tokens and kubeconfigs"
        f" that use it fail with x509 errors. spec.k0sConfig.spec.api.sans: [{listed}] keeps it in the certificates; else let the"
        " workers join again, with new tokens."
    )


def _kubeconfig_stays(name: str) -> str:
    return (
        f"k0smotron 2 leaves the server in the Secret {names.kubeconfig_secret(name)} as it is until the client certificate"
        " there ends in less than half a year, and Cluster API connects by it, too. Write the new address into its key value"
        " yourself when the replicas have restarted; do not delete the Secret."
    )
