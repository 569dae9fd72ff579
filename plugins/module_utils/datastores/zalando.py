# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL by the Zalando operator: its ``postgresql`` resource, and what "really up" means for it. Pure.

Facts are from postgres-operator v1.15.1 and v2.0.1 and from Patroni 3.
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import CertificateSpec, Datastore, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.zalando_judge import (
    first_leads_alone,
    first_serves,
    judge,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.zalando_names import check_names
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Host
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, merged, quantity, require_dns_label

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

API_VERSION = "acid.zalan.do/v1"
KIND = "postgresql"
PORT = 5432
VERSIONS = ("13", "14", "15", "16", "17", "18")
"""Majors that some supported operator knows; the operator's own schema has the last word."""
STRICT_INSTANCES = 3

_SYNCHRONOUS: t.Mapping[str, Object] = {
    "on": {"synchronous_mode": True},
    "strict": {"synchronous_mode": True, "synchronous_mode_strict": True},
    "off": {"synchronous_mode": False},
}
# C.UTF-8 sorts the same way in every image and release. A change of glibc's en_US order would corrupt indexes silently.
_INITDB = {"encoding": "UTF8", "locale": "C.UTF-8", "data-checksums": "true"}


class Zalando(Datastore):
    """A ``postgresql`` resource with its leader Service, credential Secrets and Patroni's own records."""

    provider = "zalando"
    scheme = "postgres"

    def validate(self) -> None:
        options = self.options
        check_names(options)
        if options.instances < 1:
            raise InvalidInput(f"instances is {options.instances}", "Ask for at least 1, and 2 for high availability.")
        if options.synchronous not in _SYNCHRONOUS:
            raise InvalidInput(f"synchronous is {options.synchronous!r}", "Use on, strict or off.")
        if options.synchronous == "strict" and options.instances < STRICT_INSTANCES:
            raise InvalidInput(
                f"With {options.instances} instances, strict synchronous replication stops all writes when one is down",
                f"Ask for at least {STRICT_INSTANCES} instances, or for synchronous: on.",
            )
        if str(options.version) not in VERSIONS:
            raise InvalidInput(
                f"PostgreSQL {options.version} is not a major version the operator knows",
                f"Use one of {', '.join(VERSIONS)}.",
            )
        if "tls" in options.spec:
            raise InvalidInput("spec.tls would not be known to those who verify the servers", "Use tls_secret instead.")
        if self._tls_secret():
            require_dns_label("tls_secret", self._tls_secret())  # the operator makes a volume's name of it
        if quantity(options.volume_size) <= 0:
            raise InvalidInput("volume_size is zero", "Ask for some room, such as 10Gi.")

    def desired(self) -> list[Object]:
        options = self.options
        metadata: Object = {"name": options.name, "namespace": options.namespace}
        metadata |= {
            key: dict(value)
            for key, value in (("labels", options.labels), ("annotations", options.annotations))
            if value
        }
        spec = merged(self._spec(), options.spec)
        return [{"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}]

    def _spec(self) -> Object:
        options = self.options
        volume = {"size": options.volume_size}
        if options.storage_class:
            volume["storageClass"] = options.storage_class
        postgresql: Object = {"version": str(options.version)}
        if options.parameters:
            postgresql["parameters"] = {key: _setting(value) for key, value in options.parameters.items()}
        spec: Object = {
            "teamId": options.name.partition("-")[0],
            "numberOfInstances": options.instances,
            "volume": volume,
            "users": {item.owner: list(options.owner_flags) for item in options.databases},
            "databases": {item.name: item.owner for item in options.databases},
            "postgresql": postgresql,
            # failsafe_mode: an outage of the Kubernetes API must not demote a healthy primary.
            "patroni": {"initdb": dict(_INITDB), "failsafe_mode": True, **_SYNCHRONOUS[options.synchronous]},
        }
        if self._tls_secret():
            # The Secret's files are readable for the group of the database's process, which Spilo gives this number.
            spec |= {"tls": {"secretName": self._tls_secret()}, "spiloFSGroup": 103}
        if options.resources:
            spec["resources"] = merged({}, options.resources)
        if not options.require_tls:
            # Spilo's pg_hba rejects every host connection without TLS unless this is set.
            spec["env"] = [{"name": "ALLOW_NOSSL", "value": "true"}]
        return spec

    def _tls_secret(self) -> str:
        given = self.options.tls_secret
        return f"{self.options.name}-tls" if given is None else given

    def certificate(self) -> CertificateSpec | None:
        if self.options.tls_secret is not None:
            return None
        name, namespace = self.options.name, self.options.namespace
        services = (name, f"{name}-repl")
        suffixes = ("", f".{namespace}", f".{namespace}.svc", f".{namespace}.svc.cluster.local")
        return CertificateSpec(
            secret=self._tls_secret(),
            authority=f"{name}-authority",
            namespace=namespace,
            dns_names=tuple(service + suffix for service in services for suffix in suffixes),
            labels=dict(pair.split("=") for pair in self.pod_selector().split(",")),
        )

    def ca(self) -> tuple[str, str] | None:
        return (self._tls_secret(), "ca.crt") if self._tls_secret() else None

    def refs_for_judgement(self) -> list[Ref]:
        name, namespace = self.options.name, self.options.namespace
        return [
            Ref("cluster", API_VERSION, KIND, namespace, name=name),
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

    def owners(self) -> list[str]:
        """Every database owner once, in the order given."""
        return list(dict.fromkeys(item.owner for item in self.options.databases))

    def pod_selector(self) -> str:
        return f"application=spilo,cluster-name={self.options.name}"

    def credential_secret(self, owner: str) -> str:
        return f"{owner.replace('_', '-')}.{self.options.name}.credentials.postgresql.acid.zalan.do"

    def endpoint(self) -> Host:
        return Host(f"{self.options.name}.{self.options.namespace}", PORT)

    def reduced_to_first(self, live: Object, pods: t.Sequence[Object]) -> Object | None:
        if int(live["spec"].get("numberOfInstances") or 1) == 1 or not first_serves(self.options.name, pods):
            return None
        metadata = {
            key: live["metadata"][key]
            for key in ("name", "namespace", "labels", "annotations")
            if key in live["metadata"]
        }
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": metadata,
            "spec": {**live["spec"], "numberOfInstances": 1},
        }

    def first_leads_alone(self, pods: t.Sequence[Object]) -> Verdict:
        return first_leads_alone(self.options.name, pods)

    def refuse_change(self, live: Object | None) -> None:
        if live is None:
            return
        old, new = live.get("spec", {}), self.desired()[0]["spec"]
        _refuse_shrink(old, new)
        _refuse_downgrade(old, new)
        if new.get("numberOfInstances") == 0:
            raise InvalidInput("numberOfInstances 0 would stop the database", "Remove it with state: absent instead.")
        if old.get("teamId", new.get("teamId")) != new.get("teamId"):
            raise InvalidInput(
                f"The teamId of a live cluster cannot change from {old['teamId']} to {new.get('teamId')}",
                f"Set spec: {{teamId: {old['teamId']}}}.",
            )


def _setting(value: object) -> str:
    """A PostgreSQL setting as the text that the resource wants; YAML's booleans are PostgreSQL's on and off."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _refuse_shrink(old: Object, new: Object) -> None:
    before, after = ((spec.get("volume") or {}).get("size") for spec in (old, new))
    if before and after and quantity(after) < quantity(before):
        raise InvalidInput(
            f"The volume cannot shrink from {before} to {after}; the operator would only log a warning",
            f"Keep volume_size at {before} or more, or make a new cluster.",
        )


def _refuse_downgrade(old: Object, new: Object) -> None:
    before, after = ((spec.get("postgresql") or {}).get("version") for spec in (old, new))
    if before and after and int(after) < int(before):
        raise InvalidInput(
            f"PostgreSQL cannot go back from major version {before} to {after}; the operator would ignore it",
            f"Set version to {before} or newer.",
        )
