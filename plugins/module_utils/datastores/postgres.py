# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the PostgreSQL operators have in common: options that none of them can obey, and changes that lose data. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import Question
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.certified import Certified
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.names import check_cluster_name
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.parameters import check_values, given
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.postgres_names import check_databases, check_flags
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.psql import superuser_psql
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import quantity, require_dns_label

PORT = 5432
CONTAINER = "postgres"
"""Of an instance's pod, in which the superuser needs no password."""
VERSIONS = ("13", "14", "15", "16", "17", "18")
"""Majors that some supported operator knows; the operator's own schema or webhook has the last word."""
CONNECT_PARAMS = {"connect_timeout": "2", "target_session_attrs": "read-write"}
"""What kine's driver has to be told of every PostgreSQL, for the moments in which the primary changes.

Most connections are opened in one goroutine (database/sql's connectionOpener), and pgx waits without a limit for a server that
accepts a connection and says nothing, as one that hangs does: then the whole pool waits as long as that server hangs, whoever
is primary by then. Seen in a dump of kine 0.16's goroutines. In seconds, and 2 is the least that libpq, by which kine_check
connects, knows.

Patroni leads clients to a standby with the lock, before it has replayed everything and is promoted: who connects then may read
what was before an acknowledged write. Seen in the log of a standby that took over, and as reads of the past in drills.
"""
STRICT_INSTANCES = 3
SYNCHRONOUS = ("on", "strict", "off")


class Postgres(Certified):
    """A PostgreSQL cluster by any operator."""

    scheme = "postgres"
    name_limit: t.ClassVar[int]
    own_roles: t.ClassVar[t.Sequence[str]]
    """Roles that the operator keeps for itself."""
    services: t.ClassVar[t.Sequence[str]]
    """What its Services' names add to the database cluster's."""
    secret_labels: t.ClassVar[t.Mapping[str, str]] = {}
    """What the operator wants to see on Secrets that it is given."""
    tls_field: t.ClassVar[str]
    """Of the custom resource's spec, for the servers' certificate."""

    def validate(self) -> None:
        options = self.options
        check_cluster_name(options.name, self.name_limit)
        require_dns_label("The namespace", options.namespace)
        check_databases(options.databases, self.own_roles)
        check_flags(options.owner_flags)
        check_values(options.parameters)
        if options.instances < 1:
            raise InvalidInput(f"instances is {options.instances}", "Ask for at least 1, and 2 for high availability.")
        if options.synchronous not in SYNCHRONOUS:
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
        if self.tls_field in options.spec:
            raise InvalidInput(
                f"spec.{self.tls_field} would not be known to those who verify the servers", "Use tls_secret instead."
            )
        if self.tls_secret():
            require_dns_label("tls_secret", self.tls_secret())  # the operators make a volume's name of it
        if quantity(options.volume_size) <= 0:
            raise InvalidInput("volume_size is zero", "Ask for some room, such as 10Gi.")

    def dsn_params(self) -> t.Mapping[str, str]:
        return CONNECT_PARAMS

    def dns_names(self) -> tuple[str, ...]:
        return tuple(name for service in self.services for name in self.names_of(f"{self.options.name}{service}"))

    def as_administrator(self, pod: str, sql: str) -> Question:
        return Question("administrator", pod, CONTAINER, superuser_psql(sql))

    def labels(self) -> dict[str, str]:
        return {**super().labels(), **self.secret_labels}

    def settings(self) -> dict[str, str]:
        """The server's parameters as the text that both custom resources want, without those that are null."""
        return {key: _setting(value) for key, value in given(self.options.parameters).items()}


def _setting(value: object) -> str:
    """YAML's booleans are PostgreSQL's on and off."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
