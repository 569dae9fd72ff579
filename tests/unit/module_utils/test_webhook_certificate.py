# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhook certificate: what openssl and TLS make of it, when it is kept, and where its authority goes."""

from __future__ import annotations

import dataclasses
import datetime
import socket
import ssl
import threading
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import manifests_certificates as certificates
from ansible_collections.k0smotron.ha.plugins.module_utils.certificates import Bundle, serves
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.webhook_certificate import LIFETIME, issue, renewed

if t.TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.datetime.now(datetime.UTC)
NAME = "webhook-service.system.svc"
NAMES = (NAME, f"{NAME}.cluster.local")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return issue(NAMES, NOW)


def handshake(bundle: Bundle, trusted: str, name: str, folder: Path) -> None:
    """A real TLS handshake, as the API server does it with a webhook. Raises ssl.SSLError."""
    (folder / "pair.pem").write_text(bundle.certificate + bundle.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "pair.pem")
    client = ssl.create_default_context(cadata=trusted)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    left, right = socket.socketpair()
    with left, right:
        thread = threading.Thread(target=_serve, args=(server, left))
        thread.start()
        try:
            client.wrap_socket(right, server_hostname=name).close()
        finally:
            right.close()
            thread.join()


def _serve(context: ssl.SSLContext, connection: socket.socket) -> None:
    try:
        context.wrap_socket(connection, server_side=True).close()
    except OSError:
        connection.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_trusts_the_authority_accepts_it(bundle: Bundle, name: str, tmp_path: Path) -> None:
    handshake(bundle, bundle.ca, name, tmp_path)


def test_other_names_and_authorities_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(bundle, bundle.ca, "other.system.svc", tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(bundle, issue(NAMES, NOW).ca, NAME, tmp_path)


def test_it_is_kept_for_two_thirds_of_its_life(bundle: Bundle) -> None:
    assert renewed(bundle, NAMES, NOW) is bundle
    assert renewed(bundle, NAMES[:1], NOW + LIFETIME * 0.6) is bundle
    assert renewed(bundle, NAMES, NOW + LIFETIME * 0.7) is not bundle


def test_it_is_renewed_for_another_name(bundle: Bundle) -> None:
    assert not serves(bundle, (*NAMES, "more.system.svc"), NOW)


def test_a_renewal_trusts_the_old_authority_as_well(bundle: Bundle, tmp_path: Path) -> None:
    later = renewed(bundle, ("new.system.svc",), NOW)
    handshake(bundle, later.ca, NAME, tmp_path)
    handshake(later, later.ca, "new.system.svc", tmp_path)
    assert later.ca.count("BEGIN CERTIFICATE") == 2
    assert renewed(later, NAMES, NOW).ca.count("BEGIN CERTIFICATE") == 2, "only one old authority is kept"
    assert renewed(later, ("new.system.svc",), NOW) is later


def test_an_authority_that_is_over_is_dropped(bundle: Bundle) -> None:
    assert renewed(bundle, NAMES, NOW + LIFETIME * 1.1).ca.count("BEGIN CERTIFICATE") == 1


@pytest.mark.parametrize("field", ["ca", "certificate", "key"])
def test_parts_that_do_not_belong_together_are_replaced(bundle: Bundle, field: str) -> None:
    other = issue(NAMES, NOW)
    assert not serves(dataclasses.replace(bundle, **{field: getattr(other, field)}), NAMES, NOW)
    assert not serves(dataclasses.replace(bundle, **{field: "broken"}), NAMES, NOW)


def test_the_key_is_not_in_the_representation(bundle: Bundle) -> None:
    assert "PRIVATE" not in repr(bundle)


# -- in manifests ----------------------------------------------------------------------------------------------------

INJECT = {"cert-manager.io/inject-ca-from": "system/serving-cert"}


def certificate(**spec: t.Any) -> Object:
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "serving-cert", "namespace": "system"},
        "spec": {"secretName": "webhook-cert", "dnsNames": list(NAMES), **spec},
    }


def manifests() -> list[Object]:
    issuer = {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "i", "namespace": "system"}}
    webhook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "w", "annotations": {**INJECT, "other": "stays"}},
        "webhooks": [{"clientConfig": {"service": {"name": "a"}}}, {"clientConfig": {"service": {"name": "b"}}}],
    }
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"name": "a"}}}}
    crd: Object = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "c", "annotations": dict(INJECT)},
        "spec": {"conversion": conversion},
    }
    plain = {**crd, "metadata": {"name": "p", "annotations": dict(INJECT)}, "spec": {}}
    foreign = {**webhook, "metadata": {"name": "f", "annotations": {"cert-manager.io/inject-ca-from": "x/y"}}}
    return [certificate(), issuer, webhook, crd, plain, foreign]


def test_cert_manager_is_replaced_by_a_secret_and_authorities(bundle: Bundle) -> None:
    objects = manifests()
    wanted = certificates.wanted(objects)
    secret, webhook, crd, plain, foreign = certificates.without_cert_manager(objects, {wanted[0].key: bundle}, wanted)
    assert certificates.bundle_in(secret) == bundle
    assert (secret["metadata"]["name"], secret["metadata"]["namespace"]) == ("webhook-cert", "system")
    assert secret["type"] == "kubernetes.io/tls"
    authorities = {one["clientConfig"]["caBundle"] for one in webhook["webhooks"]}
    authorities.add(crd["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"])
    assert authorities == {secret["data"]["ca.crt"]}
    assert webhook["metadata"]["annotations"] == {"other": "stays"}
    assert plain["spec"] == {}
    assert foreign == objects[-1], "another certificate's webhooks are left alone"
    assert "caBundle" not in str(objects), "the input is left alone"


def test_a_certificate_without_names_cannot_be_made_here() -> None:
    with pytest.raises(InvalidInput, match="cert_manager"):
        certificates.wanted([certificate(dnsNames=[])])


@pytest.mark.parametrize(
    "data", [None, {}, {"tls.crt": "", "tls.key": ""}, {"ca.crt": "!", "tls.crt": "", "tls.key": ""}]
)
def test_secrets_without_a_bundle(data: Object | None) -> None:
    assert certificates.bundle_in({"data": data}) is None
