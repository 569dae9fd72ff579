# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the volume provisioner decides to do."""

from __future__ import annotations

import typing as t

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
    made = volumes.volume(new, "/volumes/pvc-1")
    assert volumes.plan([new], []) == ([new], [], [])
    assert volumes.plan([new], [made]) == ([], [], [])  # made, not bound yet
    assert made["spec"]["claimRef"]["uid"] == "1"
    assert made["spec"]["capacity"] == {"storage": "1Gi"}


def test_a_bound_claim_that_asks_for_more_grows() -> None:
    bound, growing = claim("1", has="1Gi"), claim("2", wants="3Gi", has="1Gi")
    made = [volumes.volume(each, "/v") for each in (bound, growing)]
    assert volumes.plan([bound, growing], made) == ([], [growing], [])


def test_the_volume_of_a_deleted_claim_goes_even_when_its_name_is_taken_again() -> None:
    old, again = claim("1", has="1Gi"), claim("2")
    made = volumes.volume(old, "/v")
    assert volumes.plan([again], [made]) == ([again], [], [made])


def test_other_classes_are_none_of_our_business() -> None:
    other = claim("1", storage_class="other")
    foreign = volumes.volume(claim("2"), "/v") | {"spec": {"storageClassName": "other"}}
    assert volumes.plan([other], [foreign]) == ([], [], [])


def test_one_default_class_that_lets_claims_grow() -> None:
    default, disk = volumes.storage_classes()
    assert default["allowVolumeExpansion"] is True
    assert default["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
    assert "annotations" not in disk["metadata"]
    assert disk["allowVolumeExpansion"] is False


def test_a_disk_is_mounted_by_kubelet_and_never_grows() -> None:
    disk = claim("1", has="1Gi", wants="2Gi", storage_class=volumes.DISK_CLASS)
    made = volumes.volume(disk, "/dev/loop7")
    assert made["spec"]["local"] == {"path": "/dev/loop7", "fsType": "ext4"}
    assert made["spec"]["storageClassName"] == volumes.DISK_CLASS
    assert volumes.plan([disk], [made]) == ([], [], [])
    assert volumes.plan([], [made]) == ([], [], [made])


def test_disks_come_after_folders_because_they_may_fail() -> None:
    disk, folder = claim("1", storage_class=volumes.DISK_CLASS), claim("2")
    assert volumes.plan([disk, folder], []).create == [folder, disk]
