# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that k0smotron puts into ConfigMaps only: they roll the replicas, and nothing else does."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import control_plane_run, control_planes
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.changes import owned_fields
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.common import CONFIG_ANNOTATION
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.rolling import config_checksum
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import FIELD_MANAGER
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import merged
from tests.unit.module_utils.test_control_plane_build import options
from tests.unit.module_utils.test_control_plane_created import Object
from tests.unit.module_utils.test_control_plane_template_run import run, with_users
from tests.unit.module_utils.test_fast_start import both, declare, inner, secret

V1BETA2, V1BETA1 = control_planes.API_VERSIONS
POSTGRES = "postgres://kine:secret@db.example:5432/kine?sslmode=verify-full"
CONFIG = {"apiVersion": "k0s.k0sproject.io/v1beta1", "spec": {"api": {"sans": ["b", "a"], "extraArgs": {"v": "1"}}}}
RECONCILER = {"endpoint-reconciler-type": "lease"}
INGRESS = {"apiHost": "api.example", "konnectivityHost": "konnectivity.example"}


def cluster(api_version: str = V1BETA2, **changes: t.Any) -> Object:
    return control_planes.desired(options(**changes), api_version)[0]


def fields_v1(value: t.Any) -> Object:
    return {f"f:{key}": fields_v1(each) for key, each in value.items()} if isinstance(value, dict) else {}


def applied(made: Object, manager: str = FIELD_MANAGER) -> Object:
    """What lives after an apply of all of `made`."""
    entry = {"manager": manager, "operation": "Apply", "fieldsV1": {"f:spec": fields_v1(made["spec"])}}
    return {**made, "metadata": {**made["metadata"], "managedFields": [entry]}}


def carrying(made: Object, annotation: str | None) -> Object:
    return merged(made, {"metadata": {"annotations": {CONFIG_ANNOTATION: annotation}}})


def checksum(live: Object, wanted: Object) -> str | None:
    return config_checksum(live, wanted, owned_fields(live, FIELD_MANAGER, "spec"))


def config(spec: Object) -> Object:
    return {"spec": {"k0sConfig": merged(CONFIG, {"spec": spec})}}


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
        (config({}), config({"api": {"sans": ["c"]}})),
        (config({}), config({"api": {"extraArgs": {"v": "2"}}})),
        (config({}), config({"api": {"extraArgs": {"v": None}}})),
        (config({}), config({"api": {"extraArgs": None}})),
        (config({}), config({"telemetry": {"enabled": False}})),
        (config({"telemetry": {"enabled": False}}), config({"telemetry": {"enabled": True}})),
        (config({}), config({"workerProfiles": [{"name": "a", "values": {"podsPerCore": 0}}]})),
    ],
)
def test_what_stands_in_config_maps_only_rolls_the_replicas(before: Object, after: Object, api_version: str) -> None:
    live, wanted = applied(cluster(api_version, **before)), cluster(api_version, **after)
    found = checksum(live, wanted)
    assert found
    there = applied(carrying(wanted, found))
    assert checksum(there, wanted) == found, "a second run changes nothing"
    back = checksum(there, live)
    assert back not in (None, found), "and back again is a change, too"
    assert checksum(applied(carrying(live, back)), wanted) not in (found, back), "and so is the same one once more"


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
        "network": {"podCIDR": "10.1.0.0/16"},
    }
    named = {"name": "k0s", "namespace": "kube-system"}
    wanted = merged(cluster(**given), {"spec": {"k0sConfig": {"metadata": {"name": "of the user"}}}})
    live = merged(applied(wanted), {"spec": {"k0sConfig": {"spec": written, "metadata": named}}})
    assert checksum(live, wanted) is None
    networks = {"externalAddress": "192.0.2.1", "k0sConfig": {"spec": {"network": {"podCIDR": "10.1.0.0/16"}}}}
    assert checksum(merged(cluster(), {"spec": networks}), cluster()) is None


def test_an_ingress_without_its_hosts_and_port_is_in_no_config_map() -> None:
    wanted = cluster(
        spec={"ingress": INGRESS, "k0sConfig": config({"api": {"extraArgs": RECONCILER}})["spec"]["k0sConfig"]}
    )
    live = merged(
        applied(wanted),
        {
            "spec": {
                "ingress": {"deploy": True, "port": 443, "className": "old", "annotations": {"a": "1"}},
                "k0sConfig": {"spec": {"api": {"extraArgs": {"endpoint-reconciler-type": "none"}}}},
            }
        },
    )
    assert checksum(live, wanted) is None
    assert (
        checksum(live, merged(wanted, {"spec": {"ingress": {"className": "new", "annotations": {"a": "2"}}}})) is None
    )
    assert checksum(live, merged(wanted, {"spec": {"ingress": {"port": 8443}}}))


