# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a server's certificate is near its end."""

from __future__ import annotations

import datetime
import importlib
import socket
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ansible_collections.k0smotron.ha.plugins.module_utils import certificates
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import peer_certificate, rules_connection
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Tls
from tests.unit.module_utils.kine.standin import StandIn, look_at

BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
YEAR = datetime.timedelta(days=365)
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def der() -> bytes:
    authority = certificates.new_authority("a", BEGIN, 10 * YEAR)
    pem = certificates.sign(authority, ["db.default"], BEGIN, YEAR).certificate
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("day", "soon"), [(0, False), (300, False), (340, False), (341, True), (365, True), (400, True)]
)
def test_the_last_fifteenth_of_its_life_is_near_its_end(der: bytes, day: int, soon: bool) -> None:
    assert peer_certificate.life(der, BEGIN + day * DAY) == ("2027-01-01T00:00:00+00:00", soon)


@pytest.mark.parametrize("der", [None, b"", b"no certificate"])
def test_what_cannot_be_told_is_not_near(der: bytes | None) -> None:
    assert peer_certificate.life(der, BEGIN) == ("", False)


@pytest.mark.parametrize(
    ("asked", "status"),
    [("verify-full&sslrootcert=/ca", "warn"), ("verify-ca&sslrootcert=/ca", "warn"), ("require", "ok")],
)
def test_a_certificate_near_its_end_is_a_warning_to_who_verifies_it(asked: str, status: str) -> None:
    ending = Tls(True, "TLSv1.3", "AES", certificate_ends="2027-01-01T00:00:00+00:00", ends_soon=True)
    look = look_at(StandIn(encryption=ending), url=f"postgres://kine:s3cret@db.example:5432/kine?sslmode={asked}")
    finding = rules_connection.is_encrypted(look)
    assert finding.status == status
    assert ("ends at 2027-01-01T00:00:00+00:00" in finding.observed) is (status == "warn")
    assert ("a run of site" in finding.remedy) is (status == "warn")


def test_an_old_cryptography_tells_nothing(der: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    class Certificate:
        not_valid_after = BEGIN

    with monkeypatch.context() as patch:
        patch.setattr(x509, "Certificate", Certificate)
        importlib.reload(peer_certificate)
    assert peer_certificate.life(der, BEGIN) == ("", False)
    importlib.reload(peer_certificate)
    assert peer_certificate.life(der, BEGIN) != ("", False)


@pytest.mark.parametrize(
    ("answer", "host"), [(b"N", "db"), (b"", "db"), (b"HTTP/1.1 400 Bad Request", "db"), (b"S", "no..name"), (b"S", "")]
)
def test_a_server_without_tls_shows_no_certificate(answer: bytes, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as client:
                client.recv(8)
                client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        address, port = server.getsockname()
        assert peer_certificate.of_postgres(host, address, port, 5) is None
        thread.join()


def test_a_server_that_is_not_there_shows_no_certificate() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address, port = server.getsockname()
    assert peer_certificate.of_postgres("db", address, port, 5) is None
