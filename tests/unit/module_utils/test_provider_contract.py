# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cluster API and its providers: which versions fit."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.provider_contract import core_among, is_provider, mismatch
from ansible_collections.k0smotron.ha.plugins.modules.manifests import refuse_contract


def crd(**labels: str) -> Object:
    named = {f"cluster.x-k8s.io/{key}": value for key, value in labels.items()}
    return {"kind": "CustomResourceDefinition", "metadata": {"name": "things.example", "labels": named}}


def core(**served: bool) -> Object:
    return {"spec": {"versions": [{"name": name, "served": is_served} for name, is_served in served.items()]}}


OLD = crd(provider="p", v1beta1="v1beta1")
BOTH = crd(v1beta1="v1beta1_v1beta2", v1beta2="v1beta2")
NEW = crd(v1beta2="v1beta2")


@pytest.mark.parametrize("provider", [OLD, BOTH, NEW])
def test_cluster_api_1_11_takes_providers_of_both_contracts(provider: Object) -> None:
    assert mismatch([provider], core(v1alpha4=False, v1beta1=True, v1beta2=True)) is None


def test_one_that_is_too_old_for_its_providers() -> None:
    assert mismatch([OLD, BOTH], core(v1beta1=True)) is None
    assert mismatch([OLD, NEW], core(v1beta1=True)) == (
        "things.example is made for contract v1beta2 of Cluster API, and the Cluster API in this cluster serves v1beta1"
    )


def test_one_that_no_longer_serves_what_its_providers_need() -> None:
    said = mismatch([OLD], core(v1beta1=False, v1beta2=True))
    assert said is not None
    assert said.endswith("serves v1beta2")


@pytest.mark.parametrize(
    "other",
    [
        crd(provider="cluster-api"),
        {"kind": "CustomResourceDefinition", "metadata": {"name": "unlabeled"}},
        {"kind": "Deployment", "metadata": {"name": "d", "labels": {"cluster.x-k8s.io/v1beta1": "v1beta1"}}},
    ],
)
def test_what_is_no_provider_fits_everything(other: Object) -> None:
    assert not is_provider(other)
    assert mismatch([other], core(v1=True)) is None


def test_the_core_is_found_by_its_name() -> None:
    clusters = {"kind": "CustomResourceDefinition", "metadata": {"name": "clusters.cluster.x-k8s.io"}}
    assert core_among([OLD, {**clusters, "kind": "ConfigMap"}, clusters]) is clusters
    assert core_among([OLD, {**clusters, "metadata": {"name": "clusters.k0smotron.io"}}]) is None


# -- in the module manifests --------------------------------------------------------------------------------------------

CORE = {"kind": "CustomResourceDefinition", "metadata": {"name": "clusters.cluster.x-k8s.io"}, **core(v1beta1=True)}


class StandInKube:
    """A cluster that has this Cluster API, or none."""

    def __init__(self, installed: Object | None, check_mode: bool) -> None:
        self.installed = installed
        self.check_mode = check_mode

    def get(self, *_ref: str) -> Object | None:
        return self.installed


def verdict(
    objects: list[Object], providers: list[Object], installed: Object | None = None, *, check_mode: bool = False
) -> str:
    """What is said as an error or, with a ? before it, as a warning; "" when all of it fits."""
    said: list[str] = []
    try:
        refuse_contract(t.cast(t.Any, StandInKube(installed, check_mode)), objects, providers, said.append)
    except InvalidInput as error:
        return str(error)
    return "".join(f"?{warning}" for warning in said)


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_comes_after_cluster_api_is_refused_before_it(check_mode: bool) -> None:
    serves_all = {**CORE, **core(v1beta1=True, v1beta2=True)}
    said = verdict([CORE], [NEW], serves_all, check_mode=check_mode)
    assert said.startswith(
        "things.example is made for contract v1beta2 of Cluster API, and the Cluster API to be installed"
    )
    assert verdict([serves_all], [NEW], CORE, check_mode=check_mode) == ""
    assert verdict([CORE, OLD], [OLD], check_mode=check_mode) == ""


def test_providers_alone_are_held_against_what_is_installed() -> None:
    assert "in this cluster serves v1beta1" in verdict([NEW], [], CORE)
    assert verdict([NEW], [], CORE, check_mode=True).startswith("?things.example is made for contract v1beta2")
    assert verdict([NEW], []) == ""
    assert verdict([OLD], [], CORE) == ""
