# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What mariadb-operator would refuse, ignore or half obey, and what kine cannot live with. Pure.

Facts are from mariadb-operator v0.38.1: seen where it is said, else its source.
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import mariadb_names, mariadb_settings
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb_image import (
    VERSIONS,
    check_image,
    release_of,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb_judge import replicated
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.names import check_cluster_name
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.parameters import check_values
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.refusals import refuse_downgrade, refuse_shrink
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import (
    STATEFUL_SET_NAME_LIMIT,
    Object,
    quantity,
    require_dns_label,
)

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import DatastoreOptions


def check_options(options: DatastoreOptions) -> None:
    """Raise InvalidInput for the first option that would not do."""
    check_cluster_name(options.name, STATEFUL_SET_NAME_LIMIT)
    require_dns_label("The namespace", options.namespace)
    mariadb_names.check_databases(options.databases)
    mariadb_settings.check(options.parameters)
    check_values(options.parameters)
    _check_instances(options)
    _check_synchronous(options)
    _check_version(options)
    _check_spec(options.spec)
    if options.owner_flags:
        raise InvalidInput("MariaDB has no owner_flags", "Leave them out: owners may do everything in their database.")
    if options.tls_secret:
        raise InvalidInput(
            "tls_secret is not for mariadb: its operator keeps an authority and renews the certificates",
            "Leave it out, or name your own under spec: {tls: {serverCASecretRef, serverCertSecretRef}}.",
        )
    if quantity(options.volume_size) <= 0:
        raise InvalidInput("volume_size is zero", "Ask for some room, such as 10Gi.")


def _check_instances(options: DatastoreOptions) -> None:
    instances = options.instances
    if instances < 1:
        raise InvalidInput(f"instances is {instances}", "Ask for at least 1, and 3 for high availability.")
    if instances % 2 == 0 and not options.spec.get("replicasAllowEvenNumber"):
        raise InvalidInput(
            f"mariadb-operator refuses an even number of instances, such as {instances}",
            f"Ask for {instances + 1}, or give spec: {{replicasAllowEvenNumber: true}}; with 2, a primary whose only replica"
            " is down goes on alone.",
        )


def _check_synchronous(options: DatastoreOptions) -> None:
    if options.synchronous == "strict":
        raise InvalidInput(
            "mariadb-operator has no strict synchronous replication: a primary without replicas goes on alone after 10 s",
            "Use synchronous: on, or a PostgreSQL operator.",
        )
    if options.synchronous == "off" and options.instances > 1:
        raise InvalidInput(
            "mariadb-operator always replicates semi-synchronously", "Use synchronous: on, or a single instance."
        )
    if options.synchronous not in ("on", "off"):
        raise InvalidInput(f"synchronous is {options.synchronous!r}", "Use on.")


def _check_version(options: DatastoreOptions) -> None:
    version = str(options.version)
    if version not in VERSIONS:
        raise InvalidInput(
            f"MariaDB {version} is no long-term release that the operator knows", f"Use one of {', '.join(VERSIONS)}."
        )
    if options.image:
        check_image(options.image, version)


def _check_spec(spec: t.Mapping[str, t.Any]) -> None:
    """Raise InvalidInput for what spec, merged last, would break."""
    replication = spec.get("replication") or {}
    if "podIndex" in (replication.get("primary") or {}):
        raise InvalidInput(
            "spec.replication.primary.podIndex is where the operator writes who leads: each run would undo a failover",
            "Leave it out. For a switchover, patch the live MariaDB once.",
        )
    if replication.get("probesEnabled"):
        raise InvalidInput(
            "spec.replication.probesEnabled makes the operator kill healthy replicas again and again (seen with v0.38.1)",
            "Leave it out.",
        )
    if "myCnf" in spec:
        raise InvalidInput("spec.myCnf would replace the settings that kine needs", "Use parameters.")
    if (spec.get("galera") or {}).get("enabled"):
        raise InvalidInput(
            "kine does not support Galera: with several primaries its revisions are not in order",
            "Leave spec.galera out; replication is the default.",
        )
    if (spec.get("tls") or {}).get("enabled") is False:
        raise InvalidInput(
            "Without spec.tls.enabled there is no certificate to verify", "Use require_tls: false to allow plaintext."
        )


def check_change(live: Object, wanted: Object) -> None:
    """Raise InvalidInput where the step from a live MariaDB to the wanted spec would lose or break something."""
    old = live.get("spec") or {}
    if old.get("suspend") and not wanted.get("suspend"):
        raise InvalidInput(
            "The operator was told to leave this MariaDB alone (spec.suspend)", "Take spec.suspend away, and run again."
        )
    if (old.get("galera") or {}).get("enabled"):
        raise InvalidInput("This MariaDB is a Galera cluster, which kine does not support", "Make a new one.")
    refuse_shrink(*((spec.get("storage") or {}).get("size") for spec in (old, wanted)))
    refuse_downgrade("MariaDB", *(release_of(spec.get("image") or "") for spec in (old, wanted)))
    _refuse_scaling(live, int(old.get("replicas") or 1), int(wanted.get("replicas") or 1))


def _refuse_scaling(live: Object, before: int, after: int) -> None:
    """The operator gives a new instance nothing of what the others have, and calls it ready (seen)."""
    if after > before:
        raise InvalidInput(
            f"mariadb-operator copies no data to new instances, so {before} cannot become {after}: the new ones would be"
            " ready, empty, and might be promoted",
            f"Keep {before}, or make a new MariaDB and move the data.",
        )
    if after < before and after == 1 and replicated(live["spec"]):
        raise InvalidInput(
            "The operator refuses to end replication on a live MariaDB", "Keep 3 instances, or make a new MariaDB."
        )
    primary = (live.get("status") or {}).get("currentPrimaryPodIndex") or 0
    if primary >= after:
        raise InvalidInput(
            f"Instance {primary} is the primary, and would be taken away",
            "Move the primary to instance 0 first (spec.replication.primary.podIndex of the live MariaDB).",
        )
