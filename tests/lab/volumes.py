# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's volume provisioner: a folder on this machine for each claim of the class ``lab``, a disk for each of ``lab-disk``.

All nodes see all folders, so a pod may move to another node and find its volume, as with network storage. Volumes are
of type ``local``, since kubelet then gives them to the pod's fsGroup, which it does not for ``hostPath``. A claim that
asks for more gets it at once: nothing limits the size of a folder. A disk has the size that was asked for, for good, and is
for one node at a time.

Run as ``python3 -m tests.lab.volumes STATE_FOLDER``.
"""

from __future__ import annotations

import shutil
import sys
import time
import typing as t
from contextlib import suppress
from pathlib import Path

from . import addresses, disks
from .api import MERGE, Api, Conflict, Json, NotFound
from .errors import LabError
from .paths import State
from .pki import Pki

CLASS = "lab"
DISK_CLASS = "lab-disk"
PROVISIONER = "k0smotron-ha-lab/volumes"
CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
WATCH_SECONDS = 60
RETRY_SECONDS = 1


class Plan(t.NamedTuple):
    """What is to be done: claims without a volume, claims that ask for more than they have, volumes without a claim."""

    create: list[Json]
    grow: list[Json]
    remove: list[Json]


def storage_classes() -> list[Json]:
    """The default one first."""
    common = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
    }
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    return [
        {**common, "metadata": {"name": CLASS, "annotations": default}, "allowVolumeExpansion": True},
        {**common, "metadata": {"name": DISK_CLASS}, "allowVolumeExpansion": False},
    ]


def _class(item: Json) -> str:
    """The class of a claim or of a volume."""
    return str(item["spec"].get("storageClassName"))


def plan(claims: t.Iterable[Json], volumes: t.Iterable[Json]) -> Plan:
    """Compare all claims and volumes of the cluster; only those of our classes count. Folders come first, which never fail."""
    ours = sorted((claim for claim in claims if _class(claim) in (CLASS, DISK_CLASS)), key=_class)
    made = {volume["metadata"]["name"]: volume for volume in volumes if _class(volume) in (CLASS, DISK_CLASS)}
    living = {volume_name(claim) for claim in ours}
    return Plan(
        create=[claim for claim in ours if not claim["spec"].get("volumeName") and volume_name(claim) not in made],
        grow=[claim for claim in ours if _class(claim) == CLASS and _has(claim) not in (None, _wants(claim))],
        remove=[volume for name, volume in made.items() if name not in living],
    )


def volume_name(claim: Json) -> str:
    """Named by the claim's uid: a claim that is made again under its old name gets a new, empty folder."""
    return f"pvc-{claim['metadata']['uid']}"


def _wants(claim: Json) -> str:
    return str(claim["spec"]["resources"]["requests"]["storage"])


def _has(claim: Json) -> str | None:
    """The capacity that the claim shows, None until it is bound."""
    capacity: dict[str, str] = claim.get("status", {}).get("capacity", {})
    return capacity.get("storage")


def volume(claim: Json, path: str) -> Json:
    """The PersistentVolume for ``claim``, reserved for it, on a folder or a device."""
    owner = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        **{key: claim["metadata"][key] for key in ("name", "namespace", "uid")},
    }
    any_node = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume_name(claim), "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "capacity": {"storage": _wants(claim)},
            "accessModes": claim["spec"]["accessModes"],
            "claimRef": owner,
            "local": {"path": path, **({"fsType": "ext4"} if _class(claim) == DISK_CLASS else {})},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [any_node]}]}},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": _class(claim),
            "volumeMode": "Filesystem",
        },
    }


class Provisioner:
    """Carries out plans; every step may be repeated."""

    def __init__(self, api: Api, root: Path) -> None:
        self.api = api
        self.root = root

    def reconcile(self) -> None:
        work = plan(self.api.items(CLAIMS), self.api.items(VOLUMES))
        for claim in work.create:
            self._create(claim)
        for claim in work.grow:
            self._grow(claim)
        for each in work.remove:
            self._remove(each)

    def _create(self, claim: Json) -> None:
        folder = self.root / volume_name(claim)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)  # whatever user the pod runs as
        with suppress(Conflict):  # an earlier attempt got through
            path = disks.attach(folder, _wants(claim)) if _class(claim) == DISK_CLASS else str(folder)
            self.api.call("POST", VOLUMES, volume(claim, path))

    def _grow(self, claim: Json) -> None:
        size = {"storage": _wants(claim)}
        meta = claim["metadata"]
        self.api.call("PATCH", f"{VOLUMES}/{claim['spec']['volumeName']}", {"spec": {"capacity": size}}, MERGE)
        path = f"/api/v1/namespaces/{meta['namespace']}/persistentvolumeclaims/{meta['name']}/status"
        self.api.call(
            "PATCH",
            path,
            {
                "status": {
                    "capacity": size,
                    "conditions": [],
                    "allocatedResources": None,
                    "allocatedResourceStatuses": None,
                }
            },
            MERGE,
        )

    def _remove(self, gone: Json) -> None:
        name = gone["metadata"]["name"]
        if _class(gone) == DISK_CLASS:
            disks.detach(self.root / name)
        shutil.rmtree(self.root / name, ignore_errors=True)
        with suppress(NotFound):
            self.api.call("DELETE", f"{VOLUMES}/{name}")

    def serve(self) -> t.NoReturn:
        """Look after every change of a claim, and once a minute in any case."""
        while True:
            try:
                for _event in self.api.watch(CLAIMS, WATCH_SECONDS):
                    self.reconcile()
            except LabError as error:
                print(error, flush=True)
                time.sleep(RETRY_SECONDS)


def main() -> None:
    state = State(Path(sys.argv[1]))
    pki = Pki(state.pki)
    ca, certificate, key = pki.certificate("ca"), pki.certificate("volumes"), pki.key("volumes")
    api = Api(addresses.BRIDGE_ADDRESS, addresses.API_PORT, ca, certificate, key)
    Provisioner(api, state.volumes).serve()


if __name__ == "__main__":
    main()
