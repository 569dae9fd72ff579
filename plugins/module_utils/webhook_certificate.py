# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate for a webhook's Service, made here where no cert-manager is.

A certificate authority signs one serving certificate and is then forgotten: its key is never stored, so nothing else
can ever be signed in its name. A renewal makes a new authority and trusts the old one beside it, because the pods
read the new certificate from their mounted Secret only about a minute after the API server trusts the new authority.
"""

from __future__ import annotations

import dataclasses
import datetime
import traceback
import typing as t

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    IMPORT_ERROR: str | None = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

# Renewal happens only when somebody runs the role: long, and renewed with years to spare.
LIFETIME = datetime.timedelta(days=3650)
# For machines whose clock is behind.
BACKDATED = datetime.timedelta(hours=1)


@dataclasses.dataclass(frozen=True)
class Bundle:
    """PEM texts: certificate authorities to trust (newest first), the serving certificate and its key."""

    ca: str
    certificate: str
    key: str = dataclasses.field(repr=False)


def renewed(current: Bundle | None, dns_names: t.Sequence[str], now: datetime.datetime) -> Bundle:
    """current itself while it can be used, else a new Bundle that also trusts current's authority."""
    if current is not None and usable(current, dns_names, now):
        return current
    fresh = issue(dns_names, now)
    old_authority = _newest_authority(current.ca, now) if current else ""
    return dataclasses.replace(fresh, ca=fresh.ca + old_authority)


def usable(bundle: Bundle, dns_names: t.Sequence[str], now: datetime.datetime) -> bool:
    """Whether a Bundle serves these names, belongs together and has more than a third of its life left."""
    try:
        certificate = x509.load_pem_x509_certificate(bundle.certificate.encode())
        authority = x509.load_pem_x509_certificates(bundle.ca.encode())[0]
        key = serialization.load_pem_private_key(bundle.key.encode(), password=None)
        certificate.verify_directly_issued_by(authority)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return (
        set(dns_names) <= set(names.get_values_for_type(x509.DNSName))
        and key.public_key() == certificate.public_key()
        and all(_has_life_left(one, now) for one in (certificate, authority))
    )


def _has_life_left(certificate: x509.Certificate, now: datetime.datetime) -> bool:
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return certificate.not_valid_before_utc <= now and certificate.not_valid_after_utc - now > life / 3


def _newest_authority(ca: str, now: datetime.datetime) -> str:
    """The first authority of a bundle as PEM; "" when it is none or over."""
    try:
        authority = x509.load_pem_x509_certificates(ca.encode())[0]
    except ValueError:
        return ""
    return _pem(authority) if authority.not_valid_after_utc > now else ""


def issue(dns_names: t.Sequence[str], now: datetime.datetime) -> Bundle:
    """A new authority and a serving certificate of it for dns_names."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("k0smotron.ha webhook authority")
    authority = (
        _builder(issuer, issuer, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _builder(_name(dns_names[0]), issuer, key.public_key(), now)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in dns_names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return Bundle(ca=_pem(authority), certificate=_pem(certificate), key=_key_pem(key))


def _builder(subject: x509.Name, issuer: x509.Name, public_key: t.Any, now: datetime.datetime) -> t.Any:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    # RFC 5280 ends a common name at 64 characters; servers are identified by their SAN anyway.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
