# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong on a MySQL or MariaDB connection, as typed errors with a remedy and without any secret."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import mask_text
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Conflict,
    Forbidden,
    HaError,
    InvalidInput,
    NotFound,
    Unreachable,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.connection_errors import (
    FORGED,
    HUNG_UP,
    NO_ANSWER,
    NO_ROUTE,
    REFUSED,
    Reason,
    exhausted,
    failed_connection,
    lost,
    unexplained,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import DuplicateRevision, SerializationFailure

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn

# PyMySQL puts this before the words of what lies below.
_WRAPPED = re.compile(r"Can't connect to MySQL server on \S+ \((.*)\)", re.DOTALL)

# The first match counts: codes are the server's own word, texts are what lies below it.
REASONS: t.Final = (
    Reason(
        "",
        Forbidden,
        "wrong password, no such account, or one that must use TLS",
        "Correct user and password in the DSN (never percent-encoded), or ALTER USER ... IDENTIFIED BY ...; an account"
        " made with REQUIRE SSL, or a server with require_secure_transport, needs tls in the DSN.",
        codes=(1045, 1698),
    ),
    Reason(
        "",
        Forbidden,
        "the account may not use this database",
        "GRANT ALL ON the database TO the account, or correct the database in the DSN.",
        codes=(1044,),
    ),
    Reason(
        "",
        NotFound,
        "the database does not exist",
        "CREATE DATABASE ...; and grant it to the account.",
        codes=(1049,),
    ),
    Reason(
        "",
        Forbidden,
        "the account is locked",
        "ALTER USER ... ACCOUNT UNLOCK, or use another account.",
        codes=(3118, 4151),
    ),
    Reason(
        "",
        Forbidden,
        "the account's password has expired",
        "ALTER USER ... IDENTIFIED BY ..., and PASSWORD EXPIRE NEVER.",
        codes=(1820, 1862),
    ),
    Reason(
        "",
        Forbidden,
        "the server refuses this address",
        "Create the account for the addresses of the control plane's pods ('user'@'%'); FLUSH HOSTS where too many"
        " errors blocked one.",
        codes=(1129, 1130),
    ),
    Reason(
        "",
        Conflict,
        "no connection slot is free",
        "Raise max_connections or the account's MAX_USER_CONNECTIONS, or end connections that nobody needs.",
        codes=(1040, 1203, 1226),
    ),
    Reason(
        "insecure transport",
        Forbidden,
        "the server refuses connections without TLS",
        "Put tls=true into the DSN, or give kine the CA (--ca-file).",
        codes=(3159,),
    ),
    Reason(
        "",
        InvalidInput,
        "the server refuses a parameter of the DSN",
        "Remove the parameter: what kine's driver does not know is set as a system variable.",
        codes=(1193, 1231, 1232, 1238),
    ),
    Reason(
        "",
        Unreachable,
        "the server is stopping",
        "Wait until it is up, and try again.",
        codes=(1053, 1927),
    ),
    Reason(
        "",
        HaError,
        "the account's way to prove its password is not known here",
        "Use mysql_native_password or caching_sha2_password for kine's account.",
        codes=(1251, 2059, 1275),
    ),
    Reason(
        r"SSL is required",
        Unreachable,
        "the server has no TLS, and the DSN demands it",
        "Give the server a certificate (ssl_cert, ssl_key); plaintext only on a network that you trust.",
    ),
    Reason(
        r"certificate has expired",
        Unreachable,
        "the server's certificate has expired",
        "Renew it, and FLUSH SSL.",
    ),
    Reason(
        r"Hostname mismatch|IP address mismatch|doesn't match",
        Unreachable,
        "the server's certificate is for another host name",
        "Issue it for the DSN's host, or write one of its names into the DSN.",
    ),
    FORGED,
    Reason(
        r"certificate verify failed",
        Unreachable,
        "the server's certificate is not signed by a CA that is trusted",
        "tls=true trusts only the system's CAs: leave tls out of the DSN and give kine the server's CA (--ca-file).",
    ),
    REFUSED,
    NO_ANSWER,
    NO_ROUTE,
    Reason(
        r"(?-i:SSL|TLS)",
        Unreachable,
        "the TLS handshake failed",
        "Compare the server's tls_version and certificate with what clients of today accept.",
    ),
    HUNG_UP,
    Reason(r"not MySQL", Unreachable, "what answers there is not MySQL", "Correct host and port in the DSN."),
)
# The connection is gone, or the server is about to be.
_LOST = frozenset({0, 1053, 1077, 1079, 1927, 2006, 2013, 2055})
_NOT_ALLOWED = frozenset({1044, 1142, 1143, 1227, 1370})
# Somebody else's transaction won: a deadlock, a lock that was not given up, a row that was changed meanwhile.
_LOST_RACE = frozenset({1020, 1205, 1213})
_EXHAUSTED = frozenset({1021, 1037, 1041, 1114, 1203, 1226, 1040})
_READ_ONLY = frozenset({1290, 1792, 1836})


def connect_error(code: int, text: str, dsn: Dsn, way: str) -> HaError:
    """Return the error for a failed connection; code is the server's or PyMySQL's, way says how it was tried."""
    return failed_connection(REASONS, text, clean(_unwrapped(text), dsn), way, code)


def _unwrapped(text: str) -> str:
    match = _WRAPPED.fullmatch(text)
    return match[1] if match else text


def statement_error(code: int, text: str, dsn: Dsn) -> HaError:
    """Return the error for a failed statement; code 0 means that there was no answer."""
    said = clean(text, dsn)
    if code in _LOST:
        return lost(said)
    if code == 1062:
        return DuplicateRevision(said)
    if code in _LOST_RACE:
        return SerializationFailure(said, "It has to be tried again.")
    if code in _NOT_ALLOWED:
        return Forbidden(said, "GRANT ALL ON the database TO the account, or grant it what is missing.")
    if code in _EXHAUSTED:
        return exhausted(said)
    if code in _READ_ONLY:
        return HaError(said, "Point the DSN at the primary; a primary that was demoted is read only.")
    if code == 1153:
        return HaError(said, "Raise max_allowed_packet of the server to 64M.")
    return unexplained(said)


def clean(text: str, dsn: Dsn) -> str:
    """Return the text on one line and without the secrets of the DSN."""
    return mask_text(" ".join(text.split()), [dsn.password])
