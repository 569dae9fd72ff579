# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that k0smotron puts into ConfigMaps only: they roll the replicas, and nothing else does."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import control_planes
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.common import CONFIG_ANNOTATION
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.rolling import (
    ALSO_K0SMOTRONS,
    config_checksum,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import merged
from tests.unit.module_utils.test_control_plane_build import options
from tests.unit.module_utils.test_control_plane_created import Object
from tests.unit.module_utils.test_control_plane_template_run import run, with_users
from tests.unit.module_utils.test_fast_start import both, declare, inner, secret

V1BETA2, V1BETA1 = control_planes.API_VERSIONS
POSTGRES = "postgres://kine:secret@db.example:5432/kine?sslmode=verify-full"
CONFIG = {"apiVersion": "k0s.k0sproject.io/v1beta1", "spec": {"api": {"sans": ["b", "a"], "extraArgs": {"v": "1"}}}}
INGRESS = {"apiHost": "api.example", "konnectivityHost": "konnectivity.example"}


def cluster(api_version: str = V1BETA2, **changes: t.Any) -> Object:
    return control_planes.desired(options(**changes), api_version)[0]


def checksum(live: Object, wanted: Object, ours: t.Container[str] = ()) -> str | None:
    return config_checksum(live, wanted, ours)


@pytest.mark.parametrize("api_version", control_planes.API_VERSIONS)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"control_plane_flags": ["--debug"]}),
        ({"control_plane_flags": ["--debug", "-v"]}, {"control_plane_flags": ["--debug"]}),
        ({"control_plane_flags": ["--debug"]}, {}),
        ({}, {"external_address": "api.example"}),
        ({"external_address": "old.example"}, {"external_address": "new.example"}),
        ({"service_type": "NodePort"}, {"service_type": "LoadBalancer"}),
        ({}, {"spec": {"ingress": INGRESS}}),
        ({"spec": {"ingress": INGRESS}}, {"spec": {"ingress": {**INGRESS, "apiHost": "new.example"}}}),
        ({"spec": {"ingress": INGRESS}}, {}),
        ({}, {"spec": {"k0sConfig": CONFIG}}),
        ({"spec": {"k0sConfig": CONFIG}}, {"spec": {"k0sConfig": merged(CONFIG, {"spec": {"api": {"sans": ["c"]}}})}}),
        (
            {"spec": {"k0sConfig": CONFIG}},
            {"spec": {"k0sConfig": merged(CONFIG, {"spec": {"api": {"extraArgs": {"v": "2"}}}})}},
        ),
    ],
)
def test_what_stands_in_config_maps_only_rolls_the_replicas(before: Object, after: Object, api_version: str) -> None:
    live, wanted = cluster(api_version, **before), cluster(api_version, **after)
    found = checksum(live, wanted)
    assert found
    carrying = merged(wanted, {"metadata": {"annotations": {CONFIG_ANNOTATION: found}}})
    assert checksum(carrying, wanted) == found, "a second run changes nothing"
    back = checksum(carrying, live, ALSO_K0SMOTRONS)
    assert back
    assert back != found, "and back again is a change, too"


@pytest.mark.parametrize(
    "after",
    [
        {},
        {"replicas": 5},
        {"image": "mirror/k0s"},
        {"resources": {"requests": {"cpu": "2"}}},
        {"annotations": {"a": "1"}},
        {"version": "v1.36.4-k0s.0"},
    ],
)
def test_what_is_in_the_pods_themselves_needs_no_annotation(after: Object) -> None:
    assert checksum(cluster(), cluster(**after)) is None


def test_what_k0smotron_writes_there_itself_is_no_change() -> None:
    given: Object = {"spec": {"k0sConfig": merged(CONFIG, {"spec": {"storage": {"kine": {"extraArgs": {"x": "1"}}}}})}}
    written = {
        "api": {"sans": ["a", "b", "kmc-one"], "port": 30443, "externalAddress": ""},
        "konnectivity": {"agentPort": 30132},
        "storage": None,
    }
    wanted = cluster(**given)
    live = merged(wanted, {"spec": {"k0sConfig": {"spec": written, "metadata": {"name": "k0s"}}}})
    assert checksum(live, wanted) is None
    networks = {"externalAddress": "192.0.2.1", "k0sConfig": {"spec": {"network": {"podCIDR": "10.1.0.0/16"}}}}
    assert checksum(merged(cluster(), {"spec": networks}), cluster()) is None
    deployed = merged(cluster(spec={"ingress": INGRESS}), {"spec": {"ingress": {"deploy": True, "port": 443}}})
    assert checksum(deployed, cluster(spec={"ingress": INGRESS})) is None


def test_an_address_of_ours_that_goes_is_a_change() -> None:
    live = cluster(service_type="LoadBalancer", external_address="old.example")
    wanted = cluster(service_type="LoadBalancer")
    assert checksum(live, wanted, {"externalAddress"})
    assert checksum(live, wanted) is None


def test_an_update_of_the_operator_with_another_name_for_the_flags_rolls_nobody() -> None:
    flags = {"control_plane_flags": ["--debug"]}
    assert checksum(cluster(V1BETA1, **flags), cluster(V1BETA2, **flags)) is None


def test_the_annotation_stays_whatever_it_says() -> None:
    carrying = merged(cluster(), {"metadata": {"annotations": {CONFIG_ANNOTATION: "of another release"}}})
    assert checksum(carrying, cluster(replicas=5)) == "of another release"


def carried(made: Object) -> str | None:
    metadata = made["metadata"] if made["kind"] == "Cluster" else made["spec"].get("kubeconfigSecretMetadata") or {}
    found: str | None = (metadata.get("annotations") or {}).get(CONFIG_ANNOTATION)
    return found


def there(made: Object) -> list[Object]:
    """What lives after an apply of `made`; k0smotron copies annotations of a K0smotronControlPlane."""
    if made["kind"] == "Cluster":
        return [secret(POSTGRES), made]
    return [secret(POSTGRES), inner(made), made]


@both
def test_a_live_one_gets_the_annotation_with_its_first_such_change_and_keeps_it(module: t.Any) -> None:
    first, _warned = declare(module, secret(POSTGRES))
    again, _warned = declare(module, *there(first))
    assert carried(first) is carried(again) is None
    changed, _warned = declare(module, *there(again), external_address="api.example")
    assert carried(changed)
    kept, _warned = declare(module, *there(changed), external_address="api.example")
    assert kept == changed
    scaled, _warned = declare(module, *there(changed), external_address="api.example", replicas=5)
    assert carried(scaled) == carried(changed)


def test_a_class_rolls_its_clusters_and_keeps_the_annotation() -> None:
    kube = with_users()

    def template() -> Object:
        (found,) = kube.list("", "K0smotronControlPlaneTemplate")
        metadata: Object = found["spec"]["template"]["spec"]["kubeconfigSecretMetadata"]["annotations"]
        return metadata

    run(kube, replicas=5)
    assert CONFIG_ANNOTATION not in template()
    address: Object = {"external_address": "{cluster}.example", "replicas": 5}
    run(kube, **address)
    before = template()
    assert before[CONFIG_ANNOTATION]
    assert not run(kube, **address)["changed"]
    for key in [key for key in kube.objects if key[0] == "Cluster"]:
        del kube.objects[key]
    assert not run(kube, **address)["changed"], "nor when nobody sees its Clusters"
