# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a datastore provider has to offer, and what a user may ask of one. Pure: plain values in, plain values out."""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import Risk
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Host
    from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict


@dataclass(frozen=True)
class DatabaseSpec:
    """One database and the role that owns it; the role gets its own credential Secret."""

    name: str
    owner: str


@dataclass(frozen=True)
class CertificateSpec:
    """The servers' certificate: names of its Secret and of its authority's, their namespace, and the names to serve."""

    secret: str
    authority: str
    namespace: str
    dns_names: tuple[str, ...]
    labels: t.Mapping[str, str] = field(default_factory=dict)
    client: bool = False
    """Whether the servers show it to each other as clients do, too."""


@dataclass(frozen=True, kw_only=True)
class DatastoreOptions:
    """What a user may ask of a database cluster; the defaults are highly available and safe."""

    name: str
    namespace: str
    databases: t.Sequence[DatabaseSpec] = ()
    instances: int = 2
    version: str = "15"
    """PostgreSQL major version. The default is that of k0smotron's guide; every supported operator has it."""
    image: str | None = None
    """Image of the instances, for a mirror; None takes the operator's own for ``version``."""
    volume_size: str = "10Gi"
    storage_class: str | None = None
    synchronous: str = "on"
    """``on``: commits wait for a standby while there is one. ``strict``: they wait for one. ``off``: never."""
    require_tls: bool = True
    tls_secret: str | None = None
    """Secret with the servers' certificate (tls.crt, tls.key, ca.crt) that somebody else keeps. None: one that is made
    here. Empty: the operator sees to it; Zalando's lets each server sign for itself."""
    parameters: t.Mapping[str, t.Any] = field(default_factory=dict)
    resources: t.Mapping[str, t.Any] = field(default_factory=dict)
    owner_flags: t.Sequence[str] = ()
    """Role attributes for every owner, such as ``superuser``; kine needs none."""
    labels: t.Mapping[str, str] = field(default_factory=dict)
    annotations: t.Mapping[str, str] = field(default_factory=dict)
    spec: t.Mapping[str, t.Any] = field(default_factory=dict)
    """Merged over the spec we build, last; a null removes a field."""


@dataclass(frozen=True)
class Ref:
    """Objects to fetch for :meth:`Datastore.judge`, by name or label selector; ``key`` names them in ``observed``."""

    key: str
    api_version: str
    kind: str
    namespace: str
    name: str | None = None
    label_selector: str | None = None


@dataclass(frozen=True)
class Question:
    """A command to run in a pod for :meth:`Datastore.judge`. What it says is ``output``, why it fails is ``problem``."""

    key: str
    pod: str
    container: str
    command: tuple[str, ...]


class Statement(t.NamedTuple):
    """One SQL statement, with ``values`` in the place of its %s."""

    text: str
    values: tuple[str, ...] = ()


