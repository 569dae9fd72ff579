# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stays of a live Cluster's k0sConfig, which k0smotron completes in place."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import cluster_run
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import k0s_config
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import merged
from tests.unit.module_utils.test_address_change import keeping
from tests.unit.module_utils.test_control_plane_created import Object
from tests.unit.module_utils.test_fast_start import declare, inner, secret
from tests.unit.module_utils.test_rolling import POSTGRES, applied, checksum, cluster

SERVICE: Object = {"spec": {"clusterIPs": ["10.96.0.7", "fd00::7"]}}
OF_SERVICE = ["kmc-one", "kmc-one.ns", "kmc-one.ns.svc", "kmc-one.ns.svc.cluster.local"]
INGRESS: Object = {"apiHost": "api.example", "konnectivityHost": "k.example"}
OURS = ("k0sConfig",)
LEAST: Object = {"apiVersion": "k0s.k0sproject.io/v1beta1", "kind": "ClusterConfig"}


def there(*names: str, **changes: t.Any) -> Object:
    """A live Cluster with these names in its k0sConfig."""
    return merged(cluster(**changes), {"spec": {"k0sConfig": {**LEAST, "spec": {"api": {"sans": [*names]}}}}})


def names_after(live: Object, wanted: Object, ours: tuple[str, ...] = ()) -> list[str]:
    return k0s_config.certificate_names(k0s_config.keep(live, wanted, SERVICE, ours)["spec"])


def test_without_a_k0s_config_nothing_is_added() -> None:
    wanted = cluster(spec=keeping("a"))
    assert k0s_config.keep(cluster(), wanted, SERVICE, ()) is wanted


@pytest.mark.parametrize(
    ("changes", "own"),
    [
        ({}, []),
        ({}, ["10.96.0.7", "fd00::7"]),
        ({"external_address": "new.example"}, ["new.example"]),
        ({"spec": {"ingress": INGRESS}}, ["127.0.0.1", "localhost", "api.example", "k.example"]),
    ],
)
def test_names_of_k0smotron_stay_where_it_put_them(changes: Object, own: list[str]) -> None:
    listed = ["b", *own, *OF_SERVICE, "a"]
    wanted = merged(cluster(**changes), {"spec": keeping("a", "b")})
    assert names_after(there(*listed, **changes), wanted) == listed


def test_a_name_that_is_not_wanted_any_more_goes_and_a_new_one_comes_last() -> None:
    live = there("old", "b", *OF_SERVICE, "10.96.0.9", "localhost")
    assert names_after(live, cluster(spec=keeping("a", "b"))) == ["b", *OF_SERVICE, "a"]


@pytest.mark.parametrize(("ours", "stays"), [((), True), (("externalAddress",), False)])
def test_an_address_that_k0smotron_found_stays_and_one_of_ours_goes(ours: tuple[str, ...], stays: bool) -> None:
    live = merged(there("192.0.2.1", *OF_SERVICE), {"spec": {"externalAddress": "192.0.2.1"}})
    assert ("192.0.2.1" in names_after(live, cluster(spec=keeping("a")), ours)) is stays


def test_a_config_of_somebody_else_is_left_to_him() -> None:
    wanted = cluster()
    assert k0s_config.keep(there("his.example", *OF_SERVICE), wanted, SERVICE, ("replicas",)) is wanted


def test_what_the_webhook_asks_for_stays_of_a_config_that_goes() -> None:
    live = merged(there("a", *OF_SERVICE), {"spec": {"k0sConfig": {"spec": {"telemetry": {"enabled": False}}}}})
    kept = k0s_config.keep(live, cluster(), SERVICE, OURS)
    assert kept["spec"]["k0sConfig"] == {**LEAST, "spec": {"api": {"sans": OF_SERVICE}}}
    unnamed = merged(cluster(), {"spec": {"k0sConfig": {**LEAST, "metadata": {"name": "k0s"}}}})
    assert k0s_config.keep(unnamed, cluster(), SERVICE, OURS)["spec"]["k0sConfig"] == LEAST


def test_what_stays_of_a_config_rolls_nobody() -> None:
    wanted = cluster()
    stayed = applied(k0s_config.keep(there("a", *OF_SERVICE), wanted, SERVICE, OURS))
    assert checksum(stayed, wanted) is None
    assert checksum(applied(there("a", spec=keeping("a"))), wanted) is None, "the certificate may name more"
    before = merged(there(), {"spec": {"k0sConfig": {"spec": {"telemetry": {"enabled": False}}}}})
    assert checksum(applied(before), wanted) is not None


def test_the_module_applies_it() -> None:
    spec = {**keeping("a")}
    spec["k0sConfig"]["kind"] = "ClusterConfig"
    made, _warned = declare(cluster_run, secret(POSTGRES), spec=spec)
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kmc-team-a", "namespace": "ns"}, **SERVICE}
    live = inner(made)
    live["spec"] = merged(live["spec"], {"k0sConfig": {"spec": {"api": {"sans": ["10.96.0.7", "a", "kmc-team-a"]}}}})
    again, _warned = declare(cluster_run, secret(POSTGRES), live, service, spec=spec)
    assert again["spec"] == live["spec"]
    gone, _warned = declare(cluster_run, secret(POSTGRES), applied(live), service)
    assert gone["spec"]["k0sConfig"] == {**LEAST, "spec": {"api": {"sans": ["10.96.0.7", "kmc-team-a"]}}}
