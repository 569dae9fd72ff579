# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MariaDB by mariadb-operator: its ``MariaDB`` with ``Database``, ``User`` and ``Grant`` objects. Pure.

Facts are from mariadb-operator v0.38.1: seen where it is said, else its source.
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    mariadb_durability,
    mariadb_refusals,
    mariadb_settings,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import (
    DatabaseSpec,
    Datastore,
    DatastoreOptions,
    Question,
    Ref,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb_answers import COMMAND, administration
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb_image import DEFAULT_IMAGE, release_of
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb_judge import judge, replicated
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.names import in_kubernetes
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Host
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, merged, pod_ready

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import Risk
    from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

PORT = 3306
CONTAINER = "mariadb"
WATCHED = {"k8s.mariadb.com/watch": ""}
"""On a Secret: the operator takes up a changed password at once."""

_REPLICATION: Object = {
    # No podIndex: the operator writes it at each failover, and whoever writes it back moves the primary back.
    "primary": {"automaticFailover": True},
    "replica": {"waitPoint": "AfterSync"},
    "syncBinlog": True,
    # Its probe asks for a connection that no replica has, and the replicas are killed again and again (seen).
    "probesEnabled": False,
}
_PATIENT_START: Object = {"failureThreshold": 60}
"""Ten minutes. By default a server that recovers from a crash, or makes its first files, is ended after 50 s, each time anew. How
soon it is looked at stays as it is: when a killed primary was ready again after 3 s, the operator met it in the middle of its
failover, and of five kills one ended without a primary that takes writes, one with a replica that followed no more (seen)."""
_DSN: t.Mapping[str, str] = {
    # A failover takes the operator one to five seconds; kine's driver would sit out five for each dead connection.
    "timeout": "1s",
    # More than the ten seconds after which a primary without replicas goes on alone, so that a write that was
    # committed is not reported as failed.
    "readTimeout": "15s",
    "writeTimeout": "15s",
    # Without it kine keeps its connections to a demoted primary for ever (seen).
    "rejectReadOnly": "true",
}


class MariaDB(Datastore):
    """A ``MariaDB``, and what it is to hold."""

    provider = "mariadb"
    scheme = "mysql"
    api_version = "k8s.mariadb.com/v1alpha1"
    kind = "MariaDB"
    defaults: t.ClassVar[t.Mapping[str, t.Any]] = {"instances": 3, "version": "10.11"}

    def validate(self) -> None:
        mariadb_refusals.check_options(self.options)

    def desired(self) -> list[Object]:
        cluster = {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": self.metadata(),
            "spec": self._wanted(),
        }
        databases = self.options.databases
        return [cluster, *map(self._database, databases), *map(self._user, self.owners()), *map(self._grant, databases)]

    def _wanted(self) -> Object:
        return merged(self._spec(), self.options.spec)

    def _spec(self) -> Object:
        options = self.options
        many = options.instances > 1
        storage = {"size": options.volume_size}
        if options.storage_class:
            storage["storageClassName"] = options.storage_class
        spec: Object = {
            "image": options.image or DEFAULT_IMAGE.format(version=options.version),
            "replicas": options.instances,
            "rootPasswordSecretKeyRef": {"name": self.root_secret(), "key": "password"},
            "storage": storage,
            "myCnf": mariadb_settings.my_cnf(options.parameters, replicated=many),
            "tls": {"enabled": True, "required": options.require_tls},
            "startupProbe": merged({}, _PATIENT_START),
        }
        if many:
            spec["replication"] = {"enabled": True, **merged({}, _REPLICATION)}
            # Without it the primary and its replicas may share a node and be lost together.
            spec["affinity"] = {"antiAffinityEnabled": True}
        if options.resources:
            spec["resources"] = merged({}, options.resources)
        return spec

    def _declared(self, kind: str, name: str, spec: Object) -> Object:
        """An object that refers to the MariaDB. Skip: by default the operator drops what such an object made with it."""
        return {
            "apiVersion": self.api_version,
            "kind": kind,
            "metadata": {
                "name": _declared_as(self.options.name, name),
                "namespace": self.options.namespace,
                "labels": self.labels(),
            },
            "spec": {"mariaDbRef": {"name": self.options.name}, "cleanupPolicy": "Skip", **spec},
        }

    def _database(self, item: DatabaseSpec) -> Object:
        return self._declared(
            "Database", item.name, {"name": item.name, "characterSet": "utf8mb4", "collate": "utf8mb4_bin"}
        )

    def _user(self, owner: str) -> Object:
        password = {"name": self.credential_secret(owner), "key": "password"}
        owned = sum(item.owner == owner for item in self.options.databases)
        return self._declared(
            "User",
            owner,
            {
                "name": owner,
                "host": "%",
                "passwordSecretKeyRef": password,
                "maxUserConnections": mariadb_settings.MAX_USER_CONNECTIONS * owned,
            },
        )

    def _grant(self, item: DatabaseSpec) -> Object:
        return self._declared(
            "Grant",
            item.name,
            {
                "privileges": ["ALL PRIVILEGES"],
                "database": item.name,
                "table": "*",
                "username": item.owner,
                "host": "%",
            },
        )

    def root_secret(self) -> str:
        """Name of the Secret with root's password: the operator's own, so that a live MariaDB keeps it."""
        return f"{self.options.name}-root"

    def own_secrets(self) -> list[Object]:
        root = self._secret(self.root_secret(), "Opaque", {}, "root")
        kind = "kubernetes.io/basic-auth"
        return [
            root,
            *(self._secret(self.credential_secret(owner), kind, WATCHED, owner) for owner in self.owners()),
        ]

    def _secret(self, name: str, kind: str, labels: t.Mapping[str, str], user: str) -> Object:
        metadata = {"name": name, "namespace": self.options.namespace, "labels": {**self.labels(), **labels}}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind}
        return {**secret, "stringData": {"username": user}}

    def as_administrator(self, pod: str, sql: str) -> Question:
        return Question("administrator", pod, CONTAINER, administration(sql))

    def refs_for_judgement(self) -> list[Ref]:
        name, namespace, selector = self.options.name, self.options.namespace, self.pod_selector()
        return [
            Ref("cluster", self.api_version, self.kind, namespace, name=name),
            Ref("pods", "v1", "Pod", namespace, label_selector=selector),
            Ref("leader_endpoints", "v1", "Endpoints", namespace, name=self._primary_service()),
            *refs_to_declared(namespace),
            *(
                Ref(f"secret:{owner}", "v1", "Secret", namespace, name=self.credential_secret(owner))
                for owner in self.owners()
            ),
        ]

    def questions(self, observed: t.Mapping[str, t.Sequence[Object]]) -> list[Question]:
        """The primary last: what a replica has applied by then, the primary has written before."""
        status = (observed["cluster"][0].get("status") or {}) if observed["cluster"] else {}
        names = [pod["metadata"]["name"] for pod in observed["pods"] if pod_ready(pod)]
        names.sort(key=lambda name: name == status.get("currentPrimary"))
        return [Question(f"server:{name}", name, CONTAINER, COMMAND) for name in names]

    def judge(self, observed: t.Mapping[str, t.Sequence[Object]]) -> Verdict:
        whose = self.options.name, self.options.namespace
        ours = {key: [item for item in observed.get(key) or [] if refers(item, *whose)] for key in DECLARED}
        return judge(self._wanted(), self.options.databases, {**observed, **ours})

    def risks(self, observed: t.Mapping[str, t.Sequence[Object]]) -> list[Risk]:
        return mariadb_durability.risks(observed)

    def pod_selector(self) -> str:
        return f"app.kubernetes.io/instance={self.options.name},app.kubernetes.io/name=mariadb"

    def credential_secret(self, owner: str) -> str:
        return f"{in_kubernetes(owner)}.{self.options.name}.credentials.mariadb"

    def endpoint(self) -> Host:
        return Host(f"{self._primary_service()}.{self.options.namespace}", PORT)

    def _primary_service(self) -> str:
        return primary_service(self.options.name, self._wanted())

    def dsn_params(self) -> t.Mapping[str, str]:
        return _DSN

    def ca(self) -> tuple[str, str] | None:
        """The operator's bundle: its authority lasts three years, and a new one joins the old one there."""
        return f"{self.options.name}-ca-bundle", "ca.crt"

    def refuse_change(self, live: Object | None) -> None:
        if live is not None:
            mariadb_refusals.check_change(live, self._wanted())

    @classmethod
    def behind(cls, service: str) -> str | None:
        return service.removesuffix("-primary")

    @classmethod
    def leads_to_primary(cls, service: str, live: Object) -> bool:
        """The Service of the MariaDB's own name leads to replicas, too, where there are any."""
        return service == primary_service(live["metadata"]["name"], live["spec"])

    @staticmethod
    def requires_tls(live: Object) -> bool | None:
        tls = (live.get("spec") or {}).get("tls") or {}
        return bool(tls.get("enabled") and tls.get("required"))

    @classmethod
    def refs_to_know(cls, live: Object) -> list[Ref]:
        return refs_to_declared(live["metadata"]["namespace"])

    @classmethod
    def options_from(cls, live: Object, observed: t.Mapping[str, t.Sequence[Object]]) -> DatastoreOptions:
        name, namespace, spec = live["metadata"]["name"], live["metadata"]["namespace"], live["spec"]
        ours = {
            key: [item for item in observed[key] if refers(item, name, namespace)] for key in ("databases", "grants")
        }
        # The operator has grants of its own, on databases that nobody declared.
        declared = {item["spec"].get("name") for item in ours["databases"]}
        grants = [item for item in ours["grants"] if item["spec"].get("database") in declared]
        image = spec.get("image")
        return DatastoreOptions(
            name=name,
            namespace=namespace,
            instances=int(spec.get("replicas") or 1),
            version=release_of(image or "") or cls.defaults["version"],
            image=image,
            synchronous="on" if replicated(spec) else "off",
            require_tls=cls.requires_tls(live) is True,
            tls_secret="",
            databases=tuple(DatabaseSpec(*pair) for pair in _owners(name, grants).items()),
        )