class Datastore(ABC):
    """A database cluster as one operator understands it."""

    provider: t.ClassVar[str]
    scheme: t.ClassVar[str]
    """Of its DSNs: postgres or mysql."""
    api_version: t.ClassVar[str]
    kind: t.ClassVar[str]
    """Of the custom resource that stands for the database cluster."""
    defaults: t.ClassVar[t.Mapping[str, t.Any]] = {}
    """Options for which this operator has another default than :class:`DatastoreOptions`."""

    def __init__(self, options: DatastoreOptions) -> None:
        self.options = options

    @abstractmethod
    def validate(self) -> None:
        """Raise InvalidInput for options that the operator would refuse, ignore or half obey."""

    @abstractmethod
    def desired(self) -> list[Object]:
        """The objects to apply; the first is the database cluster itself."""

    def own_secrets(self) -> list[Object]:
        """Credential Secrets that the operator wants to be given, still without their passwords.

        Whoever applies them keeps the password of one that exists, and makes one up for one that does not.
        """
        return []

    def statements(self, passwords: t.Mapping[str, str]) -> list[Statement]:
        """What makes the databases and their owners where the operator does not. ``passwords``: of each owner.

        They are run as :meth:`administrator`, and change nothing that is as it should be.
        """
        return []

    def administrator(self) -> str:
        """Name of the Secret with the account that runs the statements, among the own_secrets(); "" without any."""
        return ""

    def as_administrator(self, pod: str, sql: str) -> Question:
        """Statements, run by the server's administrator in the pod that leads. Raises InvalidInput where that is not known."""
        raise InvalidInput(
            f"How to administer a database of {self.provider} is not known here",
            "Change the owner's password with the operator's own means, and run the role control_plane.",
        )

    @abstractmethod
    def refs_for_judgement(self) -> list[Ref]:
        """What :meth:`judge` wants to see."""

    def questions(self, observed: t.Mapping[str, t.Sequence[Object]]) -> list[Question]:
        """What :meth:`judge` wants the servers themselves to say, after the objects that were found."""
        return []

    @abstractmethod
    def judge(self, observed: t.Mapping[str, t.Sequence[Object]]) -> Verdict:
        """Is the database cluster really up. ``observed`` maps each Ref's and Question's key to what was found.

        Details: ``status`` (the operator's word), ``instances`` {wanted, ready}, ``leader`` {pod, node} or None,
        ``sync_standby`` {pod, node} or None, ``mode`` (on, strict, off), ``secrets`` {owner: found}.
        """

    def durability_questions(self, observed: t.Mapping[str, t.Sequence[Object]]) -> list[Question]:
        """What :meth:`risks` wants the servers themselves to say."""
        return self.questions(observed)

    @abstractmethod
    def risks(self, observed: t.Mapping[str, t.Sequence[Object]]) -> list[Risk]:
        """What would lose acknowledged writes. ``observed``: as for :meth:`judge`, of a cluster that exists, and ``nodes``."""

    @abstractmethod
    def credential_secret(self, owner: str) -> str:
        """Name of the Secret with the keys ``username`` and ``password`` of a role, in the datastore's namespace."""

    @abstractmethod
    def pod_selector(self) -> str:
        """Label selector of the database's pods."""

    @abstractmethod
    def endpoint(self) -> Host:
        """Where the writable primary answers, by its name inside the Kubernetes cluster."""

    def dsn_params(self) -> t.Mapping[str, str]:
        """Parameters without which kine would not follow a failover of this database."""
        return {}

    def certificate(self) -> CertificateSpec | None:
        """The servers' certificate that is to be made here; None where the operator or somebody else makes it."""
        return None

    def ca(self) -> tuple[str, str] | None:
        """(Secret name, key) of the authority that signs the server's certificate, in the datastore's namespace.

        None where each server signs for itself, so that nothing can be verified.
        """
        return None

    @abstractmethod
    def refuse_change(self, live: Object | None) -> None:
        """Raise InvalidInput where the step from ``live`` (the applied database cluster) would lose or break data."""

    @classmethod
    @abstractmethod
    def behind(cls, service: str) -> str | None:
        """Name of the custom resource whose primary a Service of this name would lead to; None when it cannot be one."""

    @classmethod
    def leads_to_primary(cls, service: str, live: Object) -> bool:
        """Whether the Service does so for the live custom resource that :meth:`behind` named."""
        return True

    @staticmethod
    @abstractmethod
    def requires_tls(live: Object) -> bool | None:
        """Whether a live database cluster refuses connections without TLS; None when nobody knows."""

    @classmethod
    def refs_to_know(cls, live: Object) -> list[Ref]:
        """What :meth:`options_from` wants to see beside the custom resource."""
        return []

    @classmethod
    @abstractmethod
    def options_from(cls, live: Object, observed: t.Mapping[str, t.Sequence[Object]]) -> DatastoreOptions:
        """The options that would declare a live database cluster, as far as its judgement needs them."""

    def owners(self) -> list[str]:
        """Every database owner once, in the order given."""
        return list(dict.fromkeys(item.owner for item in self.options.databases))

    def labels(self) -> dict[str, str]:
        """Of what belongs to the database cluster, and is found like its pods."""
        return dict(pair.split("=") for pair in self.pod_selector().split(","))

    def metadata(self) -> Object:
        """Of the custom resource."""
        options = self.options
        given = (("labels", options.labels), ("annotations", options.annotations))
        return {
            "name": options.name,
            "namespace": options.namespace,
            **{key: dict(value) for key, value in given if value},
        }

    def owner_of(self, database: str) -> str:
        """The role that owns ``database``; raises InvalidInput for a database that was not asked for."""
        for item in self.options.databases:
            if item.name == database:
                return item.owner
        known = ", ".join(item.name for item in self.options.databases) or "none"
        raise InvalidInput(
            f"The datastore {self.options.name} has no database {database}",
            f"Name one of its databases ({known}), or add {database} to them.",
        )
