# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module cluster_info does: one record for each control plane, the sick ones included."""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import (
    control_planes,
    datastore_lookup,
    datastore_observation,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_observation import (
    newest_served,
    observe,
    observe_cluster_api,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import cluster_api, cluster_api_judge
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.changes import storage_kind
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import service_of
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY, Dsn, mask, parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import texts

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

MOST_AT_ONCE = 4


def report(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Raises HaError only when the API server does not answer."""
    if not newest_served(kube):
        module.warn("k0smotron is not installed in this cluster, so there is no control plane to look at")
    found = chosen(kube, module.params["name"], module.params["namespace"])
    with concurrent.futures.ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        records = list(pool.map(lambda cluster: record(kube, cluster), found))
    return {"changed": False, "control_planes": records}


def live(kube: Kube, name: str, namespace: str) -> Object:
    """The Cluster of a control plane, in the newest version that is served. Raises NotFound."""
    cluster = _one(kube, name, namespace)
    if cluster is None:
        raise NotFound(f"There is no control plane {name} in namespace {namespace}", "Check name and namespace")
    return cluster


def clusters(kube: Kube, namespace: str | None = None) -> list[Object]:
    """All Clusters, of one namespace or of all, in the newest version that is served; [] where none is."""
    served = newest_served(kube)
    return kube.list(served, "Cluster", namespace or None) if served else []


def _one(kube: Kube, name: str, namespace: str) -> Object | None:
    served = newest_served(kube)
    return kube.get(served, "Cluster", name, namespace) if served else None


def chosen(kube: Kube, name: str | None, namespace: str | None) -> list[Object]:
    """The Clusters of this name in this namespace, or where one is not given or empty all, by namespace and name."""
    if name and namespace:
        one = _one(kube, name, namespace)
        return [one] if one else []
    named = [cluster for cluster in clusters(kube, namespace) if not name or name == cluster["metadata"]["name"]]
    return sorted(named, key=lambda cluster: (cluster["metadata"]["namespace"], cluster["metadata"]["name"]))


def record(kube: Kube, cluster: Object, *, thorough: bool = True) -> dict[str, t.Any]:
    """Everything about one control plane. Never raises HaError: what cannot be found out is in the reason.

    thorough asks replicas that seem well for their memories, too, which costs each of them a megabyte or two of metrics.
    """
    source, dsn = data_source(kube, cluster)
    behind = _datastore(kube, dsn, cluster["metadata"]["namespace"]) if dsn else None
    own = health(kube, cluster, thorough=thorough)
    return own | {"provider": provider(dsn, behind), "data_source": source, "datastore": behind}


def health(kube: Kube, cluster: Object, *, thorough: bool = True) -> dict[str, t.Any]:
    """The part of the record that is about the control plane's own replicas; nobody asks its database."""
    options = options_from(cluster)
    found: dict[str, t.Any] = {
        "name": options.name,
        "namespace": options.namespace,
        "mode": "cluster_api" if cluster_api.owner(cluster) else "standalone",
        "api_version": cluster["apiVersion"],
        "k0s_version": options.version,
        "replicas": {"wanted": options.replicas, "ready": 0},
        "kubeconfig_secret": control_planes.kubeconfig_secret(options.name),
        "api_url": None,
        "readyz": {},
        "nodes": {},
    }
    try:
        found |= _health(kube, options, cluster, thorough)
    except HaError as error:
        found |= {"up": False, "reason": str(error)}
    return found


def provider(dsn: Dsn | None, behind: t.Mapping[str, t.Any] | None) -> str | None:
    """Who runs the database of a DSN; behind is the database cluster that it leads to, as far as that was found out.

    A name that may be a Service's, with no operator that we know or may look at, is ``unknown``.
    """
    if dsn is None:
        return None
    if behind is not None:
        return behind["provider"] or "unknown"
    may_be_service = any("." not in host.name or service_of(host.name) for host in dsn.hosts)
    return "unknown" if may_be_service else "managed"


def options_from(cluster: Object) -> ControlPlaneOptions:
    """The options that would declare a live Cluster, as far as its judgement needs them."""
    metadata, spec = cluster["metadata"], cluster.get("spec") or {}
    service = spec.get("service") or {}
    return ControlPlaneOptions(
        name=metadata["name"],
        namespace=metadata["namespace"],
        replicas=spec.get("replicas") or 1,
        version=spec.get("version") or "",
        service_type=service.get("type") or "ClusterIP",
        api_port=service.get("apiPort") or 30443,
        data_source_checksum=(metadata.get("annotations") or {}).get(control_planes.CHECKSUM_ANNOTATION),
    )


def _health(kube: Kube, options: ControlPlaneOptions, cluster: Object, thorough: bool) -> dict[str, t.Any]:
    resource = cluster_api.owner(cluster)
    if resource:
        infrastructure = cluster_api.remote_cluster_reference(options.name)
        managed = cluster_api.ClusterApiOptions(control_plane=options, resource=resource, infrastructure=infrastructure)
        above = kube.get(cluster_api.CLUSTER, "Cluster", options.name, options.namespace)
        adopted = cluster_api_judge.adopt(managed, above)
        seen = observe_cluster_api(kube, adopted, cluster["apiVersion"], thorough=thorough)
    else:
        seen = observe(kube, options, cluster["apiVersion"], thorough=thorough)
    details = seen.verdict.details
    return {
        "up": seen.verdict.up,
        "reason": seen.verdict.reason,
        "replicas": details["replicas"],
        "readyz": details["readyz"],
        "nodes": details["nodes"],
        "api_url": seen.api_url,
    }


def data_source(kube: Kube, cluster: Object) -> tuple[dict[str, t.Any], Dsn | None]:
    """Where a Cluster keeps its state, without secrets, and its DSN when it has one that can be read."""
    kind = storage_kind(cluster["spec"])
    nothing = dict.fromkeys(("secret", "dsn", "host", "database", "tls", "problem"))
    if kind != "kine":
        return {**nothing, "kind": kind}, None
    secret, _url = kine_source(cluster["spec"])
    found = {**nothing, "kind": "secret" if secret else "url", "secret": secret}
    try:
        text = _kine_url(kube, cluster)
        found["dsn"] = mask(text)
        dsn = parse(text)
    except HaError as error:
        return {**found, "problem": str(error)}, None
    return found | describe_dsn(dsn), dsn


def dsn_of(kube: Kube, cluster: Object) -> Dsn | None:
    """The DSN of a Cluster, None for one that keeps its state in no SQL database.

    Raises NotFound or InvalidInput where there is none that kine could use, and any other HaError where nobody can tell.
    """
    return parse(_kine_url(kube, cluster)) if storage_kind(cluster["spec"]) == "kine" else None


def _kine_url(kube: Kube, cluster: Object) -> str:
    secret, url = kine_source(cluster["spec"])
    return _url_in(kube, secret, cluster["metadata"]["namespace"]) if secret else url or ""


def kine_source(spec: Object) -> tuple[str | None, str | None]:
    """(Secret name, URL) in a Cluster's spec, in either API version's words.

    With a Secret, k0smotron writes a placeholder where the URL would be: the Secret counts.
    """
    kine = (spec.get("storage") or {}).get("kine") or {}
    secret = kine.get("dataSourceSecretName") or spec.get("kineDataSourceSecretName")
    return secret, None if secret else kine.get("dataSourceURL") or spec.get("kineDataSourceURL")


def _url_in(kube: Kube, name: str, namespace: str) -> str:
    secret = kube.get("v1", "Secret", name, namespace)
    if secret is None:
        raise NotFound(f'There is no Secret "{name}" in namespace "{namespace}"')
    url = texts(secret).get(DATA_SOURCE_KEY)
    if not url:
        raise NotFound(f'Secret "{name}" in namespace "{namespace}" has no key {DATA_SOURCE_KEY}')
    return url


def describe_dsn(dsn: Dsn) -> dict[str, t.Any]:
    """What may be shown of a DSN."""
    return {
        "host": ",".join(str(host) for host in dsn.hosts),
        "database": dsn.database,
        "tls": dsn.params.get("sslmode" if dsn.scheme == "postgres" else "tls"),
    }


def _datastore(kube: Kube, dsn: Dsn, namespace: str) -> dict[str, t.Any] | None:
    """The database cluster that a DSN leads to, when an operator that we know runs it here."""
    try:
        live = datastore_lookup.datastore_behind(kube, dsn, namespace)
        if live is None:
            return None
        store = datastore_lookup.known(kube, live)
        verdict = datastore_observation.judge(kube, store)
    except HaError as error:
        return {"provider": None, "up": False, "reason": str(error), "leader": None, "sync_standby": None}
    shown = ("status", "leader", "sync_standby", "mode")
    return {
        "provider": store.provider,
        "name": store.options.name,
        "namespace": store.options.namespace,
        "up": verdict.up,
        "reason": verdict.reason,
        **{key: verdict.details.get(key) for key in shown},
    }
