# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MySQL's settings under Oracle's operator: what kine needs, what group replication keeps to itself. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import my_cnf as file
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.my_cnf import Settings, canonical
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

_OURS: Settings = {
    "max_allowed_packet": "64M",
    # Ten control planes of three replicas, with the pool that plan.py gives each, and room for routers and operator.
    "max_connections": 300,
    # MySQL keeps them for 30 days, and kine never stops writing. A member that was away for longer is cloned
    # (cluster_controller.py: add_instance with clone where incremental recovery fails).
    "binlog_expire_logs_seconds": 86400,
    # A new primary applies what it has received before it answers. The default from 8.4.0 on (MySQL Shell 8.4 manual,
    # failover consistency); before, EVENTUAL. loose: the plugin is loaded later.
    "loose_group_replication_consistency": "BEFORE_ON_PRIMARY_FAILOVER",
}
_KEPT = ("log_bin", "gtid_mode", "enforce_gtid_consistency", "server_id", "report_host", "skip_replica_start")
_READ_ONLY = ("read_only", "super_read_only")
_TLS = ("require_secure_transport", "ssl_ca", "ssl_cert", "ssl_key", "tls_version")
_STEPS = ("auto_increment_increment", "auto_increment_offset")
_REFUSED: t.Mapping[str, str] = {
    **dict.fromkeys(_KEPT, "the operator sets it"),
    **dict.fromkeys(_READ_ONLY, "group replication sets it on each member"),
    **dict.fromkeys(_TLS, "use require_tls and tls_secret"),
    **dict.fromkeys(_STEPS, "kine fills each number that is left out with a row"),
    **dict.fromkeys(
        ("group_replication_single_primary_mode", "group_replication_enforce_update_everywhere_checks"),
        "kine does not support multi-primary mode: its revisions are ids that rise by one, and several primaries number in steps",
    ),
}


def check(parameters: Settings) -> None:
    """Raise InvalidInput for a parameter that the operator keeps to itself, or that kine cannot live with."""
    for name in map(canonical, parameters):
        reason = _REFUSED.get(name.removeprefix("loose_"))
        if reason:
            raise InvalidInput(f"The parameter {name} cannot be set: {reason}", "Leave it out.")


def my_cnf(parameters: Settings, *, require_tls: bool) -> str:
    """The file, with the user's parameters over ours."""
    ours = {**_OURS, "require_secure_transport": require_tls}
    return file.my_cnf("mysqld", ours, parameters)
