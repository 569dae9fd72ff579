# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorities, and the server certificates that they sign, as PEM texts. Pure, but for the random numbers in keys."""

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

# For machines whose clock is behind.
BACKDATED = datetime.timedelta(hours=1)


@dataclasses.dataclass(frozen=True)
class Authority:
    """PEM texts: who signs."""

    certificate: str
    key: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Bundle:
    """PEM texts: certificate authorities to trust (newest first), the serving certificate and its key."""

    ca: str
    certificate: str
    key: str = dataclasses.field(repr=False)


def new_authority(name: str, now: datetime.datetime, lifetime: datetime.timedelta) -> Authority:
    """An authority that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    certificate = (
        _builder(subject, subject, key.public_key(), now, lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(_pem(certificate), _key_pem(key))


def sign(
    authority: Authority,
    dns_names: t.Sequence[str],
    now: datetime.datetime,
    lifetime: datetime.timedelta,
    *,
    client: bool = False,
) -> Bundle:
    """A serving certificate for dns_names with a new key; with client, one to show to other servers, too."""
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    issuer_key = t.cast(
        "ec.EllipticCurvePrivateKey", serialization.load_pem_private_key(authority.key.encode(), password=None)
    )
    key = ec.generate_private_key(ec.SECP256R1())
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if client else [])]
    certificate = (
        _builder(_name(dns_names[0]), issuer.subject, key.public_key(), now, lifetime)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in dns_names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    return Bundle(ca=authority.certificate, certificate=_pem(certificate), key=_key_pem(key))


def signs(authority: Authority, now: datetime.datetime) -> bool:
    """Whether an authority can sign: certificate and key belong together, and more than a third of its life is left."""
    try:
        certificate = x509.load_pem_x509_certificate(authority.certificate.encode())
        key = serialization.load_pem_private_key(authority.key.encode(), password=None)
    except (ValueError, TypeError):
        return False
    return key.public_key() == certificate.public_key() and has_life_left(certificate, now)


def serves(bundle: Bundle, dns_names: t.Sequence[str], now: datetime.datetime) -> bool:
    """Whether a Bundle serves these names, belongs together and has more than a third of its life left."""
    try:
        certificate = x509.load_pem_x509_certificate(bundle.certificate.encode())
        authorities = x509.load_pem_x509_certificates(bundle.ca.encode())
        key = serialization.load_pem_private_key(bundle.key.encode(), password=None)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return False
    issuer = next((one for one in authorities if _issued(one, certificate)), None)
    return (
        issuer is not None
        and set(dns_names) <= set(names.get_values_for_type(x509.DNSName))
        and key.public_key() == certificate.public_key()
        and has_life_left(certificate, now)
        and issuer.not_valid_after_utc >= certificate.not_valid_after_utc
    )


def _issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def has_life_left(certificate: x509.Certificate, now: datetime.datetime) -> bool:
    """Whether a certificate is valid and has more than a third of its life left."""
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return certificate.not_valid_before_utc <= now and certificate.not_valid_after_utc - now > life / 3


def newest(ca: str, now: datetime.datetime) -> str:
    """The first certificate of a bundle as PEM; "" when it is none or over."""
    try:
        first = x509.load_pem_x509_certificates(ca.encode())[0]
    except ValueError:
        return ""
    return _pem(first) if first.not_valid_after_utc > now else ""


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: t.Any, now: datetime.datetime, lifetime: datetime.timedelta
) -> t.Any:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
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