@pytest.mark.parametrize("api_version", control_planes.API_VERSIONS)
@pytest.mark.parametrize(
    "more",
    [
        {"control_plane_flags": ["--debug"]},
        {"external_address": "old.example"},
        {"spec": {"ingress": INGRESS}},
        {"spec": {"k0sConfig": CONFIG}},
    ],
)
def test_what_somebody_else_has_set_is_no_field_of_ours_that_goes(more: Object, api_version: str) -> None:
    wanted = cluster(api_version, service_type="LoadBalancer")
    live = cluster(api_version, service_type="LoadBalancer", **more)
    assert checksum(applied(live, "kubectl"), wanted) is None
    assert checksum(applied(live), wanted)


def test_an_edit_of_ours_by_somebody_else_is_taken_back_on_the_pods_each_time() -> None:
    wanted, flags = cluster(control_plane_flags=["--debug"]), {"spec": {"controlPlaneFlags": ["--debug=false"]}}
    edited = applied(merged(wanted, flags), "kubectl")
    first = checksum(edited, wanted)
    assert first
    assert checksum(edited, wanted) == first, "an interrupted run is repeated"
    second = checksum(carrying(edited, first), wanted)
    assert second not in (None, first)
    assert checksum(applied(carrying(wanted, second)), wanted) == second


def test_an_update_of_the_operator_with_another_name_for_the_flags_rolls_nobody() -> None:
    flags = {"control_plane_flags": ["--debug"]}
    assert checksum(cluster(V1BETA1, **flags), cluster(V1BETA2, **flags)) is None


def test_the_annotation_stays_whatever_it_says() -> None:
    live = applied(carrying(cluster(), "of another release"))
    assert checksum(live, cluster(replicas=5)) == "of another release"


def carried(made: Object) -> str | None:
    metadata = made["metadata"] if made.get("kind") == "Cluster" else made["spec"].get("kubeconfigSecretMetadata") or {}
    found: str | None = (metadata.get("annotations") or {}).get(CONFIG_ANNOTATION)
    return found


def there(made: Object) -> list[Object]:
    """What lives after an apply of `made`; k0smotron copies annotations of a K0smotronControlPlane."""
    if made["kind"] == "Cluster":
        return [secret(POSTGRES), applied(made)]
    return [secret(POSTGRES), inner(made), applied(made)]


@both
def test_a_live_one_gets_the_annotation_with_its_first_such_change_and_keeps_it(module: t.Any) -> None:
    first, _warned = declare(module, secret(POSTGRES))
    again, _warned = declare(module, *there(first))
    assert carried(first) is carried(again) is None
    changed, _warned = declare(module, *there(again), external_address="api.example")
    assert carried(changed)
    kept, _warned = declare(module, *there(changed), external_address="api.example")
    assert carried(kept) == carried(changed)
    scaled, _warned = declare(module, *there(changed), external_address="api.example", replicas=5)
    assert carried(scaled) == carried(changed)


@both
def test_a_field_of_ours_that_goes_rolls_them_and_one_of_others_does_not(module: t.Any) -> None:
    first, _warned = declare(module, secret(POSTGRES), control_plane_flags=["--debug"])
    gone, _warned = declare(module, *there(first))
    assert carried(gone)
    *others, last = there(first)
    last = applied(last, "kubectl")
    kept, _warned = declare(module, *others, last)
    assert carried(kept) is None


def test_an_edit_of_k0smotrons_own_cluster_rolls_them_and_one_that_waits_for_it_does_not() -> None:
    flags: Object = {"control_plane_flags": ["--debug"]}
    first, _warned = declare(control_plane_run, secret(POSTGRES), **flags)
    url, copy, resource = there(first)
    edited = merged(copy, {"spec": {"controlPlaneFlags": ["--debug=false"]}})
    repaired, _warned = declare(control_plane_run, url, edited, resource, **flags)
    assert carried(repaired)
    waiting, _warned = declare(control_plane_run, url, edited, applied(repaired), **flags)
    assert carried(waiting) == carried(repaired)
    removed, _warned = declare(control_plane_run, url, copy, resource)
    waiting, _warned = declare(control_plane_run, url, copy, applied(removed))
    assert carried(waiting) == carried(removed)


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


@pytest.mark.parametrize(("manager", "rolls"), [(FIELD_MANAGER, True), ("kubectl", False)])
def test_a_flag_that_goes_from_a_class_rolls_its_clusters(manager: str, rolls: bool) -> None:
    kube = with_users()
    run(kube, control_plane_flags=["--debug"])
    [(key, before)] = [each for each in kube.objects.items() if each[0][0] == "K0smotronControlPlaneTemplate"]
    kube.objects[key] = applied(before, manager)
    run(kube)
    [after] = kube.list("", "K0smotronControlPlaneTemplate")
    assert (carried(after["spec"]["template"]) != carried(before["spec"]["template"])) is rolls
