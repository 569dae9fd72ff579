# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods through the API server: port-forward, HTTPS over it, exec, which pod is behind a Service, why a pod fails."""

from __future__ import annotations

import base64
import concurrent.futures
import datetime
import socket
import time
import typing as t
import urllib.request

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, NotFound, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_diagnose import pod_ready
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict
from tests.integration.node_images import database_image

Object: t.TypeAlias = dict[str, t.Any]

MEGABYTES = 5
NAME = "server.example"
# Plain HTTP on 8000 with a large answer, HTTPS on 8443 for clients with a certificate.
SERVER = f"""
import http.server, ssl, threading
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b"x" * {MEGABYTES << 20} if self.path == "/large" else b"path " + self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
plain = http.server.ThreadingHTTPServer(("", 8000), Handler)
threading.Thread(target=plain.serve_forever).start()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
context.load_verify_locations("/tls/ca.crt")
context.verify_mode = ssl.CERT_REQUIRED
secure = http.server.ThreadingHTTPServer(("", 8443), Handler)
secure.socket = context.wrap_socket(secure.socket, server_side=True)
secure.serve_forever()
"""


def image(kube: Kube) -> str:
    return database_image(list(kube.list("v1", "Node")))


class Authority:
    """A certificate authority for the test, with one server and one client."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.ca = self._pem(self._signed("authority", self._key, is_authority=True))
        self.server, self.server_key = self._pair(NAME)
        self.client, self.client_key = self._pair("client")

    def _pair(self, name: str) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        text = key.private_bytes(encoding, form, serialization.NoEncryption()).decode()
        return self._pem(self._signed(name, key, is_authority=False)), text

    def _signed(self, name: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @staticmethod
    def _pem(certificate: x509.Certificate) -> str:
        return certificate.public_bytes(serialization.Encoding.PEM).decode()


class Site(t.NamedTuple):
    """A running server pod."""

    namespace: str
    pod: str
    authority: Authority


@pytest.fixture(scope="module")
def site(kube: Kube) -> t.Iterator[Site]:
    """Give a pod that serves HTTP and HTTPS."""
    namespace, authority = "kube-pods", Authority()
    data = {"ca.crt": authority.ca, "tls.crt": authority.server, "tls.key": authority.server_key, "server.py": SERVER}
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    container = {
        "name": "server",
        "image": image(kube),
        "command": ["python3", "/tls/server.py"],
        "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
        "readinessProbe": {"tcpSocket": {"port": 8443}, "periodSeconds": 1},
    }
    kube.apply(
        [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "tls", "namespace": namespace},
                "data": encoded,
            },
            pod(namespace, "server", container, volumes=[{"name": "tls", "secret": {"secretName": "tls"}}]),
        ]
    )
    try:
        await_ready(kube, namespace, "server")
        yield Site(namespace, "server", authority)
    finally:
        kube.delete([Ref("v1", "Namespace", namespace)], 120)


def pod(namespace: str, name: str, container: Object, **spec: t.Any) -> Object:
    """A pod of one container, which ends at once when it is deleted."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0, **spec},
    }


def await_ready(kube: Kube, namespace: str, name: str) -> None:
    def ready() -> Verdict:
        found = kube.get("v1", "Pod", name, namespace) or {}
        return Verdict(up=pod_ready(found), reason=f"pod {name} is not ready")

    kube.wait(ready, 60, lambda: kube.diagnose(namespace, f"app={name}"))


def get(address: tuple[str, int], path: str) -> bytes:
    with urllib.request.urlopen(f"http://{address[0]}:{address[1]}{path}", timeout=30) as answer:
        return t.cast(bytes, answer.read())


def test_forward_carries_many_connections_at_once(kube: Kube, site: Site) -> None:
    with kube.forward(site.namespace, site.pod, 8000) as address:
        assert address[0] == "127.0.0.1"
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda number: get(address, f"/{number}"), range(24)))
    assert answers == [f"path /{number}".encode() for number in range(24)]


def test_forward_carries_large_answers(kube: Kube, site: Site) -> None:
    with kube.forward(site.namespace, site.pod, 8000) as address:
        assert len(get(address, "/large")) == MEGABYTES << 20


def has_ended(connection: socket.socket) -> bool:
    connection.settimeout(10)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_forward_ends_with_its_context(kube: Kube, site: Site) -> None:
    with kube.forward(site.namespace, site.pod, 8000) as address:
        idle = socket.create_connection(address)
        get(address, "/")
    with idle:
        assert has_ended(idle)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=2)


