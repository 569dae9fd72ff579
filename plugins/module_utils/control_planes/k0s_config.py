# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The k0sConfig of a Cluster, which k0smotron completes in place. Pure.

k0smotron merges its own settings into the live object itself (1.10.9, generateConfig) and so becomes an owner of what it added.
Of a map an apply leaves that alone; a list, and the names of the certificate are one, is replaced as a whole.
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import names
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, mapping, merged

_LOCAL_PROXY = ("127.0.0.1", "localhost")


def certificate_names(spec: Object) -> list[str]:
    """The names for the API's certificate in a spec's k0sConfig: api.sans."""
    config = mapping(mapping(spec.get("k0sConfig")).get("spec"))
    return mapping(config.get("api")).get("sans") or []


def service_names(cluster: Object) -> list[str]:
    """The names of a Cluster's Service, which are in every certificate."""
    metadata, kind = cluster["metadata"], mapping(cluster["spec"].get("service")).get("type") or "ClusterIP"
    service = names.service_name(metadata["name"], kind)
    host = f"{service}.{metadata['namespace']}"
    return [service, *(f"{host}{domain}" for domain in ("", ".svc", ".svc.cluster.local"))]


def addresses(spec: Object) -> dict[str, str]:
    """The addresses that a spec gives a control plane, by field."""
    ingress = mapping(spec.get("ingress"))
    found = {
        "externalAddress": spec.get("externalAddress"),
        **{key: ingress.get(key) for key in ("apiHost", "konnectivityHost")},
    }
    return {field: address for field, address in found.items() if address}


def keep(live: Object, wanted: Object, service: Object | None, ours: t.Container[str]) -> Object:
    """`wanted` with what k0smotron has added to the k0sConfig of the live Cluster and an apply would take away.

    That is its own names for the certificate, without which each run would report a change. Of a k0sConfig that is not wanted
    any more the apiVersion and the kind stay: k0smotron's webhook refuses what would be left of it else. `service` is the
    Cluster's Service, and `ours` are the fields of the live spec that we have set: a k0sConfig of somebody else's stays his.
    """
    there = mapping(live["spec"].get("k0sConfig"))
    if not there or not (wanted["spec"].get("k0sConfig") or "k0sConfig" in ours):
        return wanted
    asked, found = certificate_names(wanted["spec"]), certificate_names(live["spec"])
    address = None if "externalAddress" in ours else live["spec"].get("externalAddress")  # of k0smotron's finding
    stay = {address, *asked, *_added(wanted, service)}
    sans = [name for name in found if name in stay]
    sans += [name for name in asked if name not in sans]
    least: Object = {key: there[key] for key in ("apiVersion", "kind") if key in there}
    config = merged(wanted["spec"].get("k0sConfig") or least, {"spec": {"api": {"sans": sans}}} if sans else {})
    return {**wanted, "spec": {**wanted["spec"], "k0sConfig": config}}


def _added(wanted: Object, service: Object | None) -> set[str]:
    """The names that k0smotron puts into the certificate by itself (1.10.9 and 2.1.0, genSANs)."""
    given, cluster_ips = addresses(wanted["spec"]), mapping(mapping(service).get("spec")).get("clusterIPs") or []
    proxy = _LOCAL_PROXY if "apiHost" in given else ()
    return {*given.values(), *service_names(wanted), *cluster_ips, *proxy}
