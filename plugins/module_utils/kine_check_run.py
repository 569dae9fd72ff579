# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module kine_check does: finds the DSN, examines its database, and says what came of it."""

from __future__ import annotations

import base64
import binascii
import typing as t
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import postgres
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examine import examine
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Report

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

POOL_KEY = "KINE_KINE_DATASTORE_MAX_OPEN_CONNECTIONS"


@dataclass(frozen=True, repr=False)
class Source:
    """A DSN, the connection limit that goes with it (0: none), and the namespace of the control plane if known."""

    url: str
    max_open: int = 0
    namespace: str = ""


def check(module: AnsibleModule, cluster: t.Callable[[], Kube]) -> dict[str, t.Any]:
    """Examine the database and return the module's result; the module fails when the findings ask for it."""
    params = module.params
    source = _source(params, cluster, module.check_mode)
    if source is None:
        secret = params["secret"]
        words = f"The Secret {secret['namespace']}/{secret['name']} does not exist yet, so there is nothing to check."
        return {"changed": False, "msg": words, **Report().as_dict()}
    report = _examine(source, params, cluster)
    if report.failed(params["fail_on"]):
        module.fail_json(msg=report.text(), changed=False, **report.as_dict())
    return {"changed": False, "msg": report.text(), **report.as_dict()}


def _examine(source: Source, params: t.Mapping[str, t.Any], cluster: t.Callable[[], Kube]) -> Report:
    deadline = Deadline(params["timeout"])
    reacher = Reacher(params["reach"], cluster, source.namespace)
    limit = params["max_open_connections"]
    plan = Plan(
        control_planes=params["control_planes"],
        replicas=params["replicas"],
        max_open=source.max_open if limit is None else limit,
        samples=params["samples"],
    )
    return examine(source.url, lambda dsn: postgres.connect(dsn, deadline, reacher, params["tls_files"]), plan)


def _source(params: t.Mapping[str, t.Any], cluster: t.Callable[[], Kube], check_mode: bool) -> Source | None:
    """Return where the DSN comes from; None for a Secret that a run before this one would have made."""
    if params["url"] is not None:
        return Source(params["url"])
    name, namespace = params["secret"]["name"], params["secret"]["namespace"]
    secret = cluster().get("v1", "Secret", name, namespace)
    if secret is None and check_mode:
        return None
    if secret is None:
        raise NotFound(
            f"There is no Secret {name} in namespace {namespace}",
            "Create it with k0smotron.ha.datasource_secret; it must be in the namespace of the control plane.",
        )
    return read_secret(secret.get("data") or {}, name, namespace)


def read_secret(data: t.Mapping[str, str], name: str, namespace: str) -> Source:
    """Read the DSN and kine's connection limit from the data of a Secret. Raises InvalidInput."""
    texts = {key: _decoded(data[key], key, name) for key in (DATA_SOURCE_KEY, POOL_KEY) if key in data}
    if not texts.get(DATA_SOURCE_KEY):
        raise InvalidInput(
            f"The Secret {namespace}/{name} has no key {DATA_SOURCE_KEY}",
            "k0smotron reads the DSN from this key only.",
        )
    limit = texts.get(POOL_KEY, "0")
    if not limit.isdecimal():
        raise InvalidInput(
            f"{POOL_KEY} in the Secret {namespace}/{name} is not a number", "kine would not start with it."
        )
    return Source(texts[DATA_SOURCE_KEY], int(limit), namespace)


def _decoded(value: str, key: str, name: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidInput(f"{key} in the Secret {name} is not UTF-8 text", "Write it again.") from None
