# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL by the Zalando operator: its ``postgresql`` resource, and what "really up" means for it. Pure.

Facts are from postgres-operator v1.15.1 and v2.0.1 and from Patroni 3.
"""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import durability_postgres
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import DatastoreOptions, Question, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import Setup
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.names import in_kubernetes
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.postgres import PORT, Postgres
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.postgres_hba import refusing_plaintext
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.refusals import refuse_downgrade, refuse_shrink
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.zalando_judge import (
    details,
    judge,
    mode,
    standbys,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.zalando_known import options_from, requires_tls
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Host
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import STATEFUL_SET_NAME_LIMIT, Object, merged

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import Risk
    from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

_SYNCHRONOUS: t.Mapping[str, Object] = {
    "on": {"synchronous_mode": True},
    "strict": {"synchronous_mode": True, "synchronous_mode_strict": True},
    "off": {"synchronous_mode": False},
}
_ALONE = {
    "why": "While no standby is synchronous, Patroni lets the primary take writes alone, and promotes nobody in its place: one"
    " failure loses nothing; if the primary fails in that time, writes stop until it is back, and its volume has the only copy",
}
# C.UTF-8 sorts the same way in every image and release. A change of glibc's en_US order would corrupt indexes silently.
_INITDB = {"encoding": "UTF8", "locale": "C.UTF-8", "data-checksums": "true"}
# Spilo's pg_hba rejects every host connection without TLS unless this is set.
_ALLOW_PLAINTEXT = "ALLOW_NOSSL"

_PATIENCE: Object = {"ttl": 20, "loop_wait": 1, "retry_timeout": 8, "failsafe_mode": True}
"""Seconds. A primary that hangs is replaced when its lock was not renewed for ttl, of which 20 is the least that Patroni takes;
a standby looks every loop_wait, and then waits 2 s for the word of the primary that hangs (Patroni 3.0, fetch_node_status). Every
loop_wait Patroni also sees whether its own server has ended. It wants loop_wait + 2 * retry_timeout within ttl. With
failsafe_mode a primary whose standbys answer stays one when the Kubernetes API is away for longer."""


class Zalando(Postgres):
    """A ``postgresql`` resource with its leader Service, credential Secrets and Patroni's own records."""

    provider = "zalando"
    api_version = "acid.zalan.do/v1"
    kind = "postgresql"
    name_limit = STATEFUL_SET_NAME_LIMIT
    # Protected by the operator's default settings, or its own (pkg/apis/acid.zalan.do/v1/const.go).
    own_roles = ("standby", "admin", "cron_admin", "pooler")
    services = ("", "-repl")
    tls_field = "tls"

    def validate(self) -> None:
        super().validate()
        if self.options.require_tls and any(item.get("name") == _ALLOW_PLAINTEXT for item in self._given_env()):
            raise InvalidInput(
                f"spec.env sets {_ALLOW_PLAINTEXT}, and require_tls is true",
                "Leave it out, or set require_tls: false to allow plaintext.",
            )

    def desired(self) -> list[Object]:
        spec = merged(self._spec(), self.options.spec)
        self._keep_tls(spec)
        return [{"apiVersion": self.api_version, "kind": self.kind, "metadata": self.metadata(), "spec": spec}]

    def _spec(self) -> Object:
        options = self.options
        volume = {"size": options.volume_size}
        if options.storage_class:
            volume["storageClass"] = options.storage_class
        postgresql: Object = {"version": str(options.version)}
        if settings := self.settings():
            postgresql["parameters"] = settings
        spec: Object = {
            "teamId": options.name.partition("-")[0],
            "numberOfInstances": options.instances,
            "volume": volume,
            "users": {item.owner: list(options.owner_flags) for item in options.databases},
            "databases": {item.name: item.owner for item in options.databases},
            "postgresql": postgresql,
            "patroni": {"initdb": dict(_INITDB), **_PATIENCE, **_SYNCHRONOUS[options.synchronous]},
        }
        if options.image:
            spec["dockerImage"] = options.image
        if self.tls_secret():
            # The Secret's files are readable for the group of the database's process, which Spilo gives this number.
            spec |= {"tls": {"secretName": self.tls_secret()}, "spiloFSGroup": 103}
        if options.resources:
            spec["resources"] = merged({}, options.resources)
        return spec

    def _keep_tls(self, spec: Object) -> None:
        """After the merge, in which the user's lists take the place of ours and of Spilo's."""
        if not self.options.require_tls:
            others = [item for item in self._given_env() if item.get("name") != _ALLOW_PLAINTEXT]
            spec["env"] = [{"name": _ALLOW_PLAINTEXT, "value": "true"}, *copy.deepcopy(others)]
        elif spec.get("patroni", {}).get("pg_hba"):
            spec["patroni"]["pg_hba"] = refusing_plaintext(spec["patroni"]["pg_hba"])

    def _given_env(self) -> list[Object]:
        return self.options.spec.get("env") or []

    def ca(self) -> tuple[str, str] | None:
        return (self.tls_secret(), "ca.crt") if self.tls_secret() else None

    def refs_for_judgement(self) -> list[Ref]:
        name, namespace = self.options.name, self.options.namespace
        return [
            Ref("cluster", self.api_version, self.kind, namespace, name=name),
            Ref("pods", "v1", "Pod", namespace, label_selector=self.pod_selector()),
            # The leader's address, in both of Patroni's modes; its annotations hold the leader lock in one of them.
            Ref("leader_endpoints", "v1", "Endpoints", namespace, name=name),
            # Patroni keeps the synchronous standby in Endpoints or in a ConfigMap, as the operator was installed.
            Ref("sync_endpoints", "v1", "Endpoints", namespace, name=f"{name}-sync"),
            Ref("sync_config_map", "v1", "ConfigMap", namespace, name=f"{name}-sync"),
            *(
                Ref(f"secret:{owner}", "v1", "Secret", namespace, name=self.credential_secret(owner))
                for owner in self.owners()
            ),
        ]

    def judge(self, observed: t.Mapping[str, t.Sequence[Object]]) -> Verdict:
        return judge(self.desired()[0]["spec"], self.owners(), observed)

    def durability_questions(self, observed: t.Mapping[str, t.Sequence[Object]]) -> list[Question]:
        return durability_postgres.question(details(observed["cluster"][0]["spec"], (), observed)["leader"])

    def risks(self, observed: t.Mapping[str, t.Sequence[Object]]) -> list[Risk]:
        spec = observed["cluster"][0]["spec"]
        setup = Setup(
            instances=int(spec.get("numberOfInstances") or 0),
            mode=mode(spec),
            primary=details(spec, (), observed)["leader"],
            standbys=standbys(spec, observed),
            alone=_ALONE,
        )
        most = (spec.get("patroni") or {}).get(durability_postgres.LAG_SETTING) or durability_postgres.MOST_BEHIND
        return durability_postgres.risks(setup, self.options.databases, observed, int(most))

    def pod_selector(self) -> str:
        return f"application=spilo,cluster-name={self.options.name}"

    def credential_secret(self, owner: str) -> str:
        return f"{in_kubernetes(owner)}.{self.options.name}.credentials.postgresql.acid.zalan.do"

    def endpoint(self) -> Host:
        return Host(f"{self.options.name}.{self.options.namespace}", PORT)

    def refuse_change(self, live: Object | None) -> None:
        if live is None:
            return
        old, new = live.get("spec", {}), self.desired()[0]["spec"]
        refuse_shrink(*((spec.get("volume") or {}).get("size") for spec in (old, new)))
        refuse_downgrade("PostgreSQL", *((spec.get("postgresql") or {}).get("version") for spec in (old, new)))
        if new.get("numberOfInstances") == 0:
            raise InvalidInput("numberOfInstances 0 would stop the database", "Remove it with state: absent instead.")
        if old.get("teamId", new.get("teamId")) != new.get("teamId"):
            raise InvalidInput(
                f"The teamId of a live cluster cannot change from {old['teamId']} to {new.get('teamId')}",
                f"Set spec: {{teamId: {old['teamId']}}}.",
            )

    @classmethod
    def behind(cls, service: str) -> str | None:
        return service

    @staticmethod
    def requires_tls(live: Object) -> bool | None:
        return requires_tls(live)

    @classmethod
    def options_from(cls, live: Object, observed: t.Mapping[str, t.Sequence[Object]]) -> DatastoreOptions:
        return options_from(live)
