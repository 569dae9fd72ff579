# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL by CloudNativePG: its ``Cluster`` with managed roles, and a ``Database`` for each database. Pure.

Facts are from CloudNativePG v1.28.0: its source where nothing else is said.
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import durability_postgres
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import (
    DatabaseSpec,
    DatastoreOptions,
    Question,
    Ref,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.cloudnativepg_image import (
    DEFAULT_IMAGE,
    check_image,
    major_of,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.cloudnativepg_judge import (
    details,
    judge,
    mode,
    standbys,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.cloudnativepg_tls import requires_tls
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import Setup
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.names import in_kubernetes
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.postgres import PORT, Postgres
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.postgres_hba import refusing_plaintext
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.refusals import refuse_downgrade, refuse_shrink
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Host
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, merged

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import Risk
    from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

CLUSTER_LABEL = "cnpg.io/cluster"
# The operator makes a database and a role of this name in every cluster, and cannot be told not to.
OPERATORS_DATABASE = "app"

_DURABILITY: t.Mapping[str, Object] = {
    "on": {"method": "any", "number": 1, "dataDurability": "preferred"},
    # failoverQuorum: promote nobody who may lack an acknowledged write.
    "strict": {"method": "any", "number": 1, "dataDurability": "required", "failoverQuorum": True},
}
_ALONE = {
    "why": "While no standby is healthy, the operator takes the primary's wait away: one failure loses nothing; a second one in"
    " that time loses what was acknowledged in it",
    "remedy": "Ask for 3 instances and synchronous: strict (dataDurability required), which stops writes instead",
}
_INITDB = {"dataChecksums": True, "encoding": "UTF8", "localeCollate": "C", "localeCType": "C"}
_PATIENCE: Object = {
    "probes": {
        "readiness": {"periodSeconds": 2, "timeoutSeconds": 2, "failureThreshold": 2},
        "liveness": {"periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3},
    },
    "smartShutdownTimeout": 1,
    "stopDelay": 30,
    "switchoverDelay": 15,
}
"""How long a primary may hang, and take to stop. The operator's defaults (30 s, 30 min, 1 h) suit people; for kine every
second is a control plane that takes no writes. Measured under kine and an API server with the primary frozen for a
minute, on v1.28.0 with PostgreSQL 15: no failover with the defaults, and more than two minutes lost in the smart
shutdown afterwards, because kine's idle connections keep it waiting; with these, but a liveness probe of 3 s, 2 s and 3
failures, the primary's Service moved after 13 seconds. No acknowledged write was lost in either. That liveness probe
restarted healthy instances again and again on a machine with too few CPUs, so it is slower here (not measured again)."""
_PARAMETERS = {"wal_receiver_timeout": "3s"}
"""The operator promotes nobody who still waits for WAL of the old primary, and each of its looks takes 30 s while that one hangs
(defaultRequestTimeout, v1.28.0). Its own default of 5 s just misses the first look, which follows a readiness probe that fails
after 4 to 6 s: seen in two of three hangs on the lab."""


class CloudNativePG(Postgres):
    """A ``Cluster``, the ``Database`` objects that refer to it, and credential Secrets that we give it."""

    provider = "cloudnativepg"
    api_version = "postgresql.cnpg.io/v1"
    kind = "Cluster"
    name_limit = 50
    own_roles = ("streaming_replica", "cnpg_pooler_pgbouncer", OPERATORS_DATABASE)
    services = ("-rw", "-ro", "-r")
    # With this label a changed Secret is looked at at once.
    secret_labels: t.ClassVar[t.Mapping[str, str]] = {"cnpg.io/reload": "true"}
    tls_field = "certificates"

    def validate(self) -> None:
        super().validate()
        options = self.options
        if options.image:
            check_image(options.image, str(options.version))
        for item in options.databases:
            if item.name == OPERATORS_DATABASE:
                raise InvalidInput(
                    f"The database {item.name} belongs to the operator", "Choose another name, such as kine."
                )
            if not (item.name[0].isalnum() and item.name[-1].isalnum()):
                raise InvalidInput(
                    f"The database name {item.name!r} cannot name its Database object",
                    "Begin and end it with a letter or digit.",
                )

    def desired(self) -> list[Object]:
        spec = merged(self._spec(), self.options.spec)
        if self.options.require_tls:
            # After the merge, in which the user's list would take the place of ours.
            postgresql = spec.setdefault("postgresql", {})
            postgresql["pg_hba"] = refusing_plaintext(postgresql.get("pg_hba") or [])
        cluster = {"apiVersion": self.api_version, "kind": self.kind, "metadata": self.metadata(), "spec": spec}
        return [cluster, *map(self._database, self.options.databases)]

    def _spec(self) -> Object:
        options = self.options
        storage = {"size": options.volume_size}
        if options.storage_class:
            storage["storageClass"] = options.storage_class
        spec: Object = {
            "instances": options.instances,
            "imageName": options.image or DEFAULT_IMAGE.format(version=options.version),
            "storage": storage,
            "bootstrap": {"initdb": dict(_INITDB)},
            "postgresql": self._postgresql(),
            "managed": {"roles": [self._role(owner) for owner in self.owners()]},
            # Preferred, the operator's default, lets the primary and its standby be lost with one node.
            "affinity": {"podAntiAffinityType": "required"},
            **merged({}, _PATIENCE),
        }
        if self.tls_secret():
            spec["certificates"] = {"serverTLSSecret": self.tls_secret(), "serverCASecret": self.tls_secret()}
        if options.resources:
            spec["resources"] = merged({}, options.resources)
        return spec

    def _postgresql(self) -> Object:
        options = self.options
        postgresql: Object = {}
        # The operator refuses to wait for more standbys than there are.
        if options.instances > 1 and options.synchronous in _DURABILITY:
            postgresql["synchronous"] = dict(_DURABILITY[options.synchronous])
        ours = {name: value for name, value in _PARAMETERS.items() if name not in options.parameters}
        postgresql["parameters"] = {**ours, **self.settings()}
        return postgresql

    def _role(self, owner: str) -> Object:
        flags = [flag.lower() for flag in self.options.owner_flags]
        return {
            "name": owner,
            "ensure": "present",
            "login": True,
            "passwordSecret": {"name": self.credential_secret(owner)},
            **{flag.removeprefix("no"): not flag.startswith("no") for flag in flags},
        }

    def _database(self, item: DatabaseSpec) -> Object:
        return {
            "apiVersion": self.api_version,
            "kind": "Database",
            "metadata": {
                "name": self._database_object(item.name),
                "namespace": self.options.namespace,
                "labels": {CLUSTER_LABEL: self.options.name},
            },
            "spec": {
                "name": item.name,
                "owner": item.owner,
                "cluster": {"name": self.options.name},
                "databaseReclaimPolicy": "retain",
            },
        }

    def _database_object(self, database: str) -> str:
        # Neither name has a dot of its own, so no two clusters share one.
        return f"{self.options.name}.{in_kubernetes(database)}"

    def own_secrets(self) -> list[Object]:
        return [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "name": self.credential_secret(owner),
                    "namespace": self.options.namespace,
                    "labels": self.labels(),
                },
                "type": "kubernetes.io/basic-auth",
                "stringData": {"username": owner},
            }
            for owner in self.owners()
        ]

    def refs_for_judgement(self) -> list[Ref]:
        name, namespace = self.options.name, self.options.namespace
        return [
            Ref("cluster", self.api_version, self.kind, namespace, name=name),
            Ref("pods", "v1", "Pod", namespace, label_selector=f"{self.pod_selector()},cnpg.io/podRole=instance"),
            Ref("leader_endpoints", "v1", "Endpoints", namespace, name=f"{name}-rw"),
            Ref("databases", self.api_version, "Database", namespace, label_selector=self.pod_selector()),
            *(
                Ref(f"secret:{owner}", "v1", "Secret", namespace, name=self.credential_secret(owner))
                for owner in self.owners()
            ),
        ]

    def judge(self, observed: t.Mapping[str, t.Sequence[Object]]) -> Verdict:
        return judge(self.desired()[0]["spec"], self.options.databases, observed)

    def durability_questions(self, observed: t.Mapping[str, t.Sequence[Object]]) -> list[Question]:
        return durability_postgres.question(details(observed["cluster"][0]["spec"], (), observed)["leader"])

    def risks(self, observed: t.Mapping[str, t.Sequence[Object]]) -> list[Risk]:
        spec = observed["cluster"][0]["spec"]
        asked = mode(spec)
        number = int(
            ((spec.get("postgresql") or {}).get("synchronous") or {}).get("number") or spec.get("minSyncReplicas") or 1
        )
        setup = Setup(
            instances=int(spec.get("instances") or 0),
            mode=asked,
            primary=details(spec, (), observed)["leader"],
            standbys=standbys(spec, observed),
            waits_for=None if asked == "off" else number,
            least=number if asked == "strict" else 1,
            alone=_ALONE,
        )
        return durability_postgres.risks(setup, self.options.databases, observed, durability_postgres.MOST_BEHIND)

    def pod_selector(self) -> str:
        return f"{CLUSTER_LABEL}={self.options.name}"

    def credential_secret(self, owner: str) -> str:
        return f"{in_kubernetes(owner)}.{self.options.name}.credentials"

    def endpoint(self) -> Host:
        return Host(f"{self.options.name}-rw.{self.options.namespace}", PORT)

    def ca(self) -> tuple[str, str] | None:
        """The operator's own authority is a new one every 83 days, which those who keep a copy have to learn in 7 days."""
        return self.tls_secret() or f"{self.options.name}-ca", "ca.crt"

    def refuse_change(self, live: Object | None) -> None:
        if live is None:
            return
        old, new = live.get("spec", {}), self.desired()[0]["spec"]
        refuse_shrink(*((spec.get("storage") or {}).get("size") for spec in (old, new)))
        refuse_downgrade("PostgreSQL", *(major_of(spec.get("imageName") or "") for spec in (old, new)))

    @classmethod
    def behind(cls, service: str) -> str | None:
        return service.removesuffix("-rw") if service.endswith("-rw") else None

    @staticmethod
    def requires_tls(live: Object) -> bool | None:
        return requires_tls(live)

    @classmethod
    def refs_to_know(cls, live: Object) -> list[Ref]:
        metadata = live["metadata"]
        selector = f"{CLUSTER_LABEL}={metadata['name']}"
        return [Ref("databases", cls.api_version, "Database", metadata["namespace"], label_selector=selector)]

    @classmethod
    def options_from(cls, live: Object, observed: t.Mapping[str, t.Sequence[Object]]) -> DatastoreOptions:
        spec = live["spec"]
        image = spec.get("imageName")
        return DatastoreOptions(
            name=live["metadata"]["name"],
            namespace=live["metadata"]["namespace"],
            instances=int(spec.get("instances") or 1),
            version=major_of(image or "") or DatastoreOptions.version,
            image=image,
            synchronous=mode(spec),
            require_tls=requires_tls(live) is not False,
            tls_secret=(spec.get("certificates") or {}).get("serverCASecret") or "",
            databases=tuple(
                DatabaseSpec(item["spec"]["name"], item["spec"]["owner"]) for item in observed["databases"]
            ),
            # Not the owners of databases that were taken out of the list: those stay in PostgreSQL, and nobody manages them.
            spec={"managed": {"roles": (spec.get("managed") or {}).get("roles") or []}},
        )


def declared(live: Object, databases: t.Iterable[Object]) -> list[DatabaseSpec]:
    """Every database that a live Cluster is to have, whoever declared it. ``databases``: all Databases of its namespace.

    The judgement knows only those with our label: it must not find fault with what others declared.
    """
    initdb = (live["spec"].get("bootstrap") or {}).get("initdb") or {}
    found = [
        DatabaseSpec(spec["name"], spec["owner"])
        for spec in (item["spec"] for item in databases)
        if spec["cluster"]["name"] == live["metadata"]["name"] and spec.get("ensure") != "absent"
    ]
    first = initdb.get("database")
    return [*found, *([DatabaseSpec(first, initdb.get("owner") or first)] if first else [])]
