# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a server's certificate and prints, as the data of a Secret, one that says the same, signed by somebody else."""

from __future__ import annotations

import base64
import json
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

genuine = x509.load_pem_x509_certificate(sys.stdin.buffer.read())
key = ec.generate_private_key(ec.SECP256R1())
builder = x509.CertificateBuilder(
    issuer_name=genuine.issuer,
    subject_name=genuine.subject,
    public_key=key.public_key(),
    serial_number=genuine.serial_number,
    not_valid_before=genuine.not_valid_before_utc,
    not_valid_after=genuine.not_valid_after_utc,
)
for extension in genuine.extensions:
    builder = builder.add_extension(extension.value, extension.critical)
forged = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())

PEM, PLAIN = serialization.Encoding.PEM, serialization.NoEncryption()
files = {
    "tls.crt": forged.public_bytes(PEM),
    "tls.key": key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, PLAIN),
}
print(json.dumps({name: base64.b64encode(text).decode() for name, text in files.items()}))
