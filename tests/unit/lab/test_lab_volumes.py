# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the volume provisioner decides to do."""

from __future__ import annotations

import typing as t
from pathlib import Path

from tests.lab import volumes


def claim(
    uid: str, *, wants: str = "1Gi", has: str = "", name: str = "data", storage_class: str = volumes.CLASS
) -> dict[str, t.Any]:
    """A PersistentVolumeClaim as the API server shows it; bound when it ``has`` a capacity."""
    spec: dict[str, t.Any] = {
        "storageClassName": storage_class,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": wants}},
    }
    status = {"phase": "Pending"}
    if has:
        spec["volumeName"] = f"pvc-{uid}"
        return _claim(name, uid, spec, {"phase": "Bound", "capacity": {"storage": has}})
    return _claim(name, uid, spec, status)


def _claim(name: str, uid: str, spec: dict[str, t.Any], status: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"metadata": {"name": name, "namespace": "default", "uid": uid}, "spec": spec, "status": status}


def test_a_new_claim_gets_a_volume_of_its_own_once() -> None:
    new = claim("1")
    made = volumes.volume(new, Path("/volumes/pvc-1"))
    assert volumes.plan([new], []) == ([new], [], [])
    assert volumes.plan([new], [made]) == ([], [], [])  # made, not bound yet
    assert made["spec"]["claimRef"]["uid"] == "1"
    assert made["spec"]["capacity"] == {"storage": "1Gi"}


def test_a_bound_claim_that_asks_for_more_grows() -> None:
    bound, growing = claim("1", has="1Gi"), claim("2", wants="3Gi", has="1Gi")
    made = [volumes.volume(each, Path("/v")) for each in (bound, growing)]
    assert volumes.plan([bound, growing], made) == ([], [growing], [])


def test_the_volume_of_a_deleted_claim_goes_even_when_its_name_is_taken_again() -> None:
    old, again = claim("1", has="1Gi"), claim("2")
    made = volumes.volume(old, Path("/v"))
    assert volumes.plan([again], [made]) == ([again], [], [made])


def test_other_classes_are_none_of_our_business() -> None:
    other = claim("1", storage_class="other")
    foreign = volumes.volume(claim("2"), Path("/v")) | {"spec": {"storageClassName": "other"}}
    assert volumes.plan([other], [foreign]) == ([], [], [])


def test_one_default_class_that_lets_claims_grow() -> None:
    made = volumes.storage_class()
    assert made["allowVolumeExpansion"] is True
    assert made["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
