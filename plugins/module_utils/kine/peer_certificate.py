# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a database server's certificate is good. With it ends the database of every control plane that verifies it."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import struct
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Tls

try:
    from cryptography import x509

    HAS_CRYPTOGRAPHY = hasattr(x509.Certificate, "not_valid_after_utc")  # since its version 42
except ImportError:  # kine_check tells less without it, and is right all the same
    HAS_CRYPTOGRAPHY = False

# What a client of PostgreSQL sends to ask for TLS: the length of the message and its code, 1234 << 16 | 5679.
_SSL_REQUEST = struct.pack("!II", 8, 80877103)
# The last of these parts is near the end. This collection, cert-manager and ACME clients renew with a third left, and
# CloudNativePG its own with 7 of 90 days (1.28, EXPIRING_CHECK_THRESHOLD).
_LIFE_PARTS = 15


def life(der: bytes | None, now: datetime.datetime) -> tuple[str, bool]:
    """When a certificate ends, in ISO 8601, and whether that is near; ("", False) where it cannot be told."""
    if der is None or not HAS_CRYPTOGRAPHY:
        return "", False
    try:
        found = x509.load_der_x509_certificate(der)
    except ValueError:
        return "", False
    begin, end = found.not_valid_before_utc, found.not_valid_after_utc
    return end.isoformat(), end - now < (end - begin) / _LIFE_PARTS


def tls(version: str, cipher: str, der: bytes | None) -> Tls:
    """How a connection is encrypted to the server of this certificate."""
    ends, soon = life(der, datetime.datetime.now(datetime.UTC))
    return Tls(used=True, version=version, cipher=cipher, certificate_ends=ends, ends_soon=soon)


@contextlib.contextmanager
def asked_for_tls(address: str, port: int, seconds: float) -> t.Iterator[socket.socket | None]:
    """A connection to a PostgreSQL server that waits for the TLS handshake; None where it has no TLS. Raises OSError."""
    with socket.create_connection((address, port), seconds) as raw:
        raw.sendall(_SSL_REQUEST)
        yield raw if raw.recv(1) == b"S" else None


def of_postgres(host: str, address: str, port: int, seconds: float) -> bytes | None:
    """The certificate (DER) that a PostgreSQL server shows to who asks for host; None where it shows none.

    By a handshake of its own, because libpq does not hand it out. The server forgets a client that leaves after it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the connection that counts has verified what the DSN says
    # ValueError: a name that Python cannot ask for.
    with contextlib.suppress(OSError, ValueError), asked_for_tls(address, port, seconds) as raw:
        if raw is not None:
            with context.wrap_socket(raw, server_hostname=host) as secure:
                return secure.getpeercert(binary_form=True)
    return None
