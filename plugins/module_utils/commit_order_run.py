# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module commit_order does: finds the DSN, looks at kine's table as kine's own role, and changes its trigger."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import commit_order
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
from ansible_collections.k0smotron.ha.plugins.module_utils.kine_check_sources import Source, sources, written

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

IN_ORDER = "Revisions become visible in their order"
IN_ANY = "Revisions may become visible in another order than theirs"


def act(module: AnsibleModule, cluster: t.Callable[[], Kube]) -> dict[str, t.Any]:
    """Put the trigger into the wanted state and return the module's result. Raises HaError."""
    params = module.params
    wanted = params["state"] == "present"
    [found] = sources([params], cluster, module.check_mode)
    if isinstance(found, HaError):
        raise found
    if found is None:  # in check mode: a run before this one would have written the Secret
        return _result(wanted, ordered=False, changed=wanted, statements=[])
    dsn = found.dsn()
    if dsn.scheme != "postgres":
        return {"changed": False, "ordered": False, "statements": [], "msg": "Nothing to do: this is for PostgreSQL"}
    seen, todo = _put(dsn, found, params, cluster, wanted=wanted, only_look=module.check_mode)
    return _result(wanted, ordered=seen.ordered, changed=bool(todo), statements=todo)


def _put(
    dsn: Dsn,
    source: Source,
    params: t.Mapping[str, t.Any],
    cluster: t.Callable[[], Kube],
    *,
    wanted: bool,
    only_look: bool,
) -> tuple[commit_order.Seen, list[str]]:
    # Only here: the driver is megabytes that other DSNs do without.
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres_connection import Connector

    with contextlib.ExitStack() as stack:
        files = stack.enter_context(written(source.files)) | params["tls_files"]
        route = stack.enter_context(Reacher(params["reach"], cluster, source.namespace).route(dsn))
        connector = stack.enter_context(contextlib.closing(Connector(dsn, route, Deadline(params["timeout"]), files)))
        connection = connector.open()
        rows = connector.rows(connection, commit_order.LOOK, commit_order.LOOK_FOR)
        if not rows:
            raise InvalidInput(
                f"The role {dsn.user} has no schema to create kine's table in",
                "GRANT USAGE, CREATE ON SCHEMA public TO the role, or make it the database's owner",
            )
        seen = commit_order.Seen(*rows[0])
        todo = commit_order.statements(seen, wanted=wanted)
        if todo and not only_look:
            connector.rows(connection, "; ".join(todo))  # one message, which is one transaction
    return seen, todo


def _result(wanted: bool, *, ordered: bool, changed: bool, statements: list[str]) -> dict[str, t.Any]:
    after = wanted if changed else ordered
    before_text, after_text = (IN_ORDER if is_so else IN_ANY for is_so in (ordered, after))
    return {
        "changed": changed,
        "ordered": after,
        "statements": statements,
        "msg": after_text,
        "diff": {"before": f"{before_text}\n", "after": f"{after_text}\n"},
    }
