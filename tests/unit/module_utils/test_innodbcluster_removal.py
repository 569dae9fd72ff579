# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing an InnoDBCluster: its finalizers need their operator, its claims stay."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import datastore, options_for
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import NotFound
from tests.unit.module_utils.removals import Object, StandInKube, removed

INNODBCLUSTER = datastore("innodbcluster", options_for("innodbcluster", name="idc", namespace="ns"))


class OracleKube(StandInKube):
    custom_resource = "InnoDBCluster"
    selector = "mysql.oracle.com/cluster=idc,tier=mysql"


def oracle_operator(*, ready: int = 1, words: tuple[str, ...] = ("--pym", "mysqloperator", "operator")) -> Object:
    template = {"spec": {"containers": [{"name": "any", "args": ["mysqlsh", *words]}]}}
    metadata = {"name": "renamed", "namespace": "other"}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}
    return {**deployment, "status": {"readyReplicas": ready}}


def innodbcluster(*finalizers: str) -> Object:
    cluster = copy.deepcopy(INNODBCLUSTER.desired()[0])
    cluster["metadata"]["finalizers"] = list(finalizers)
    return cluster


@pytest.mark.parametrize(
    "others", [(), (oracle_operator(ready=0),), (oracle_operator(words=("mysqloperator", "sidecar")),)]
)
def test_an_innodbcluster_with_finalizers_does_not_go_without_its_operator(others: tuple[Object, ...]) -> None:
    kube = OracleKube(innodbcluster("mysql.oracle.com/cluster"), *others)
    with pytest.raises(NotFound, match=r"takes off mysql\.oracle\.com"):
        removed(kube, INNODBCLUSTER, wait=False)
    assert kube.steps == []


@pytest.mark.parametrize(
    "objects",
    [(innodbcluster("mysql.oracle.com/cluster"), oracle_operator()), (innodbcluster(),)],
    ids=["run", "unseen"],
)
def test_an_innodbcluster_goes_and_its_claims_stay(objects: tuple[Object, ...]) -> None:
    metadata = {"name": "datadir-idc-0", "namespace": "ns"}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
    owned = {"name": "idc-privsecrets", "namespace": "ns", "ownerReferences": [{"name": "idc"}]}
    kube = OracleKube(*objects, claim, {"apiVersion": "v1", "kind": "Secret", "metadata": owned})
    result = removed(kube, INNODBCLUSTER, wait=False)
    assert result["left"] == ["PersistentVolumeClaim ns/datadir-idc-0"]
    assert not any("PersistentVolumeClaim" in step for step in kube.steps)
