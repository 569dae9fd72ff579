# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever uses an address that goes from the certificates is warned, in check mode too."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import control_plane_run, control_planes
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import address_change
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import merged
from tests.unit.module_utils.test_control_plane_build import options
from tests.unit.module_utils.test_control_plane_created import Object
from tests.unit.module_utils.test_control_plane_template_run import run, with_users
from tests.unit.module_utils.test_fast_start import both, declare, inner, secret
from tests.unit.module_utils.test_rolling import POSTGRES, V1BETA1, V1BETA2, applied, there

OLD, NEW = {"external_address": "old.example"}, {"external_address": "new.example"}
INGRESS: Object = {"apiHost": "old.example", "konnectivityHost": "k.example"}


def keeping(*names: str) -> Object:
    return {"k0sConfig": {"apiVersion": "k0s.k0sproject.io/v1beta1", "spec": {"api": {"sans": [*names]}}}}


def said(before: Object, after: Object, ours: Object | None = None, api_version: str = V1BETA1) -> str:
    live, wanted = (control_planes.desired(options(**each), api_version)[0] for each in (before, after))
    return " ".join(address_change.warnings(live, wanted, ours or {}))


@pytest.mark.parametrize(
    ("before", "after", "ours", "gone"),
    [
        (OLD, OLD, {}, None),
        ({}, NEW, {}, None),
        (OLD, NEW, {}, "old.example"),
        (OLD, {**NEW, "spec": keeping("old.example")}, {}, None),
        (OLD, {**NEW, "spec": keeping("other.example")}, {}, "old.example"),
        (OLD, {}, {}, None),
        (OLD, {}, {"externalAddress": True}, "old.example"),
        (
            {"spec": {"ingress": INGRESS}},
            {"spec": {"ingress": {**INGRESS, "apiHost": "new.example"}}},
            {},
            "old.example",
        ),
        ({"external_address": "kmc-one.ns.svc"}, NEW, {}, None),
        ({"external_address": "kmc-one.ns.svc"}, {**NEW, "service_type": "NodePort"}, {}, "kmc-one.ns.svc"),
        ({"spec": {"ingress": INGRESS}}, {}, {"ingress": {"apiHost": True}}, "old.example"),
    ],
)
def test_what_goes_from_the_certificates(before: Object, after: Object, ours: Object, gone: str | None) -> None:
    found = said(before, after, ours)
    assert bool(found) is bool(gone)
    if gone:
        assert f"spec.k0sConfig.spec.api.sans: [{gone}]" in found


def test_k0smotron_2_leaves_the_kubeconfig_as_it_is() -> None:
    assert "Secret one-kubeconfig" in said(OLD, NEW, api_version=V1BETA2)
    assert "Secret one-kubeconfig" in said(OLD, {**NEW, "spec": keeping("old.example")}, api_version=V1BETA2)
    assert not said(OLD, OLD, api_version=V1BETA2)
    assert "Secret" not in said(OLD, NEW)


@both
def test_a_live_one_is_warned_of_in_check_mode_and_until_it_is_done(module: t.Any) -> None:
    first, warned = declare(module, secret(POSTGRES), **OLD)
    assert not any("x509" in each for each in warned)
    _changed, warned = declare(module, *there(first), **NEW)
    assert any("not name old.example any more" in each for each in warned)
    changed, _warned = declare(module, *there(first), **NEW)
    _again, warned = declare(module, *there(changed), **NEW)
    assert not any("x509" in each for each in warned)


def test_through_cluster_api_an_address_that_goes_stays_in_k0smotrons_own_cluster() -> None:
    balancer = {"service_type": "LoadBalancer"}
    first, _warned = declare(control_plane_run, secret(POSTGRES), **OLD, **balancer)
    _changed, warned = declare(control_plane_run, *there(first), **balancer)
    assert not any("x509" in each for each in warned)
    found = merged(inner(first), {"spec": {"externalAddress": "192.0.2.1"}})
    declared = applied(merged(first, {"spec": {"externalAddress": None}}))
    _changed, warned = declare(control_plane_run, secret(POSTGRES), found, declared, **NEW, **balancer)
    assert any("not name 192.0.2.1 any more" in each for each in warned)


def test_the_clusters_of_a_class_are_warned_of() -> None:
    kube = with_users()
    run(kube, external_address="{cluster}.old.example")
    warned = run(kube, external_address="{cluster}.new.example")["warnings"]
    assert any("not name {cluster}.old.example any more" in each for each in warned)
