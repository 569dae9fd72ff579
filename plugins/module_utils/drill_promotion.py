# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned switchover by the database's operator: it is told which instance shall lead, and moves the role itself."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import PROVIDERS
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.mariadb_data import to_lead
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.faults import Promote
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object


class _Wish(t.NamedTuple):
    """A merge patch of the database that says who shall lead."""

    part: Object
    subresource: str = ""


def promote(kube: Kube, action: Promote, *, dry_run: bool = False) -> None:
    """Ask for it. Returns before it is done: until then the database is not up by its own judgement."""
    provider = PROVIDERS[action.provider]
    wish = _WISHES[action.provider](action.instance.name)
    ref = Ref(provider.api_version, provider.kind, action.database, action.instance.namespace)
    kube.merge(ref, wish.part, subresource=wish.subresource, dry_run=dry_run)


def _cloudnativepg(instance: str) -> _Wish:
    """What the operator's own kubectl plugin writes (``cnpg promote``; its source, v1.28.0)."""
    status = {
        "targetPrimary": instance,
        "targetPrimaryTimestamp": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "phase": "Switchover in progress",
        "phaseReason": f"Switching over to {instance}",
    }
    return _Wish({"status": status}, "status")


def _mariadb(instance: str) -> _Wish:
    """The field in which the operator writes who leads after a failover, too (v0.38.1)."""
    return _Wish(to_lead(int(instance.rpartition("-")[2])))


_WISHES: t.Mapping[str, t.Callable[[str], _Wish]] = {"cloudnativepg": _cloudnativepg, "mariadb": _mariadb}
