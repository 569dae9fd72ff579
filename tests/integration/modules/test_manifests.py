# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module manifests on a real cluster: order, prediction, certificates, proof, removal."""

from __future__ import annotations

import json
import re
import secrets
import typing as t

import pytest

from tests.integration.modules.runner import Modules, get, kubectl
from tests.integration.node_images import database_image_of

if t.TYPE_CHECKING:
    from pathlib import Path

Object: t.TypeAlias = dict[str, t.Any]

# Answers every question of the API server with yes; a stand-in for an operator, whose own webhook is tested with it.
WEBHOOK = """
import http.server, json, ssl
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        review["response"] = {"uid": review.pop("request")["uid"], "allowed": True}
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
server = http.server.ThreadingHTTPServer(("", 8443), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


class Operator:
    """The manifests of a small operator in a folder: namespace, CRD, webhook with a certificate of cert-manager."""

    def __init__(self, folder: Path) -> None:
        self.name = f"manifests-{secrets.token_hex(3)}"
        self.group = f"{self.name}.example.com"
        self.crd = f"things.{self.group}"
        self.folder = folder

    def thing(self, name: str = "probe", **spec: t.Any) -> Object:
        """An object of the operator's kind."""
        metadata = {"name": name, "namespace": self.name}
        return {"apiVersion": f"{self.group}/v1", "kind": "Thing", "metadata": metadata, "spec": spec}

    def write(self, image: str = "none.example/operator:v1", replicas: int = 0, **labels: str) -> None:
        """Write the manifests in an order that would not work; its pods are selected by these labels, too."""
        workload = self._deployment(image, replicas, labels)
        objects = [self._webhook(), *self._certificate(), workload, self._service()]
        settings = {"script.py": WEBHOOK, "level": "info"}
        objects += [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": self._metadata("settings"), "data": settings},
            self._crd(),
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}},
        ]
        for number, obj in enumerate(objects):
            (self.folder / f"{number}.json").write_text(json.dumps(obj))

    def _metadata(self, name: str) -> Object:
        return {"name": name, "namespace": self.name}

    def _crd(self) -> Object:
        schema = {
            "type": "object",
            "properties": {"spec": {"type": "object", "properties": {"a": {"type": "integer"}}}},
        }
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        names = {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"}
        spec = {"group": self.group, "scope": "Namespaced", "names": names, "versions": [version]}
        api_version = "apiextensions.k8s.io/v1"
        return {
            "apiVersion": api_version,
            "kind": "CustomResourceDefinition",
            "metadata": {"name": self.crd},
            "spec": spec,
        }

    def _webhook(self) -> Object:
        service = {"name": "webhook", "namespace": self.name, "path": "/"}
        rule = {"apiGroups": [self.group], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["things"]}
        webhook = {
            "name": f"v.{self.group}",
            "clientConfig": {"service": service},
            "rules": [rule],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }
        annotations = {"cert-manager.io/inject-ca-from": f"{self.name}/serving"}
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": self.name, "annotations": annotations},
            "webhooks": [webhook],
        }

    def _certificate(self) -> list[Object]:
        names = [f"webhook.{self.name}.svc"]
        spec = {"secretName": "webhook-cert", "dnsNames": names, "issuerRef": {"kind": "Issuer", "name": "self"}}
        api_version = "cert-manager.io/v1"
        return [
            {"apiVersion": api_version, "kind": "Certificate", "metadata": self._metadata("serving"), "spec": spec},
            {
                "apiVersion": api_version,
                "kind": "Issuer",
                "metadata": self._metadata("self"),
                "spec": {"selfSigned": {}},
            },
        ]

    def _service(self) -> Object:
        spec = {"selector": {"app": "webhook"}, "ports": [{"port": 443, "targetPort": 8443}]}
        return {"apiVersion": "v1", "kind": "Service", "metadata": self._metadata("webhook"), "spec": spec}

    def _deployment(self, image: str, replicas: int, more: t.Mapping[str, str]) -> Object:
        mounts = [{"name": "tls", "mountPath": "/tls"}, {"name": "settings", "mountPath": "/settings"}]
        container = {
            "name": "webhook",
            "image": image,
            "command": ["python3", "/settings/script.py"],
            "volumeMounts": mounts,
            "readinessProbe": {"tcpSocket": {"port": 8443}, "periodSeconds": 1},
        }
        volumes = [
            {"name": "tls", "secret": {"secretName": "webhook-cert"}},
            {"name": "settings", "configMap": {"name": "settings"}},
        ]
        pod = {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 1}
        labels = {"app": "webhook", **more}
        template = {"metadata": {"labels": labels}, "spec": pod}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": self._metadata("webhook"), "spec": spec}


