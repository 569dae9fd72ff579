# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authorities that kine verifies its database by, and how their certificates get into a control plane's pods. Pure.

They lie in a ConfigMap beside the data source Secret, because they are no secret and because k0smotron would turn a
key of the Secret into an environment variable. The Secret holds their fingerprint: it changes with them, and rolls the
pods, because kine reads the file only when it starts.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import completed
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.tls import leaves_tls_to_kine
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn

FOLDER = "/etc/database-ca"
"""Where the pods have them. k0smotron makes the volume's name of it, which may have no dots."""
KEY = "ca.crt"
PATH = f"{FOLDER}/{KEY}"
KINE_FLAG = "KINE_KINE_CA_FILE"
"""Key of the Secret that becomes kine's --ca-file, the only way to name a file to its MySQL driver."""
FINGERPRINT = "K0SMOTRON_HA_DATABASE_CA_SHA256"
_REMEDY = "Give the certificates of the authorities that sign the database's certificate, as PEM."


def require_certificates(text: str, origin: str) -> str:
    """The text itself; raises InvalidInput for one that is not made of certificates. It never shows any of it."""
    if not text.strip():
        raise InvalidInput(f"{origin} is empty", _REMEDY)
    if "PRIVATE KEY-----" in text:
        raise InvalidInput(f"{origin} holds a private key, which would be readable for everybody", _REMEDY)
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError):
        raise InvalidInput(f"{origin} holds no certificate that can be read", _REMEDY) from None
    return text


def read(path: str) -> str:
    """The certificates in a file of this machine. Raises InvalidInput."""
    if os.path.isdir(path):
        raise InvalidInput(f"{path} is a folder", _REMEDY)
    try:
        with open(path, encoding="ascii") as file:
            text = file.read()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", _REMEDY) from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not a PEM file", _REMEDY) from None
    return require_certificates(text, path)


def config_map_name(secret: str) -> str:
    """Name of the ConfigMap that goes with a data source Secret."""
    return f"{secret}-ca"


def config_map(secret: str, namespace: str, certificates: str, labels: t.Mapping[str, str]) -> Object:
    """The ConfigMap."""
    metadata = {"name": config_map_name(secret), "namespace": namespace, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {KEY: certificates}}


def mount(secret: str) -> Object:
    """An entry of the Cluster's spec.mounts; has the same form in both of its API versions."""
    return {"path": FOLDER, "configMap": {"name": config_map_name(secret)}}


def secret_data(scheme: str, certificates: str) -> dict[str, str]:
    """What the data source Secret holds beside the DSN for kine to use them."""
    fingerprint = {FINGERPRINT: hashlib.sha256(certificates.encode()).hexdigest()}
    return {**fingerprint, KINE_FLAG: PATH} if scheme == "mysql" else fingerprint


def named_by(dsn: Dsn, kine_flag: str = "") -> str:
    """The file in the pods by which kine verifies this database, "" for none; kine_flag is its --ca-file.

    A tls parameter of a MySQL DSN makes kine ignore the flag (kine 0.16), unless it is false.
    """
    if dsn.scheme == "mysql":
        return kine_flag if leaves_tls_to_kine(dsn) else ""
    return completed(dsn, kine_flag).params.get("sslrootcert", "")
