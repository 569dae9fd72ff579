# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Oracle's MySQL operator would refuse, ignore or half obey, and what kine cannot live with. Pure.

Facts are from the source of mysql/mysql-operator 9.1.0-2.2.2.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    innodbcluster_names,
    innodbcluster_settings,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.names import check_cluster_name
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.parameters import check_values
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.refusals import refuse_downgrade
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, quantity, require_dns_label

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import DatastoreOptions

NAME_LIMIT = 28
"""cluster_api.py, MAX_CLUSTER_NAME_LEN."""
MOST_INSTANCES = 9
_VERSION = re.compile(r"\d+\.\d+\.\d+")

_INSTEAD: t.Mapping[str, str] = {
    "mycnf": "parameters",
    "secretName": "the Secret NAME-root",
    **dict.fromkeys(("tlsUseSelfSigned", "tlsSecretName", "tlsCASecretName"), "tls_secret"),
}
_READ_ONCE: t.Mapping[str, str] = {
    "mycnf": "parameters and require_tls",
    "podSpec": "resources and spec.podSpec",
    "datadirVolumeClaimTemplate": "volume_size and storage_class",
    "secretName": "spec.secretName",
}
"""What the operator never looks at again (operator_cluster.py, on_spec and spec_tld_handlers)."""


def check_options(options: DatastoreOptions) -> None:
    """Raise InvalidInput for the first option that would not do."""
    check_cluster_name(options.name, NAME_LIMIT)
    require_dns_label("The namespace", options.namespace)
    innodbcluster_names.check_databases(options.databases)
    innodbcluster_settings.check(options.parameters)
    check_values(options.parameters)
    _check_instances(options.instances)
    if not _VERSION.fullmatch(str(options.version)):
        raise InvalidInput(
            f"version {options.version} is not a whole MySQL version", "Give all three parts, such as 8.4.3."
        )
    if options.synchronous != "on":
        raise InvalidInput(
            f"synchronous is {options.synchronous!r}, and group replication knows one way: a majority has each write",
            "Use on.",
        )
    if options.image:
        raise InvalidInput(
            "The operator makes the image's name from a registry and the version",
            "Use spec: {imageRepository: ...} instead of image.",
        )
    if options.owner_flags:
        raise InvalidInput("MySQL has no owner_flags", "Leave them out: owners may do everything in their database.")
    if quantity(options.volume_size) <= 0:
        raise InvalidInput("volume_size is zero", "Ask for some room, such as 10Gi.")
    _check_spec(options.spec)


def _check_instances(instances: int) -> None:
    if not 1 <= instances <= MOST_INSTANCES or instances % 2 == 0:
        raise InvalidInput(
            f"instances is {instances}; group replication needs a majority, so an even number survives no more losses",
            f"Ask for 3, or another odd number up to {MOST_INSTANCES}.",
        )


def _check_spec(spec: t.Mapping[str, t.Any]) -> None:
    """Raise InvalidInput for what spec, merged last, would break."""
    for field, instead in _INSTEAD.items():
        if field in spec:
            raise InvalidInput(f"spec.{field} would replace what kine and its data source rely on", f"Use {instead}.")
    if (spec.get("service") or {}).get("defaultPort", "mysql-rw") != "mysql-rw":
        raise InvalidInput(
            "spec.service.defaultPort would lead kine to a secondary, or split its reads from its writes",
            "Leave it at mysql-rw.",
        )
    if (spec.get("router") or {}).get("instances", 1) < 1:
        raise InvalidInput("Without a router the Service leads nowhere", "Keep spec.router.instances at 1 or more.")


def check_change(live: Object, wanted: Object) -> None:
    """Raise InvalidInput where the operator would ignore the step from a live InnoDBCluster to the wanted spec."""
    old = live.get("spec") or {}
    refuse_downgrade("MySQL", *(_number(spec.get("version")) for spec in (old, wanted)))
    for field, options in _READ_ONCE.items():
        if field in old and old[field] != wanted.get(field):
            raise InvalidInput(
                f"Oracle's operator does not take up a change of spec.{field} on a live InnoDBCluster",
                f"Leave {options} as they were, or make a new one and move the data.",
            )


def _number(version: str | None) -> str | None:
    return version.partition("-")[0] if version else None