@pytest.fixture
def operator(tmp_path: Path, kubeconfig: Path) -> t.Iterator[Operator]:
    """Give an operator that is not installed, and remove everything of it afterwards."""
    del kubeconfig
    operator = Operator(tmp_path)
    operator.write()
    yield operator
    kubectl("delete", "validatingwebhookconfiguration", operator.name, "--ignore-not-found")
    kubectl("delete", "crd", operator.crd, "--ignore-not-found")
    kubectl("delete", "namespace", operator.name, "--ignore-not-found", "--wait=false")


class Install(t.Protocol):
    """Run the module on the operator's folder."""

    def __call__(self, *, check: bool = False, **more: t.Any) -> Object:
        """Return its result."""


@pytest.fixture
def install(operator: Operator, modules: Modules) -> Install:
    """Give the module with what every test shares."""

    def run(*, check: bool = False, **more: t.Any) -> Object:
        options = {"certificates": "self_signed", "wait": False, **more}
        return modules.ok("manifests", check=check, source=[str(operator.folder)], **options)

    return run


def actions(result: Object) -> list[tuple[str, str]]:
    return [(item["kind"], item["action"]) for item in result["objects"]]


def test_check_mode_on_an_empty_cluster_predicts_the_run(install: Install, operator: Operator) -> None:
    predicted = install(check=True)
    assert get("namespace", operator.name, "default") is None
    done = install()
    assert actions(predicted) == actions(done)
    assert [kind for kind, _action in actions(done)] == [
        "Namespace",
        "CustomResourceDefinition",
        "Secret",
        "ConfigMap",
        "Deployment",
        "Service",
        "ValidatingWebhookConfiguration",
    ]
    assert {action for _kind, action in actions(done)} == {"create"}
    assert done["certificates"] == "self_signed"


def test_a_second_run_changes_nothing(install: Install) -> None:
    install()
    for check in (True, False):
        result = install(check=check)
        assert not result["changed"]
        assert result.get("diff", []) == []


def test_no_key_is_shown(install: Install, operator: Operator) -> None:
    result = install()
    live = get("secret", "webhook-cert", operator.name)
    assert live is not None
    text = json.dumps(result)
    assert live["data"]["tls.key"] not in text
    assert "PRIVATE KEY" not in text


def test_a_setting_changes_the_config_map_and_restarts_the_workload(install: Install, operator: Operator) -> None:
    install(config_maps={"settings": {"level": "info"}})
    result = install(config_maps={"settings": {"level": "debug", "verbose": True}})
    assert {kind for kind, action in actions(result) if action == "patch"} == {"ConfigMap", "Deployment"}
    live = get("configmap", "settings", operator.name)
    assert live is not None
    assert (live["data"]["level"], live["data"]["verbose"]) == ("debug", "true")


def test_a_deployment_that_selects_other_pods_is_made_anew(install: Install, operator: Operator) -> None:
    install()
    before = get("deployment", "webhook", operator.name)
    operator.write(provider="other")
    predicted = install(check=True)
    assert get("deployment", "webhook", operator.name) == before
    done = install()
    assert predicted["diff"] == done["diff"]
    assert [kind for kind, action in actions(done) if action != "none"] == ["Deployment"]
    after = get("deployment", "webhook", operator.name)
    assert before is not None
    assert after is not None
    assert after["spec"]["selector"]["matchLabels"] == {"app": "webhook", "provider": "other"}
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert not install()["changed"]


def test_and_stays_when_the_new_one_would_be_refused(install: Install, operator: Operator, modules: Modules) -> None:
    install()
    before = get("deployment", "webhook", operator.name)
    operator.write(replicas=-1, provider="other")
    says = modules.refused("manifests", source=[str(operator.folder)], certificates="self_signed")
    assert "spec.replicas" in says
    assert get("deployment", "webhook", operator.name) == before


