# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may and what may not change on a live Cluster."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.changes import (
    keep_patches,
    refuse_change,
    refuse_owned,
    storage_kind,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

US = "k0smotron.ha"
CLAIM = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
NO_CLASS = {"spec": {**CLAIM["spec"], "storageClassName": ""}}
SAME_CLAIM = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}}


def cluster(labels: dict[str, str] | None = None, ours: tuple[str, ...] = (), **spec: t.Any) -> dict[str, t.Any]:
    """A v1beta2 Cluster on kine; `ours` are the labels that an earlier apply of this collection set."""
    fields: dict[str, t.Any] = {"f:metadata": {"f:labels": {f"f:{key}": {} for key in ours}}}
    return {
        "metadata": {
            "name": "a",
            "namespace": "a",
            "labels": labels or {},
            "managedFields": [{"manager": US, "operation": "Apply", "fieldsV1": fields}],
        },
        "spec": {"version": "v1.35.2-k0s.0", "storage": {"type": "kine"}, **spec},
    }


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        pytest.param(cluster(replicas=3), cluster(replicas=1), id="replicas"),
        pytest.param(cluster(), cluster(version="v1.36.0-k0s.0"), id="newer version"),
        pytest.param(cluster(version="v1.35.2-k0s.1"), cluster(version="v1.35.2-k0s.0"), id="older patch version"),
        pytest.param(cluster({"team": "x"}), cluster(), id="a label of somebody else"),
        pytest.param(cluster({"team": "x"}, ours=("team",)), cluster({"team": "x"}), id="same labels"),
        pytest.param(cluster(persistence={"type": "emptyDir"}), cluster(), id="persistence by default"),
        pytest.param(
            cluster(persistence={"type": "emptyDir"}),
            cluster(persistence={"type": "hostPath"}),
            id="no claims involved",
        ),
        pytest.param(
            cluster(persistence={"type": "pvc", "persistentVolumeClaim": {**CLAIM, "metadata": {}}}),
            cluster(persistence={"type": "pvc", "persistentVolumeClaim": CLAIM}),
            id="a claim with the server's defaults",
        ),
        pytest.param(
            cluster(persistence={"type": "pvc", "persistentVolumeClaim": CLAIM}),
            cluster(persistence={"type": "pvc", "persistentVolumeClaim": SAME_CLAIM}),
            id="the same claim in other words",
        ),
        pytest.param(
            cluster(persistence={"type": "pvc", "persistentVolumeClaim": NO_CLASS}),
            cluster(persistence={"type": "pvc", "persistentVolumeClaim": NO_CLASS}),
            id="no class for the claim, as before",
        ),
    ],
)
def test_what_may_change(live: dict[str, t.Any], wanted: dict[str, t.Any]) -> None:
    refuse_change(live, wanted, US)


@pytest.mark.parametrize(
    ("live", "wanted", "why"),
    [
        pytest.param(cluster(), cluster({"team": "x"}), "labels .*team.*endpoints", id="a new label"),
        pytest.param(cluster({"team": "x"}), cluster({"team": "y"}), "labels .*team", id="another value"),
        pytest.param(cluster({"team": "x"}, ours=("team",)), cluster(), "labels .*team", id="a label of ours less"),
        pytest.param(cluster(), cluster(storage={"type": "etcd"}), "from kine to etcd", id="kine to etcd"),
        pytest.param(cluster(), cluster(storage={"kine": {}}), "from kine to etcd", id="the storage.type trap"),
        pytest.param(cluster(), cluster(version="v1.34.9-k0s.0"), "v1.34.9-k0s.0", id="older minor version"),
        pytest.param(
            cluster(version="v1.33.1-k0s.0"),
            cluster(version="v1.36.3-k0s.2"),
            "one minor version at a time. Go minor by minor: to 1.34 first, and on .* every replica runs it.$",
            id="three minor versions at once",
        ),
        pytest.param(
            cluster(version="v1.27.9-k0s.0"),
            cluster(version="v1.36.3-k0s.2"),
            "to 1.28 first.*; below 1.30 by spec.version of the object itself, with kubectl.$",
            id="from a version that is not to be set here",
        ),
        pytest.param(
            cluster(),
            cluster(persistence={"type": "pvc", "persistentVolumeClaim": CLAIM}),
            "persistence",
            id="to claims",
        ),
        pytest.param(
            cluster(persistence={"type": "pvc", "persistentVolumeClaim": CLAIM}),
            cluster(),
            "persistence",
            id="from claims",
        ),
        pytest.param(
            cluster(persistence={"type": "pvc", "persistentVolumeClaim": CLAIM}),
            cluster(persistence={"type": "pvc", "persistentVolumeClaim": {"spec": {"storageClassName": "fast"}}}),
            "persistence",
            id="another class",
        ),
        pytest.param(
            cluster(persistence={"type": "pvc", "persistentVolumeClaim": CLAIM}),
            cluster(persistence={"type": "pvc", "persistentVolumeClaim": NO_CLASS}),
            "persistence",
            id="no class where there was none given",
        ),
    ],
)
def test_what_breaks_a_live_control_plane(live: dict[str, t.Any], wanted: dict[str, t.Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        refuse_change(live, wanted, US)


def test_a_cluster_of_cluster_api_is_left_alone() -> None:
    live = cluster()
    live["metadata"]["ownerReferences"] = [{"kind": "K0smotronControlPlane", "name": "team-a", "controller": True}]
    with pytest.raises(InvalidInput, match="K0smotronControlPlane team-a"):
        refuse_owned(live)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ({}, "etcd"),
        ({"kineDataSourceURL": "postgres://x"}, "kine"),
        ({"kineDataSourceSecretName": "x"}, "kine"),
        ({"storage": {"kine": {"dataSourceSecretName": "x"}}}, "etcd"),
        ({"storage": {"type": "kine"}}, "kine"),
        ({"storage": {"type": "nats"}}, "nats"),
    ],
)
def test_storage_kind(spec: dict[str, t.Any], kind: str) -> None:
    assert storage_kind(spec) == kind


def patch(content: str, kind: str = "StatefulSet") -> dict[str, t.Any]:
    return {"target": {"kind": kind, "component": "control-plane"}, "patch": {"type": "merge", "content": content}}


@pytest.mark.parametrize(
    ("live", "wanted", "kept"),
    [
        ([patch("old")], [patch("new")], [patch("old")]),
        ([patch("old")], None, [patch("old")]),
        (None, [patch("new")], None),
        (
            [patch("old"), patch("old", "Service")],
            [patch("new"), patch("new", "Service")],
            [patch("old"), patch("new", "Service")],
        ),
        ([patch("old", "Service")], [patch("new"), patch("new", "Service")], [patch("new", "Service")]),
    ],
)
def test_patches_of_the_pods_stay_as_they_were_at_creation(live: t.Any, wanted: t.Any, kept: t.Any) -> None:
    asked = cluster(**({"patches": wanted} if wanted else {}))
    before = copy.deepcopy(asked)
    settled, differs = keep_patches(cluster(patches=live), asked)
    assert differs
    assert settled["spec"].get("patches") == kept
    assert asked == before


@pytest.mark.parametrize("live", [[patch("same")], [patch("old", "Service"), patch("same")]])
def test_same_patches_of_the_pods_are_no_news(live: t.Any) -> None:
    wanted = cluster(patches=[patch("same")])
    assert keep_patches(cluster(patches=live), wanted) == (wanted, False)
