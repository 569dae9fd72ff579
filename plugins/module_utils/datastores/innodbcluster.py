# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MySQL by Oracle's operator: its ``InnoDBCluster``, group replication behind MySQL Router. Pure.

Never run: facts are from the operator's source and schema (mysql/mysql-operator 9.1.0-2.2.2), files under
mysqloperator/controller/innodbcluster/ where no other folder is named.
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    innodbcluster_names,
    innodbcluster_refusals,
    innodbcluster_settings,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import (
    DatabaseSpec,
    DatastoreOptions,
    Question,
    Ref,
    Statement,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.certified import Certified
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import (
    Setup,
    risk,
    setup_risks,
    spec_risks,
    zones_of,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability_mysql import flush_risks
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.innodbcluster_judge import (
    COMMAND,
    answers,
    judge,
    members,
    silence,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.names import in_kubernetes
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Host
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, merged, pod_ready

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import Risk
    from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

PORT = 3306
CONTAINER = "mysql"
DATABASES = "k0smotron.ha/databases"
"""Annotation: what was asked for, as the operator has no objects for databases and owners."""
ROUTERS = 2
ROUTER_REFUSES_PLAINTEXT = "--client-ssl-mode=REQUIRED"
"""Router speaks TLS to the servers itself, so that theirs say nothing about the clients'. Its default is PREFERRED (MySQL
Router manual, TLS configuration)."""

_DSN: t.Mapping[str, str] = {
    "timeout": "5s",
    # A lost primary is suspected after 5 s and expelled after 5 more (group_replication_member_expel_timeout); until then
    # commits wait, and one that succeeds in the end should not be reported as failed.
    "readTimeout": "30s",
    "writeTimeout": "30s",
    # A demoted primary goes on as a read-only secondary, and kine would keep its connections to it.
    "rejectReadOnly": "true",
}


class InnoDBCluster(Certified):
    """An ``InnoDBCluster``; databases and owners are made by statements."""

    provider = "innodbcluster"
    scheme = "mysql"
    api_version = "mysql.oracle.com/v2"
    kind = "InnoDBCluster"
    defaults: t.ClassVar[t.Mapping[str, t.Any]] = {"instances": 3, "version": "8.4.3"}
    # Members know each other by the certificate (cluster_controller.py: memberAuthType CERT_SUBJECT).
    certifies_clients = True

    def validate(self) -> None:
        innodbcluster_refusals.check_options(self.options)

    def desired(self) -> list[Object]:
        metadata = self.metadata()
        metadata["annotations"] = {**metadata.get("annotations", {}), DATABASES: _declared(self.options.databases)}
        spec = merged(self._spec(), self.options.spec)
        return [{"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata, "spec": spec}]

    def _spec(self) -> Object:
        options = self.options
        claim: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": options.volume_size}}}
        if options.storage_class:
            claim["storageClassName"] = options.storage_class
        spec: Object = {
            "secretName": self.administrator(),
            "instances": options.instances,
            "version": str(options.version),
            "mycnf": innodbcluster_settings.my_cnf(options.parameters, require_tls=options.require_tls),
            "datadirVolumeClaimTemplate": claim,
            "podSpec": self._apart("mysqld"),
            "router": {"instances": ROUTERS, "podSpec": self._apart("mysqlrouter")},
            # To Router's port that leads to the primary.
            "service": {"type": "ClusterIP", "defaultPort": "mysql-rw"},
            "tlsUseSelfSigned": not self.tls_secret(),
        }
        if options.require_tls:
            spec["router"]["bootstrapOptions"] = [ROUTER_REFUSES_PLAINTEXT]
        if self.tls_secret():
            # One Secret for all three is foreseen (mysqloperator/sidecar_main.py, on_secret_create_or_update).
            spec |= {"tlsSecretName": self.tls_secret(), "tlsCASecretName": self.tls_secret()}
            spec["router"]["tlsSecretName"] = self.tls_secret()
        if options.resources:
            spec["podSpec"]["containers"] = [{"name": CONTAINER, "resources": merged({}, options.resources)}]
        return spec

    def _apart(self, component: str) -> Object:
        """By default all pods of a component may share a node and be lost together."""
        term = {
            "labelSelector": {"matchLabels": {**self.labels(), "component": component}},
            "topologyKey": "kubernetes.io/hostname",
        }
        return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}

    def dns_names(self) -> tuple[str, ...]:
        """Router's, and those that Router and the members verify each other by (mysqloperator/controller/fqdn.py)."""
        members = self.names_of(f"{self.options.name}-instances")
        return (*self.names_of(self.options.name), *members, *(f"*.{name}" for name in members))

    def administrator(self) -> str:
        return f"{self.options.name}-root"

    def own_secrets(self) -> list[Object]:
        root = {"rootUser": "root", "rootHost": "%", "rootPassword": None}
        owners = ((self.credential_secret(owner), {"username": owner}) for owner in self.owners())
        return [self._secret(self.administrator(), root), *(self._secret(*owner) for owner in owners)]

    def _secret(self, name: str, data: t.Mapping[str, str | None]) -> Object:
        metadata = {"name": name, "namespace": self.options.namespace, "labels": self.labels()}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "stringData": dict(data)}

    def statements(self, passwords: t.Mapping[str, str]) -> list[Statement]:
        return innodbcluster_names.statements(self.options.databases, passwords, require_tls=self.options.require_tls)

    def refs_for_judgement(self) -> list[Ref]:
        name, namespace = self.options.name, self.options.namespace
        return [
            Ref("cluster", self.api_version, self.kind, namespace, name=name),
            Ref("pods", "v1", "Pod", namespace, label_selector=f"component=mysqld,{self.pod_selector()}"),
            Ref("routers", "v1", "Endpoints", namespace, name=name),
            *(
                Ref(f"secret:{owner}", "v1", "Secret", namespace, name=self.credential_secret(owner))
                for owner in self.owners()
            ),
        ]

    def questions(self, observed: t.Mapping[str, t.Sequence[Object]]) -> list[Question]:
        names = [pod["metadata"]["name"] for pod in observed["pods"] if pod_ready(pod)]
        return [Question(f"server:{name}", name, CONTAINER, COMMAND) for name in names]

    def judge(self, observed: t.Mapping[str, t.Sequence[Object]]) -> Verdict:
        return judge(self.desired()[0]["spec"]["instances"], self.owners(), observed)

    def risks(self, observed: t.Mapping[str, t.Sequence[Object]]) -> list[Risk]:
        """A write is acknowledged once a majority has it; without one, nobody takes writes."""
        instances = int(observed["cluster"][0]["spec"].get("instances") or 0)
        servers = answers(observed)
        primary, secondaries = members(observed.get("pods") or [], servers)
        beside = instances // 2
        setup = Setup(
            instances=instances, mode="strict", primary=primary, standbys=secondaries, waits_for=beside, least=beside
        )
        if problem := silence(primary, servers):
            return [*spec_risks(setup), _unasked(problem)]
        found = list(setup_risks(setup, zones_of(observed.get("nodes") or [])))
        for each in servers:
            if primary and each.pod == primary["pod"]:
                found += flush_risks(flushes=each.flushes, syncs_binlog=each.syncs_binlog)
        return found

    def pod_selector(self) -> str:
        """Of servers and routers, and of the volume claims, which get the labels of the StatefulSet's pods."""
        return f"mysql.oracle.com/cluster={self.options.name},tier=mysql"

    def credential_secret(self, owner: str) -> str:
        return f"{in_kubernetes(owner)}.{self.options.name}.credentials.innodbcluster"

    def endpoint(self) -> Host:
        """Router's Service (router_objects.py, prepare_router_service)."""
        return Host(f"{self.options.name}.{self.options.namespace}", PORT)

    def dsn_params(self) -> t.Mapping[str, str]:
        return _DSN

    def ca(self) -> tuple[str, str] | None:
        return (self.tls_secret(), "ca.crt") if self.tls_secret() else None

    def refuse_change(self, live: Object | None) -> None:
        if live is not None:
            innodbcluster_refusals.check_change(live, self.desired()[0]["spec"])

    @classmethod
    def behind(cls, service: str) -> str | None:
        return service

    @staticmethod
    def requires_tls(live: Object) -> bool | None:
        router = (live.get("spec") or {}).get("router") or {}
        return ROUTER_REFUSES_PLAINTEXT in (router.get("bootstrapOptions") or [])

    @classmethod
    def options_from(cls, live: Object, observed: t.Mapping[str, t.Sequence[Object]]) -> DatastoreOptions:
        metadata, spec = live["metadata"], live["spec"]
        declared = (metadata.get("annotations") or {}).get(DATABASES, "")
        return DatastoreOptions(
            name=metadata["name"],
            namespace=metadata["namespace"],
            instances=int(spec.get("instances") or 1),
            version=spec.get("version") or cls.defaults["version"],
            require_tls=cls.requires_tls(live) is True,
            tls_secret="" if spec.get("tlsUseSelfSigned") else spec.get("tlsSecretName") or "",
            databases=tuple(DatabaseSpec(*item.split("=")) for item in declared.split(",") if item),
        )


def _unasked(problem: str) -> Risk:
    return risk(
        "not_seen",
        f"the primary was not asked: {problem}",
        why="Who is in the group, and who leads, shows in the servers only",
        remedy="Allow pods/exec in its namespace, or look at performance_schema.replication_group_members",
    )


def _declared(databases: t.Sequence[DatabaseSpec]) -> str:
    return ",".join(f"{item.name}={item.owner}" for item in databases)
