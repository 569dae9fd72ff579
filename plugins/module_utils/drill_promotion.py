# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned switchover by the database's operator: it is told which instance shall lead, and moves the role itself."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.drill.faults import Promote
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object


class _Wish(t.NamedTuple):
    """Of which kind the database is, and the part of it that says who shall lead."""

    api_version: str
    kind: str
    part: Object
    subresource: str = ""


def promote(kube: Kube, action: Promote, *, dry_run: bool = False) -> None:
    """Ask for it. Returns before it is done: until then the database is not up by its own judgement."""
    wish = _WISHES[action.provider](action.instance.name)
    ref = Ref(wish.api_version, wish.kind, action.database, action.instance.namespace)
    kube.merge(ref, wish.part, subresource=wish.subresource, dry_run=dry_run)


def _cloudnativepg(instance: str) -> _Wish:
    """What the operator's own kubectl plugin writes (``cnpg promote``; its source, v1.28.0)."""
    status = {
        "targetPrimary": instance,
        "targetPrimaryTimestamp": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "phase": "Switchover in progress",
        "phaseReason": f"Switching over to {instance}",
    }
    return _Wish("postgresql.cnpg.io/v1", "Cluster", {"status": status}, "status")


def _mariadb(instance: str) -> _Wish:
    """The field in which the operator writes who leads after a failover, too (v0.38.1)."""
    number = int(instance.rpartition("-")[2])
    return _Wish("k8s.mariadb.com/v1alpha1", "MariaDB", {"spec": {"replication": {"primary": {"podIndex": number}}}})


_WISHES: t.Mapping[str, t.Callable[[str], _Wish]] = {"cloudnativepg": _cloudnativepg, "mariadb": _mariadb}
