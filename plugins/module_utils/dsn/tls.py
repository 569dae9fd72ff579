# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a DSN says about encryption, as kine's drivers understand it. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import golang
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.model import Dsn

PLAINTEXT = "plaintext"
ENCRYPTED = "encrypted"
VERIFY_CA = "verify-ca"
VERIFY_FULL = "verify-full"
SYSTEM = "system"
"""In place of a file in sslrootcert: the authorities that the system trusts."""

SSL_MODES: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "disable": (PLAINTEXT,),
    "allow": (PLAINTEXT, ENCRYPTED),
    "prefer": (ENCRYPTED, PLAINTEXT),
    "require": (ENCRYPTED,),
    "verify-ca": (VERIFY_CA,),
    "verify-full": (VERIFY_FULL,),
}
_MYSQL_MODES: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "true": (VERIFY_FULL,),
    "false": (PLAINTEXT,),
    "skip-verify": (ENCRYPTED,),
    "preferred": (ENCRYPTED, PLAINTEXT),
}


def completed(dsn: Dsn, ca_file: str) -> Dsn:
    """The DSN as kine hands it to its PostgreSQL driver, with kine's own --ca-file in it; a MySQL DSN as it is.

    So does every kine from 0.9.9 to 0.16.4 (pkg/drivers/pgsql/pgsql.go): the DSN's own parameters win, one by one.
    """
    if dsn.scheme == "mysql" or not ca_file or "sslrootcert" in dsn.params:
        return dsn
    return dataclasses.replace(dsn, params={"sslmode": VERIFY_FULL, **dsn.params, "sslrootcert": ca_file})


def attempts(dsn: Dsn, ca_file: str = "") -> tuple[str, ...]:
    """What kine tries on each host, in that order: plaintext, encrypted (any certificate), verify-ca or verify-full.

    ca_file is kine's own --ca-file. Empty for a mode that the driver refuses.
    """
    if dsn.scheme == "mysql":
        return _mysql(dsn.params, verifies=bool(ca_file) and leaves_tls_to_kine(dsn))
    return SSL_MODES.get(sslmode(completed(dsn, ca_file).params), ())


def verified(dsn: Dsn, ca_file: str = "") -> str:
    """What kine verifies on every connection, with its own --ca-file: ``authority and name``, ``authority``, or ""."""
    tried = set(attempts(dsn, ca_file))
    if tried == {VERIFY_FULL}:
        return "authority and name"
    return "authority" if tried == {VERIFY_CA} else ""


def leaves_tls_to_kine(dsn: Dsn) -> bool:
    """Whether kine's --ca-file counts for a MySQL DSN: its driver has settings of its own for every other ``tls``.

    kine 0.16.4 (prepareConfig of pkg/drivers/mysql) names its settings to a driver that has read ``tls`` by then, and
    that makes none of ``false`` (normalize in go-sql-driver's dsn.go).
    """
    return golang.tls_mode(dsn.params.get("tls", "false")) == "false"


def sslmode(params: t.Mapping[str, str]) -> str:
    """The mode that counts: to pgx a CA file makes ``require`` verify, and ``system`` makes all modes verify."""
    mode = params.get("sslmode", "prefer")
    root = params.get("sslrootcert", "")
    if params.get("sslnegotiation") == "direct" and mode == "prefer":
        mode = "require"
    if root == SYSTEM:
        mode = VERIFY_FULL
    if root and mode == "require":
        mode = VERIFY_CA
    return mode


def _mysql(params: t.Mapping[str, str], *, verifies: bool) -> tuple[str, ...]:
    found = (VERIFY_FULL,) if verifies else _MYSQL_MODES.get(golang.tls_mode(params.get("tls", "false")), ())
    falls_back = golang.boolean(params.get("allowFallbackToPlaintext", ""))
    return (*found, PLAINTEXT) if falls_back and found and PLAINTEXT not in found else found