def test_another_image(install: Install, operator: Operator) -> None:
    install(images={"operator": "mirror.example/operator"})
    live = get("deployment", "webhook", operator.name)
    assert live is not None
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "mirror.example/operator:v1"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"checksum": "wrong"}, "SHA-256 is [0-9a-f]{64}"),
        ({"images": {"operatorr": "x"}}, "use no image operatorr"),
        ({"config_maps": {"setings": {}}}, "hold no ConfigMap setings"),
        ({"certificates": "cert_manager"}, "cert-manager is not installed"),
    ],
)
def test_nothing_is_made_when_something_is_wrong(
    modules: Modules, operator: Operator, options: Object, says: str
) -> None:
    source = str(operator.folder)
    if "checksum" in options:
        options = {"checksum": {source: "0" * 64}}
    assert re.search(says, modules.refused("manifests", source=[source], **options))
    assert get("namespace", operator.name, "default") is None


def test_the_checksum_of_the_result_is_the_one_to_give(install: Install, operator: Operator) -> None:
    known = install(check=True)["checksums"]
    assert list(known) == [str(operator.folder)]
    install(check=True, checksum=known)


def test_removal_keeps_definitions_and_namespace(install: Install, operator: Operator) -> None:
    install()
    predicted = install(check=True, state="absent")
    done = install(state="absent", wait=True, wait_timeout=60)
    assert actions(predicted) == actions(done)
    assert [kind for kind, _action in actions(done)] == [
        "ValidatingWebhookConfiguration",
        "Service",
        "Deployment",
        "ConfigMap",
        "Secret",
    ]
    assert not install(state="absent")["changed"]
    assert kubectl("get", "crd", operator.crd)
    assert kubectl("get", "namespace", operator.name)


def test_definitions_go_only_without_objects_or_by_name(install: Install, operator: Operator, modules: Modules) -> None:
    install()
    install(state="absent", wait=True)
    kubectl("apply", "-f", "-", stdin=json.dumps(operator.thing("kept")))
    refused = modules.refused("manifests", source=[str(operator.folder)], state="absent", remove_crds=True)
    assert f"Thing {operator.name}/kept" in refused
    assert kubectl("get", "crd", operator.crd)
    gone = install(state="absent", remove_crds=True, remove_crds_with_objects=[operator.crd], wait=True)
    assert actions(gone) == [("CustomResourceDefinition", "delete")]
    assert not kubectl("get", "crd", operator.crd, "--ignore-not-found")


def test_everything_can_go(install: Install, operator: Operator) -> None:
    install()
    install(state="absent", remove_crds=True, remove_namespaces=True, wait=True, wait_timeout=120)
    assert not kubectl("get", "namespace", operator.name, "--ignore-not-found")


def test_a_webhook_with_our_certificate_answers(install: Install, operator: Operator) -> None:
    operator.write(database_image_of(kubectl("get", "nodes", "-o", "json")), replicas=1)
    install(wait=True, wait_timeout=90, probe=operator.thing(a=1))
    kubectl("apply", "-f", "-", stdin=json.dumps(operator.thing("stored", a=2)))
    assert (
        kubectl("get", f"things.{operator.group}", "-n", operator.name, "-o", "name").split("/")[-1].strip() == "stored"
    )


def test_a_workload_that_does_not_start_is_explained(operator: Operator, modules: Modules) -> None:
    operator.write(replicas=1)
    says = modules.refused(
        "manifests", source=[str(operator.folder)], certificates="self_signed", wait=True, wait_timeout=20
    )
    assert f"Deployment {operator.name}/webhook: 0 of 1 replicas are available" in says
    assert "container webhook: waiting (" in says
    assert "none.example/operator:v1" in says


def test_a_probe_that_the_schema_refuses_ends_at_once(install: Install, operator: Operator, modules: Modules) -> None:
    install()
    probe = operator.thing(a="not a number")
    says = modules.refused(
        "manifests",
        source=[str(operator.folder)],
        certificates="self_signed",
        probe=probe,
        wait_timeout=60,
    )
    assert "spec.a" in says
