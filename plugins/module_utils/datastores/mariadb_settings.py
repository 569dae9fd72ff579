# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's settings: what kine needs, what the operator keeps to itself, and the file that says it. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import my_cnf as file
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.my_cnf import Settings, canonical
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

MAX_USER_CONNECTIONS = 150
"""Of an owner for each of its databases, on all replicas of a control plane together: five times the pool of one kine (see
plan.py). The operator's own default is 10, and kine keeps 10 to 20 idle on each replica."""

_ALWAYS: Settings = {
    "bind_address": "*",
    "innodb_autoinc_lock_mode": 2,
    "innodb_flush_log_at_trx_commit": 1,
    "max_allowed_packet": "64M",
    "max_connections": 300,
}
_REPLICATED: Settings = {
    "binlog_format": "row",
    # MariaDB keeps binary logs for ever; kine writes without end. An instance that is away for longer cannot come back.
    "binlog_expire_logs_seconds": 86400,
    # A server that restarts stays closed until the operator has made it the primary again.
    "read_only": 1,
}
_REFUSED: t.Mapping[str, str] = {
    **dict.fromkeys(
        ("read_only", "server_id", "sync_binlog", "log_bin", "log_basename", "log_slave_updates", "gtid_domain_id"),
        "the operator sets it while the servers run, for replication",
    ),
    **dict.fromkeys(
        ("auto_increment_increment", "auto_increment_offset"), "kine fills each number that is left out with a row"
    ),
    **dict.fromkeys(
        ("require_secure_transport", "ssl_ca", "ssl_cert", "ssl_key", "tls_version"),
        "the operator sets it; use require_tls or spec.tls",
    ),
    **dict.fromkeys(("wsrep_on", "wsrep_provider"), "kine does not support Galera, which has several primaries"),
}
_REFUSED_FAMILY = "rpl_semi_sync_"


def check(parameters: Settings) -> None:
    """Raise InvalidInput for a parameter that would break replication, or that kine cannot live with."""
    for name in map(canonical, parameters):
        reason = _REFUSED.get(name)
        if name.startswith(_REFUSED_FAMILY):
            reason = "the operator reads it to tell the primary from the replicas (v0.38.1)"
        if reason:
            raise InvalidInput(f"The parameter {name} cannot be set: {reason}", "Leave it out.")


def my_cnf(parameters: Settings, *, replicated: bool) -> str:
    """The file, with the user's parameters over ours."""
    ours = {**_ALWAYS, **(_REPLICATED if replicated else {})}
    return file.my_cnf("mariadb", ours, parameters)
