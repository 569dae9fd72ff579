# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module cluster: what it predicts, declares, refuses and removes. Nothing here waits for pods."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.common import CONFIG_ANNOTATION
from tests.integration.modules.runner import Modules, create_secret, get, kubectl, names, warnings
from tests.lab import waiting

KEY = "K0SMOTRON_KINE_DATASOURCE_URL"
PASSWORD = "hunter2-of-the-tests"
DSN = f"postgres://kine:{PASSWORD}@database.example:5432/kine?sslmode=require"
CLUSTER = "clusters.k0smotron.io"
# What k0smotron itself adds to the spec, soon after it first sees a Cluster. Who compares specs must not race with it.
FILLED_IN = {"certificateRefs", "kineDataSourceURL"}


@dataclasses.dataclass
class ControlPlane:
    """The module with the parameters that every test shares."""

    modules: Modules
    namespace: str
    name: str = "one"

    def params(self, **more: t.Any) -> dict[str, t.Any]:
        given = {"name": self.name, "namespace": self.namespace, "data_source_secret": "good", "wait": False, **more}
        return {key: value for key, value in given.items() if value is not None}

    def ok(self, *, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
        return self.modules.ok("cluster", check=check, **self.params(**more))

    def start(self) -> dict[str, t.Any]:
        """Declare it, and wait until k0smotron has made it complete."""
        result = self.ok()
        waiting.until(lambda: (self.live() or {"spec": {}})["spec"].keys() >= FILLED_IN, "k0smotron's own fields", 60)
        return result

    def refused(self, **more: t.Any) -> str:
        return self.modules.refused("cluster", **self.params(**more))

    def live(self) -> dict[str, t.Any] | None:
        return get(CLUSTER, self.name, self.namespace)


@pytest.fixture
def plane(modules: Modules, namespace: str) -> t.Iterator[ControlPlane]:
    """A control plane that does not exist yet, and a Secret that would do for it."""
    modules.secrets.append(PASSWORD)
    create_secret("good", namespace, {KEY: DSN})
    yield ControlPlane(modules, namespace)
    kubectl("delete", CLUSTER, "--all", "-n", namespace, "--wait=false")


def objects(result: dict[str, t.Any]) -> list[tuple[str, dict[str, t.Any], dict[str, t.Any]]]:
    return [(entry["after_header"], entry["before"], entry["after"]) for entry in result["diff"]]


def test_check_mode_predicts_what_then_happens(plane: ControlPlane) -> None:
    predicted = plane.ok(check=True)
    assert predicted["changed"]
    assert plane.live() is None
    real = plane.ok()
    assert real["changed"]
    assert objects(predicted) == objects(real)
    assert names("pdb", plane.namespace) == ["kmc-one"]


def test_the_second_run_changes_nothing(plane: ControlPlane) -> None:
    plane.start()
    before = plane.live()
    assert not plane.ok(check=True)["changed"]
    again = plane.ok()
    assert not again["changed"]
    assert again["diff"] == []
    after = plane.live()
    assert before
    assert after
    assert after["spec"] == before["spec"]
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"]


def test_a_namespace_to_come_is_predicted(modules: Modules, kinds: None) -> None:
    plane = ControlPlane(modules, "modules-not-there")
    predicted = plane.ok(check=True)
    assert [after["kind"] for _header, before, after in objects(predicted) if not before] == [
        "Cluster",
        "PodDisruptionBudget",
    ]
    assert "will fail" in warnings(predicted)


def test_a_missing_namespace_is_refused(modules: Modules, kinds: None) -> None:
    assert "modules-not-there" in ControlPlane(modules, "modules-not-there").refused()


def test_a_new_url_rolls_the_pods(plane: ControlPlane) -> None:
    plane.start()
    create_secret("good", plane.namespace, {KEY: DSN.replace("kine?", "other?")})
    predicted, real = plane.ok(check=True), plane.ok()
    assert real["changed"]
    assert objects(predicted) == objects(real)
    [(_header, before, after)] = objects(real)
    assert before["spec"] == after["spec"]
    assert before["metadata"]["annotations"] != after["metadata"]["annotations"]


def test_a_new_flag_rolls_the_pods(plane: ControlPlane) -> None:
    flags: dict[str, t.Any] = {"control_plane_flags": ["--debug"]}
    plane.start()
    predicted, real = plane.ok(check=True, **flags), plane.ok(**flags)
    assert objects(predicted) == objects(real)
    assert not plane.ok(**flags)["changed"]
    live = plane.live()
    assert live
    wanted = live["metadata"]["annotations"][CONFIG_ANNOTATION]

    def shown() -> bool:
        template = (get("statefulset", "kmc-one", plane.namespace) or {"spec": {"template": {"metadata": {}}}})["spec"][
            "template"
        ]
        return bool((template["metadata"].get("annotations") or {}).get(CONFIG_ANNOTATION) == wanted)

    waiting.until(shown, "k0smotron to give the pods the annotation", 60)
    predicted, real = plane.ok(check=True), plane.ok()
    assert objects(predicted) == objects(real)
    live = plane.live()
    assert live
    assert live["metadata"]["annotations"][CONFIG_ANNOTATION] != wanted, "a flag that goes is a change, too"
    assert not plane.ok()["changed"]


def test_the_checksum_to_come_is_predicted(plane: ControlPlane) -> None:
    assert not plane.start()["verdict"]["up"]
    predicted = plane.ok(check=True, data_source_checksum="0123456789abcdef0123456789abcdef")
    assert predicted["changed"]
    assert "0123456789abcdef0123456789abcdef" in str(predicted["diff"])
    assert not plane.ok(data_source_checksum="0123456789abcdef0123456789abcdef")["changed"]


def test_one_replica_needs_no_disruption_budget(plane: ControlPlane) -> None:
    plane.start()
    predicted, real = plane.ok(check=True, replicas=1), plane.ok(replicas=1)
    assert objects(predicted) == objects(real)
    assert names("pdb", plane.namespace) == []
    assert "One replica" in warnings(real)


def test_an_inline_url_works_with_a_warning(plane: ControlPlane) -> None:
    result = plane.ok(data_source_secret=None, data_source_url=DSN)
    assert "ConfigMap" in warnings(result)
    assert not plane.ok(data_source_secret=None, data_source_url=DSN)["changed"]


def test_drift_in_our_fields_is_corrected_and_others_stay(plane: ControlPlane) -> None:
    plane.start()
    kubectl(
        "patch", CLUSTER, "one", "-n", plane.namespace, "--type=merge", "-p",
        '{"spec": {"replicas": 2, "serviceAccount": "theirs"}}',
    )  # fmt: skip
    assert plane.ok()["changed"]
    live = plane.live()
    assert live
    assert (live["spec"]["replicas"], live["spec"]["serviceAccount"]) == (3, "theirs")


BAD_INPUT = [
    ({"name": "No_Name"}, "No_Name.*RFC 1123"),
    ({"name": "x" * 60}, "longer than"),
    ({"replicas": 0}, "replicas is 0"),
    ({"data_source_secret": None}, "No data source.*etcd"),
    ({"version": "v1.27.9-k0s.0"}, "v1.27.9"),
    ({"version": "1.36.3"}, "not a k0s version"),
    ({"image": "registry.example/k0s:v1"}, "has a tag"),
    ({"api_port": 30132}, "Choose two ports"),
    ({"service_type": "NodePort", "api_port": 6443}, "6443 cannot be a node port"),
    ({"spec": {"storage": {"type": "etcd"}}}, "where the control plane keeps its state"),
    ({"persistence": {"type": "pvc"}}, "persistentVolumeClaim"),
    ({"data_source_secret": "nowhere"}, "no Secret .nowhere"),
    ({"data_source_secret": "elsewhere"}, "there is one in default"),
    ({"data_source_secret": "wrong-key"}, "KINE_DATASOURCE_URL is not read"),
    ({"data_source_secret": "empty"}, "empty value"),
    ({"data_source_secret": "pipe"}, "literal |"),
    ({"data_source_secret": "ampersand"}, "percent-encode"),
    ({"data_source_secret": "newline"}, "line break"),
    ({"data_source_secret": None, "data_source_url": f"postgres://k:{PASSWORD}@h@i/kine"}, "[Pp]ercent-encode"),
    ({"data_source_secret": None, "data_source_url": f"sqlite://{PASSWORD}"}, "scheme"),
]
BAD_SECRETS = {
    "wrong-key": {"KINE_DATASOURCE_URL": DSN},
    "empty": {KEY: ""},
    "pipe": {KEY: DSN.replace(PASSWORD, PASSWORD + "|")},
    "ampersand": {KEY: DSN.replace(PASSWORD, PASSWORD + "&")},
    "newline": {KEY: DSN + "\n"},
}


@pytest.fixture(scope="module")
def bad_secrets(shared_namespace: str) -> t.Iterator[str]:
    """A namespace with a Secret for each way to be wrong."""
    for name, data in {"good": {KEY: DSN}, **BAD_SECRETS}.items():
        create_secret(name, shared_namespace, data)
    create_secret("elsewhere", "default", {KEY: DSN})
    yield shared_namespace
    kubectl("delete", "secret", "elsewhere", "-n", "default")


@pytest.mark.parametrize(("params", "sentence"), BAD_INPUT)
def test_bad_input_creates_nothing(modules: Modules, bad_secrets: str, params: dict[str, t.Any], sentence: str) -> None:
    modules.secrets.append(PASSWORD)
    plane = ControlPlane(modules, bad_secrets)
    assert re.search(sentence, message := plane.refused(**params)), message
    assert names(CLUSTER, plane.namespace) == []
    assert names("pdb", plane.namespace) == []


def test_the_guides_url_without_tls_is_refused_where_the_database_wants_tls(plane: ControlPlane) -> None:
    database: dict[str, t.Any] = {"name": "acid-guide", "namespace": plane.namespace, "wait": False}
    plane.modules.ok("datastore", **database)
    url = f"postgres://kine:{PASSWORD}@acid-guide.{plane.namespace}:5432/kine?sslmode=disable"
    assert "pg_hba rejects" in plane.refused(data_source_secret=None, data_source_url=url)
    plane.modules.ok("datastore", **database, require_tls=False)
    assert plane.ok(data_source_secret=None, data_source_url=url)["changed"]
    kubectl("delete", "postgresql", "acid-guide", "-n", plane.namespace, "--wait=false")


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"labels": {"team": "x"}}, "labels of a live Cluster.*team"),
        ({"version": "v1.35.9-k0s.0"}, "cannot go back to v1.35.9-k0s.0"),
        ({"persistence": {"type": "pvc", "persistentVolumeClaim": {"spec": {}}}}, "persistence of a live Cluster"),
    ],
)
def test_what_would_break_a_live_control_plane(plane: ControlPlane, params: dict[str, t.Any], sentence: str) -> None:
    plane.start()
    before = plane.live()
    assert re.search(sentence, message := plane.refused(**params)), message
    after = plane.live()
    assert before
    assert after
    assert after["spec"] == before["spec"]
    assert after["metadata"].get("labels") == before["metadata"].get("labels")