def primary_service(name: str, spec: Object) -> str:
    """Name of the Service that leads to the primary alone; without replication the operator makes but one for clients."""
    return f"{name}-primary" if replicated(spec) else name


def _declared_as(name: str, what: str) -> str:
    """Name of our object of a MariaDB. Neither part has a dot of its own, so no two MariaDBs share one."""
    return f"{name}.{in_kubernetes(what)}"


def _owners(name: str, grants: t.Sequence[Object]) -> dict[str, str]:
    """Who owns each database: whom our Grant gives all of it, or else the first one of somebody else's."""

    def ours_first(grant: Object) -> tuple[bool, str]:
        called = grant["metadata"]["name"]
        return called != _declared_as(name, grant["spec"]["database"]), called

    owners: dict[str, str] = {}
    for grant in sorted((item for item in grants if _gives_all(item["spec"])), key=ours_first):
        owners.setdefault(grant["spec"]["database"], grant["spec"]["username"])
    return owners


def _gives_all(spec: Object) -> bool:
    """What gives less is not for an owner, but for an exporter or a backup."""
    privileges = {privilege.strip().upper() for privilege in spec["privileges"]}
    return not privileges.isdisjoint(("ALL", "ALL PRIVILEGES")) and (spec.get("table") or "*") == "*"


def refers(item: Object, name: str, namespace: str) -> bool:
    """Whether a Database, User or Grant of this namespace is one of this MariaDB there."""
    reference = item["spec"]["mariaDbRef"]
    return reference.get("name") == name and (reference.get("namespace") or namespace) == namespace


DECLARED: t.Mapping[str, str] = {"databases": "Database", "users": "User", "grants": "Grant"}


def refs_to_declared(namespace: str) -> list[Ref]:
    """All of a namespace: those that people declare themselves have no label of ours."""
    return [Ref(key, MariaDB.api_version, kind, namespace) for key, kind in DECLARED.items()]
