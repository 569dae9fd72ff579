# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On MySQL the replicas of a new control plane start one after the other, whoever wrote the data source Secret."""

from __future__ import annotations

import base64
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_run, control_plane_run
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY
from tests.unit.module_utils.test_control_plane_created import PARAMS, AppliedKube, Object

VERSION = "k0smotron.io/v1beta2"
MYSQL = "mysql://kine:secret@tcp(db.example:3306)/kine?tls=true"
POSTGRES = "postgres://kine:secret@db.example:5432/kine?sslmode=verify-full"
OWN = {
    "target": {"kind": "StatefulSet", "component": "control-plane"},
    "patch": {"type": "merge", "content": '{"spec": {"minReadySeconds": 5}}'},
}


def secret(url: str) -> Object:
    data = {DATA_SOURCE_KEY: base64.b64encode(url.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kine", "namespace": "ns"}, "data": data}


def declare(module: t.Any, *there: Object, **more: t.Any) -> tuple[Object, list[str]]:
    """The object with the control plane's spec that is applied, and the warnings."""
    warned: list[str] = []
    params = {**PARAMS, **more}
    kube: t.Any = AppliedKube(VERSION, *there)
    module.present(kube, module.options_from(params), params, warned.append)
    [made] = [item for item in kube.objects if "replicas" in item.get("spec", {})]
    return made, warned


def inner(made: Object) -> Object:
    """k0smotron's Cluster, as it is or as k0smotron makes it of a K0smotronControlPlane."""
    owners = [] if made["kind"] == "Cluster" else [{"kind": made["kind"], "name": "team-a"}]
    metadata = {"name": "team-a", "namespace": "ns", "ownerReferences": owners}
    return {"apiVersion": VERSION, "kind": "Cluster", "metadata": metadata, "spec": made["spec"]}


def parallel(made: Object) -> bool:
    return "Parallel" in str(made["spec"].get("patches"))


both = pytest.mark.parametrize("module", [cluster_run, control_plane_run])


@both
@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    ("there", "more", "mysql"),
    [
        ([secret(MYSQL)], {}, True),
        ([secret(POSTGRES)], {}, False),
        ([], {"data_source_secret": None, "data_source_url": MYSQL}, True),
        ([], {"data_source_secret": None, "data_source_url": POSTGRES}, False),
        ([], {}, False),  # check mode, and nobody knows yet
    ],
)
def test_a_new_one(module: t.Any, there: list[Object], more: Object, mysql: bool, fast: bool) -> None:
    made, _warned = declare(module, *there, **more, fast_start=fast)
    assert parallel(made) is (fast and not mysql)


@both
@pytest.mark.parametrize("spec", [{}, {"patches": [OWN]}])
def test_a_second_run_changes_nothing_and_warns_of_nothing(module: t.Any, spec: Object) -> None:
    first, _warned = declare(module, secret(MYSQL), spec=spec)
    there = [secret(MYSQL), inner(first), *([first] if first["kind"] != "Cluster" else [])]
    again, warned = declare(module, *there, spec=spec)
    assert again["spec"] == first["spec"]
    assert not [each for each in warned if "fast_start" in each]


@both
def test_one_that_was_started_at_once_stays_as_it_is(module: t.Any) -> None:
    first, _warned = declare(module, secret(POSTGRES))
    there = [secret(MYSQL), inner(first), *([first] if first["kind"] != "Cluster" else [])]
    again, warned = declare(module, *there, allow_other_database=True)
    assert parallel(again)
    assert not [each for each in warned if "fast_start" in each]