def test_forward_to_a_port_that_nobody_serves(kube: Kube, site: Site) -> None:
    with kube.forward(site.namespace, site.pod, 8001) as address, pytest.raises(OSError):  # noqa: PT011 (see above)
        get(address, "/")


def https_get(kube: Kube, site: Site, ca: str, server_name: str) -> tuple[int, str]:
    client, key = site.authority.client, site.authority.client_key
    return kube.https(
        "GET", site.namespace, site.pod, 8443, "/readyz", ca=ca, cert=client, key=key, server_name=server_name
    )


def test_https_with_a_client_certificate(kube: Kube, site: Site) -> None:
    assert https_get(kube, site, site.authority.ca, NAME) == (200, "path /readyz")


@pytest.mark.parametrize(("wrong", "says"), [("name", "Hostname mismatch|match"), ("ca", "CERTIFICATE_VERIFY_FAILED")])
def test_https_to_somebody_else(kube: Kube, site: Site, wrong: str, says: str) -> None:
    ca = Authority().ca if wrong == "ca" else site.authority.ca
    name = "other.example" if wrong == "name" else NAME
    with pytest.raises(Unreachable, match=says):
        https_get(kube, site, ca, name)


def test_exec(kube: Kube, site: Site) -> None:
    assert kube.exec(site.namespace, site.pod, ["sh", "-c", "echo out; echo err >&2"]) == "out\n"
    with pytest.raises(HaError, match="exit status 7: because"):
        kube.exec(site.namespace, site.pod, ["sh", "-c", "echo because >&2; exit 7"])
    with pytest.raises(HaError, match=r"no-such-program.*not found"):
        kube.exec(site.namespace, site.pod, ["no-such-program"])


def test_a_pod_that_is_not_there(kube: Kube, site: Site) -> None:
    with pytest.raises(NotFound, match="no-such-pod"):
        kube.exec(site.namespace, "no-such-pod", ["true"])
    with kube.forward(site.namespace, "no-such-pod", 8000) as address, pytest.raises(OSError):  # noqa: PT011 (see above)
        get(address, "/")


def test_the_pod_behind_a_service(kube: Kube, site: Site) -> None:
    metadata = {"name": "selecting", "namespace": site.namespace}
    spec = {"selector": {"app": "server"}, "ports": [{"port": 8000}]}
    kube.apply([{"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}])

    def found() -> Verdict:
        try:
            return Verdict(up=kube.pod_behind(site.namespace, "selecting") == site.pod, reason="another pod")
        except NotFound as error:
            return Verdict(up=False, reason=str(error))

    kube.wait(found, 20)


def test_the_pod_behind_a_service_without_selector(kube: Kube, site: Site) -> None:
    """As Patroni does it: an address without a reference to a pod."""
    metadata = {"name": "leader", "namespace": site.namespace}
    address = (kube.get("v1", "Pod", site.pod, site.namespace) or {})["status"]["podIP"]
    subsets = [{"addresses": [{"ip": address}], "ports": [{"port": 8000}]}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 8000}]}}
    kube.apply([service, {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets}])
    assert kube.pod_behind(site.namespace, "leader") == site.pod


def test_no_pod_behind_a_service(kube: Kube, site: Site) -> None:
    with pytest.raises(NotFound, match='"nothing"'):
        kube.pod_behind(site.namespace, "nothing")


def test_a_diagnosis_names_state_event_and_log_line(kube: Kube, site: Site) -> None:
    script = "echo first; echo cannot reach postgres://kine:hunter2@db:5432/kine; exit 1"
    crashing = {"name": "main", "image": image(kube), "command": ["sh", "-c", script]}
    kube.apply([pod(site.namespace, "crashing", crashing)])
    deadline = time.monotonic() + 60
    while "last event: BackOff" not in (text := kube.diagnose(site.namespace, "app=crashing")):
        assert time.monotonic() < deadline, text
        time.sleep(1)
    assert "container main" in text
    assert "last log line: cannot reach postgres://kine:***@db:5432/kine" in text
    assert "hunter2" not in text


def test_a_diagnosis_of_a_pod_that_finds_no_node(kube: Kube, site: Site) -> None:
    container = {"name": "main", "image": "none.example/none"}
    kube.apply([pod(site.namespace, "homeless", container, nodeSelector={"no": "such-node"})])
    deadline = time.monotonic() + 20
    while "FailedScheduling" not in (text := kube.diagnose(site.namespace, "app=homeless")):
        assert time.monotonic() < deadline, text
        time.sleep(0.5)
    assert "pod homeless is Pending" in text
