# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a kubeconfig on disk may stay."""

from __future__ import annotations

import base64
import datetime

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.k0smotron.ha.plugins.module_utils.kubeconfig_file import may_stay

NOW = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def certificate(made: datetime.datetime, end: datetime.datetime) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "admin")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), made, end)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def kubeconfig(server: str = "https://a:30443", ca: str = "authority", cert: str = "") -> str:
    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    cert = cert or certificate(NOW - DAY, NOW + 365 * DAY)
    cluster = {"server": server, "certificate-authority-data": encoded(ca)}
    user = {"client-certificate-data": encoded(cert), "client-key-data": encoded("key")}
    return yaml.safe_dump(
        {
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )


def test_another_certificate_for_the_same_control_plane_changes_nothing() -> None:
    assert may_stay(kubeconfig(), kubeconfig(), NOW)


@pytest.mark.parametrize(
    "existing",
    [
        "",
        "not: [a kubeconfig",
        "clusters: []",
        kubeconfig(server="https://b:30443"),
        kubeconfig(ca="another authority"),
        kubeconfig(cert="no certificate"),
        kubeconfig(cert=certificate(NOW - 300 * DAY, NOW + 65 * DAY)),
    ],
    ids=["none", "broken", "empty", "other server", "other authority", "no certificate", "near its end"],
)
def test_a_file_that_no_longer_fits_is_replaced(existing: str) -> None:
    assert not may_stay(existing, kubeconfig(), NOW)