def test_two_control_planes_cannot_have_one_node_port(plane: ControlPlane) -> None:
    ports: dict[str, t.Any] = {"service_type": "NodePort", "api_port": 32443, "konnectivity_port": 32132}
    plane.ok(**ports)
    assert not plane.ok(**ports)["changed"]
    create_secret("two", plane.namespace, {KEY: DSN.replace("/kine?", "/two?")})
    other, ports["data_source_secret"] = ControlPlane(plane.modules, plane.namespace, "two"), "two"
    sentence = other.refused(**{**ports, "api_port": 32444})
    assert "32132 (konnectivity_port)" in sentence
    assert f"{plane.namespace}/one" in sentence
    assert other.live() is None
    assert other.ok(**{**ports, "api_port": 32444, "konnectivity_port": 32133})["changed"]


def test_two_control_planes_cannot_have_one_database(plane: ControlPlane) -> None:
    plane.ok()
    other = ControlPlane(plane.modules, plane.namespace, "two")
    assert f"is the one of the control plane {plane.namespace}/one" in other.refused()
    assert other.live() is None


def test_a_forbidden_user_is_told_what_is_missing(plane: ControlPlane) -> None:
    sentence = plane.refused(impersonate_user="nobody")
    assert "Not allowed to get" in sentence
    assert 'user "nobody"' in sentence


def test_removal_keeps_the_secret(plane: ControlPlane) -> None:
    plane.start()
    predicted = plane.ok(check=True, state="absent")
    assert plane.live()
    real = plane.ok(state="absent", wait=True, wait_timeout=120)
    assert real["changed"]
    assert [header for header, _before, _after in objects(predicted)] == [header for header, _b, _a in objects(real)]
    assert "one-ca" in warnings(real)
    assert plane.live() is None
    assert names("pdb", plane.namespace) == []
    assert get("secret", "good", plane.namespace)
    assert not plane.ok(state="absent")["changed"]
