# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cluster API and its providers: which versions fit."""

from __future__ import annotations

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.provider_contract import is_provider, mismatch


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
