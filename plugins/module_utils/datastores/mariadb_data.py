# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be known before a MariaDB goes: who has the newest data, which objects are its own, who cleans up. Pure.

A MariaDB that is created again under its name takes the volume claims that are there, and begins with instance 0 as the
primary: spec.replication.primary.podIndex is 0 by default (mariadb-operator v0.38.1).
"""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, conditions
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

CLAIM_LABEL = "pvc.k8s.mariadb.com/role"


def to_lead(instance: int) -> Object:
    """A merge patch: this instance shall be the primary."""
    return {"spec": {"replication": {"primary": {"podIndex": instance}}}}


FIRST_TO_LEAD = to_lead(0)


def asked_to_lead(live: Object) -> int:
    """Which instance shall be the primary; it may not be yet."""
    return int((((live.get("spec") or {}).get("replication") or {}).get("primary") or {}).get("podIndex") or 0)


def first_leads(live: Object) -> Verdict:
    """Is instance 0 the primary. A MariaDB that never had one has no data either."""
    status = live.get("status") or {}
    current = status.get("currentPrimaryPodIndex") or 0
    settled = asked_to_lead(live) == current == 0 and conditions(live).get("PrimarySwitched") != "False"
    return Verdict(
        settled, f"instance {current} is the primary, and the MariaDB would begin with instance 0 when it comes back"
    )


def is_ours(item: Object, name: str) -> bool:
    """Whether an object with the labels of the MariaDB ``name`` is really of it: charts of others use the same ones."""
    metadata = item["metadata"]
    if item["kind"] == "PersistentVolumeClaim":
        return CLAIM_LABEL in (metadata.get("labels") or {})
    if item["kind"] == "Secret":
        return str(metadata["name"]) == f"{name}-root" or str(metadata["name"]).endswith(f".{name}.credentials.mariadb")
    return True


def goes_with(item: Object, name: str, labels: t.Mapping[str, str]) -> bool:
    """Whether a Database, User or Grant goes when the MariaDB does: ours by these labels, the operator's, or on its way out."""
    metadata = item["metadata"]
    owners = {(owner["kind"], owner["name"]) for owner in metadata.get("ownerReferences") or []}
    ours = labels.items() <= (metadata.get("labels") or {}).items()
    return ours or ("MariaDB", name) in owners or "deletionTimestamp" in metadata
