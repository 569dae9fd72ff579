# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill is about: one control plane and the database behind it, as they are now."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
import typing as t
from urllib.parse import urlsplit

from ansible_collections.k0smotron.ha.plugins.module_utils import (
    cluster_report,
    control_planes,
    datastore_lookup,
    datastore_observation,
    drill_actions,
    kine_check_run,
    replica_health,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_observation import api_url, certificate_name
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import durability_postgres
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.postgres import Postgres
from ansible_collections.k0smotron.ha.plugins.module_utils.drill import faults, replicas
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.faults import Pod, Scene
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.replicas import Round
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_load import Address
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import masked
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_forward import ClientIdentity, tls_context
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, pod_ready, quantity
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import ControlPlaneOptions
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import Datastore

COMPARED = (
    "/api/v1/namespaces",
    "/api/v1/configmaps",
    "/api/v1/secrets",
    "/api/v1/services",
    "/api/v1/serviceaccounts",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
)
"""What is compared between replicas: kinds that every cluster has and that nobody changes every few seconds (Leases, Events)."""
METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
"""Of objects without what they hold: Secrets are nobody's business here, and may be hundreds of megabytes."""
SAME_SECONDS = 60.0
"""Replicas get so long to hold the same objects: a replica that is back reads them all anew."""
AGAIN_SECONDS = 20.0
"""What kine_check has against the datastore must last for so long: it may have looked at a bad moment."""
NO_SIGHT = ("source", "dsn", "connect")
"""Checks of kine_check without which it sees nothing of the data."""
NOT_DATA = ("latency",)
"""Checks of kine_check that tell about a moment, not about what a fault did to the data."""
KINE_CHECK: t.Mapping[str, t.Any] = {
    "databases": None,
    "name": None,
    "reach": "auto",
    "control_planes": 1,
    "max_open_connections": None,
    "tls_files": {},
    "kine_version": None,
    "expect": "existing",
    "cluster_uid": "",
    "ca_file": None,
    "samples": 20,
    "timeout": 60,
}


@dataclasses.dataclass(frozen=True)
class Subject:
    """A control plane that answers. store is None when no operator that we know runs its database here."""

    kube: Kube
    cluster: Object
    options: ControlPlaneOptions
    address: Address
    who: replica_health.Administrator
    store: Datastore | None
    database: Object | None

    def scene(self) -> Scene:
        """Who plays in it, now."""
        details = datastore_observation.judge(self.kube, self.store).details if self.store else {}
        return Scene(
            provider=self.store.provider if self.store else None,
            database=self.store.options.name if self.store else "",
            primary=self._place(details.get("leader")),
            standby=self._place(details.get("sync_standby")),
            replicas=[Pod(self.options.namespace, name) for name in self._replicas()],
            volume_bytes=int(quantity(self.store.options.volume_size)) if self.store else 0,
        )

    def tidy(self) -> None:
        """Take away what a drill that was killed has left in the database's pods, as far as this one may."""
        if self.store is None:
            return
        namespace = self.store.options.namespace
        with contextlib.suppress(HaError):
            pods = self.kube.list("v1", "Pod", namespace, self.store.pod_selector())
            places = [Pod(namespace, pod["metadata"]["name"]) for pod in pods]
            drill_actions.tidy(self.kube, faults.tidy(self.store.provider, places))

    def _place(self, found: t.Mapping[str, t.Any] | None) -> Pod | None:
        return Pod(self.store.options.namespace, found["pod"]) if found and self.store else None

    def _replicas(self) -> list[str]:
        pods = self.kube.list("v1", "Pod", self.options.namespace, control_planes.pod_selector(self.options.name))
        return sorted(pod["metadata"]["name"] for pod in pods if pod_ready(pod))

    def up(self, *, thorough: bool = False) -> Verdict:
        """Are the control plane and its database up, each by its own judgement.

        thorough is nothing for the wait for recovery: megabytes of metrics from every replica at every look are a load.
        """
        found = cluster_report.record(self.kube, self.cluster, thorough=thorough)
        if not found["up"]:
            return Verdict(False, f"the control plane is not up: {found['reason']}")
        behind = found["datastore"]
        if self.store and not (behind and behind["up"]):
            return Verdict(
                False, f"its database is not up: {behind['reason'] if behind else 'it is not found any more'}"
            )
        return Verdict(True, "the control plane and its database are up")

    def require_fit(self) -> None:
        """Raise InvalidInput for what is sick before the drill: its certificate would say nothing about the fault."""
        verdict = self.up(thorough=True)
        if not verdict.up:
            raise InvalidInput(f"Nothing was disturbed, because {verdict.reason}", "Run the drill when it is up")
        differences = self.differences()
        if differences:
            raise InvalidInput(
                f"Nothing was disturbed, because replicas do not hold the same objects: {differences[0]}",
                "The playbook k0smotron.ha.repair restarts the one that is wrong, once it has found out itself (five minutes)",
            )

    def turns(self) -> set[tuple[str, str]]:
        """Names and namespaces of what one drill at a time may touch.

        The control plane, too, where its database is known: who may not see that one has to find the turn taken all the same.
        """
        owners = (self.options, self.store.options) if self.store else (self.options,)
        return {(owner.name, owner.namespace) for owner in owners}

    def look(self) -> str:
        """Who leads and who follows, and how many replicas are ready, in words."""
        scene = self.scene()
        primary, standby = (pod.name if pod else "none" for pod in (scene.primary, scene.standby))
        replicas = f"{len(scene.replicas)} of {self.options.replicas} replicas ready"
        return f"primary {primary}, standby {standby}; {replicas}" if self.store else replicas

    def lag(self) -> dict[str, int]:
        """The bytes that each standby has not on its disk, by a PostgreSQL primary's word; {} where that is not to be had."""
        if not isinstance(self.store, Postgres):
            return {}
        observed = datastore_observation.observe(self.kube, self.store)
        questions = self.store.durability_questions(observed) if observed["cluster"] else []
        found = durability_postgres.server(
            datastore_observation.ask(self.kube, self.store.options.namespace, questions)
        )
        return {standby.name: standby.missing for standby in found.standbys}

    def authority(self) -> str:
        """A digest of the certificate authority that every kubeconfig of this control plane trusts; "" where it is gone."""
        secret = control_planes.kubeconfig_secret(self.options.name)

        def read() -> Verdict:  # an API server that does not answer for a moment has not lost it
            now = replica_health.administrator_in(self.kube, self.options.namespace, secret)
            return Verdict(True, "", {"digest": hashlib.sha256(now.ca.encode()).hexdigest()})

        try:
            return str(self.kube.wait(read, SAME_SECONDS).details["digest"])
        except HaError:
            return ""

    def differences(self) -> list[str]:
        """What speaks against all replicas holding the same objects, after the time they may take to."""
        until = time.monotonic() + SAME_SECONDS
        earlier = self._memories()
        while True:
            later = self._memories()
            found = list(replicas.against(earlier, later, self.options.replicas))
            if not found or time.monotonic() > until:
                return found
            earlier = later
            time.sleep(1)

    def _memories(self) -> Round:
        """What each replica holds in its own memory; or why it does not say."""
        try:
            return {pod: self._memory(pod) for pod in self._replicas()}
        except HaError:  # to be asked again, as long as there is time
            return {}

    def _memory(self, pod: str) -> dict[str, str] | str:
        options, found = self.options, {}
        get = replica_health.way_to(
            self.kube, options.namespace, pod, options.api_port, self.who, self.address.server_name, METADATA
        )
        try:
            for path in COMPARED:
                status, body = get(f"{path}?resourceVersion=0")
                if status != 200:
                    return f"{status} to {path}"
                for metadata in (item["metadata"] for item in json.loads(body)["items"] or ()):  # null for no items
                    place = f"{metadata.get('namespace', '')}/{metadata['name']}"
                    found[f"{path.rpartition('/')[2]} {place} {metadata['uid']}"] = str(metadata["resourceVersion"])
        except HaError as error:
            return error.message
        return found

    def bookkeeping(self) -> dict[str, str]:
        """What kine_check has against the datastore, by the names of its checks."""
        secret, url = cluster_report.kine_source(self.cluster["spec"])
        source = {"name": secret, "namespace": self.options.namespace} if secret else None
        options = {**KINE_CHECK, "secret": source, "url": url, "replicas": self.options.replicas}
        options["k0s_version"] = self.options.version or None
        try:
            [examined] = kine_check_run.examine_all(options, lambda: self.kube, False)
        except HaError as error:  # such as a data source that is gone
            return {"source": error.message}
        return {
            check.id: f"{check.id}: {check.observed}"
            for check in examined.report.checks
            if check.status == "fail" and check.id not in NOT_DATA
        }

    def broken(self, before: t.Container[str]) -> list[str]:
        """What kine_check has against the datastore, and had not before, in words."""
        until = time.monotonic() + AGAIN_SECONDS
        while True:
            found = [said for name, said in self.bookkeeping().items() if name not in before]
            if not found or time.monotonic() > until:
                return found
            time.sleep(1)

    def require_seen(self, bookkeeping: t.Mapping[str, str]) -> None:
        """Raise InvalidInput where kine_check cannot look at the datastore: it would not see what a fault does to it."""
        blind = [said for name, said in bookkeeping.items() if name in NO_SIGHT]
        if blind:
            raise InvalidInput(
                f"Nothing was disturbed, because nobody could see what it does to the datastore's bookkeeping: {blind[0]}",
                "The module k0smotron.ha.kine_check, run from here, says what it needs",
            )

    def description(self) -> Object:
        """The control plane and its database for the certificate: names, and a fingerprint of how they are set up."""
        source, _dsn = cluster_report.data_source(self.kube, self.cluster)
        specs = {"control_plane": self.cluster["spec"], "datastore": (self.database or {}).get("spec")}
        return {
            "control_plane": {
                "name": self.options.name,
                "namespace": self.options.namespace,
                "replicas": self.options.replicas,
                "k0s_version": self.options.version,
            },
            "datastore": {
                "provider": self.store.provider if self.store else None,
                "name": self.store.options.name if self.store else None,
                "dsn": source["dsn"],
            },
            # A data source URL may stand in the spec, and a digest of its password is a way to guess it.
            "fingerprint": _sha256(masked({**specs, "dsn": source["dsn"]})),
        }


def find(kube: Kube, name: str, namespace: str) -> Subject:
    """The control plane of this name. Raises NotFound, Unreachable, or InvalidInput for one without a SQL database."""
    cluster = cluster_report.live(kube, name, namespace)
    options = cluster_report.options_from(cluster)
    found, dsn = cluster_report.data_source(kube, cluster)
    if dsn is None:
        reason = found["problem"] or f"it keeps its state in {found['kind']}"
        raise InvalidInput(f"A drill is about a control plane on a SQL database, and of {namespace}/{name} {reason}")
    secret = control_planes.kubeconfig_secret(name)
    who = replica_health.administrator_in(kube, namespace, secret)
    live = datastore_lookup.datastore_behind(kube, dsn, namespace)
    return Subject(
        kube=kube,
        cluster=cluster,
        options=options,
        address=_address(api_url(kube, options, cluster), who, server_name(options, cluster)),
        who=who,
        store=datastore_lookup.known(kube, live) if live else None,
        database=live,
    )


def server_name(options: ControlPlaneOptions, cluster: Object) -> str:
    """The name to ask for: an ingress that passes TLS through knows the control plane by nothing else."""
    return (cluster["spec"].get("ingress") or {}).get("apiHost") or certificate_name(options)


def _address(url: str | None, who: replica_health.Administrator, name: str) -> Address:
    parts = urlsplit(url or "")
    if not parts.hostname or not parts.port:
        raise Unreachable(
            "The hosted API has no address that its clients could use",
            "Give the control plane a Service of type NodePort or LoadBalancer",
        )
    identity = ClientIdentity(ca=who.ca, cert=who.cert, key=who.key, server_name=name)
    return Address(parts.hostname, parts.port, name, tls_context(identity))


def _sha256(value: t.Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
