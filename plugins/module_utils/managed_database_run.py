# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module managed_database_check does: the connection that kine is to get, tried by its administrator first."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import database_ca
from ansible_collections.k0smotron.ha.plugins.module_utils.datasource_secret_run import dsn_of
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn, accept, build, lint
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
from ansible_collections.k0smotron.ha.plugins.module_utils.managed.rules import (
    Server,
    Wanted,
    refuse,
    require_names,
    unused,
)

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

Params: t.TypeAlias = t.Mapping[str, t.Any]


def check(module: AnsibleModule, _cluster: t.Callable[[], t.Any]) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Raises HaError."""
    params = module.params
    owner = connection_of(params)
    administrator = dataclasses.replace(owner, **params["administrator"])
    drop = tuple(params["drop"])
    wanted = Wanted(owner.scheme, administrator.user, owner.user, owner.database, params["reset_password"], drop)
    require_names(wanted)
    server = _seen(administrator, owner, params["ca_file"] or "", params["timeout"], logs_in=not drop)
    refuse(server, wanted, foresees=module.check_mode)
    if module.check_mode and (refusal := unused(server, wanted)):
        module.warn(f"Unless this run removes the control plane first, it will fail: {refusal}")
    return {
        "changed": False,
        "owner_exists": server.owner_exists,
        "database_exists": server.database_exists,
        "set_password": not server.accepts_password,
        "grant_owner": not server.acts_as_owner,
        "max_connections": server.max_connections - max(server.reserved, params["reserved_connections"]),
    }


def connection_of(params: Params) -> Dsn:
    """The DSN that the control plane is going to have. Raises InvalidInput for one that kine could not use."""
    verifies = bool(params["ca_file"] and database_ca.read(params["ca_file"]))
    dsn = dsn_of(params["connection"], params["tls"], verifies=verifies)
    # Only what is refused matters here: datasource_secret is going to warn of the rest.
    accept(lint(build(dsn), ca_file=verifies))
    return dsn


def _seen(administrator: Dsn, owner: Dsn, ca_file: str, seconds: float, *, logs_in: bool) -> Server:
    deadline = Deadline(seconds)
    # Only here: each driver is megabytes that the other database does without.
    if owner.scheme == "mysql":
        from ansible_collections.k0smotron.ha.plugins.module_utils.managed.mysql import look
    else:
        from ansible_collections.k0smotron.ha.plugins.module_utils.managed.postgres import look
    with Reacher().route(owner) as route:
        try:
            return look(administrator, owner, route, deadline, ca_file, logs_in=logs_in)
        except Forbidden as error:
            said = f"The administrator {administrator.user} gets nowhere: {error.message}"
            raise Forbidden(
                said, "Correct the administrator's user and password, or what the server lets it do."
            ) from None
