# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong on a MySQL or MariaDB connection, as typed errors with a remedy and without any secret."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import mask_text
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Conflict,
    Forbidden,
    HaError,
    InvalidInput,
    NotFound,
    Unreachable,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import DuplicateRevision, SerializationFailure

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn

# PyMySQL puts this before the words of what lies below.
_WRAPPED = re.compile(r"Can't connect to MySQL server on \S+ \((.*)\)", re.DOTALL)


@dataclass(frozen=True)
class Reason:
    """Why a connection failed: the server's error codes or the pattern of the text that says so, and our words."""

    codes: tuple[int, ...]
    pattern: str
    error: type[HaError]
    message: str
    remedy: str


# The first match counts: codes are the server's own word, texts are what lies below it.
REASONS: t.Final = (
    Reason(
        (1045, 1698),
        "",
        Forbidden,
        "wrong password, no such account, or one that must use TLS",
        "Correct user and password in the DSN (never percent-encoded), or ALTER USER ... IDENTIFIED BY ...; an account"
        " made with REQUIRE SSL, or a server with require_secure_transport, needs tls in the DSN.",
    ),
    Reason(
        (1044,),
        "",
        Forbidden,
        "the account may not use this database",
        "GRANT ALL ON the database TO the account, or correct the database in the DSN.",
    ),
    Reason((1049,), "", NotFound, "the database does not exist", "CREATE DATABASE ...; and grant it to the account."),
    Reason(
        (3118, 4151),
        "",
        Forbidden,
        "the account is locked",
        "ALTER USER ... ACCOUNT UNLOCK, or use another account.",
    ),
    Reason(
        (1820, 1862),
        "",
        Forbidden,
        "the account's password has expired",
        "ALTER USER ... IDENTIFIED BY ..., and PASSWORD EXPIRE NEVER.",
    ),
    Reason(
        (1129, 1130),
        "",
        Forbidden,
        "the server refuses this address",
        "Create the account for the addresses of the control plane's pods ('user'@'%'); FLUSH HOSTS where too many"
        " errors blocked one.",
    ),
    Reason(
        (1040, 1203, 1226),
        "",
        Conflict,
        "no connection slot is free",
        "Raise max_connections or the account's MAX_USER_CONNECTIONS, or end connections that nobody needs.",
    ),
    Reason(
        (3159,),
        "insecure transport",
        Forbidden,
        "the server refuses connections without TLS",
        "Put tls=true into the DSN, or give kine the CA (--ca-file).",
    ),
    Reason(
        (1193, 1231, 1232, 1238),
        "",
        InvalidInput,
        "the server refuses a parameter of the DSN",
        "Remove the parameter: what kine's driver does not know is set as a system variable.",
    ),
    Reason(
        (1053, 1927),
        "",
        Unreachable,
        "the server is stopping",
        "Wait until it is up, and try again.",
    ),
    Reason(
        (1251, 2059, 1275),
        "",
        HaError,
        "the account's way to prove its password is not known here",
        "Use mysql_native_password or caching_sha2_password for kine's account.",
    ),
    Reason(
        (),
        r"SSL is required",
        Unreachable,
        "the server has no TLS, and the DSN demands it",
        "Give the server a certificate (ssl_cert, ssl_key); plaintext only on a network that you trust.",
    ),
    Reason(
        (), r"certificate has expired", Unreachable, "the server's certificate has expired", "Renew it, and FLUSH SSL."
    ),
    Reason(
        (),
        r"Hostname mismatch|IP address mismatch|doesn't match",
        Unreachable,
        "the server's certificate is for another host name",
        "Issue it for the DSN's host, or write one of its names into the DSN.",
    ),
    Reason(
        (),
        r"certificate verify failed",
        Unreachable,
        "the server's certificate is not signed by a CA that is trusted",
        "tls=true trusts only the system's CAs: leave tls out of the DSN and give kine the server's CA (--ca-file).",
    ),
    Reason(
        (),
        r"Connection refused",
        Unreachable,
        "nothing listens on that port",
        "Start the database, or correct host and port in the DSN.",
    ),
    Reason(
        (),
        r"timed out|no answer",
        Unreachable,
        "no answer",
        "Look for a firewall or network policy in between, and for a server that is overloaded.",
    ),
    Reason(
        (),
        r"No route to host|Network is unreachable|Host is unreachable",
        Unreachable,
        "there is no route to the host",
        "Check the address in the DSN, and the network in between.",
    ),
    Reason(
        (),
        r"SSL|TLS",
        Unreachable,
        "the TLS handshake failed",
        "Compare the server's tls_version and certificate with what clients of today accept.",
    ),
    Reason(
        (),
        r"Lost connection|Connection reset|Broken pipe|gone away|EOF",
        Unreachable,
        "the other side hung up",
        "Look into the logs of the server and of the proxy or port-forward in between.",
    ),
    Reason((), r"not MySQL", Unreachable, "what answers there is not MySQL", "Correct host and port in the DSN."),
)
UNKNOWN: t.Final = Reason((), "", Unreachable, "cannot connect", "Look into the server's log.")
# The connection is gone, or the server is about to be.
_LOST = frozenset({0, 1053, 1077, 1079, 1927, 2006, 2013, 2055})
_NOT_ALLOWED = frozenset({1044, 1142, 1143, 1227, 1370})
# Somebody else's transaction won: a deadlock, a lock that was not given up, a row that was changed meanwhile.
_LOST_RACE = frozenset({1020, 1205, 1213})
_EXHAUSTED = frozenset({1021, 1037, 1041, 1114, 1203, 1226, 1040})
_READ_ONLY = frozenset({1290, 1792, 1836})


def connect_error(code: int, text: str, dsn: Dsn, way: str) -> HaError:
    """Return the error for a failed connection; code is the server's or PyMySQL's, way says how it was tried."""
    reason = next((reason for reason in REASONS if _matches(reason, code, text)), UNKNOWN)
    return reason.error(f"{reason.message} (tried {way}): {clean(_unwrapped(text), dsn)}", reason.remedy)


def _unwrapped(text: str) -> str:
    match = _WRAPPED.fullmatch(text)
    return match[1] if match else text


def _matches(reason: Reason, code: int, text: str) -> bool:
    return code in reason.codes or bool(reason.pattern and re.search(reason.pattern, text))


def statement_error(code: int, text: str, dsn: Dsn) -> HaError:
    """Return the error for a failed statement; code 0 means that there was no answer."""
    said = clean(text, dsn)
    if code in _LOST:
        return Unreachable(f"the connection was lost: {said}", "See whether the server restarted or failed over.")
    if code == 1062:
        return DuplicateRevision(said)
    if code in _LOST_RACE:
        return SerializationFailure(said, "It has to be tried again.")
    if code in _NOT_ALLOWED:
        return Forbidden(said, "GRANT ALL ON the database TO the account, or grant it what is missing.")
    if code in _EXHAUSTED:
        return Conflict(f"the server has run out of something: {said}", "Free disk space, memory or connection slots.")
    if code in _READ_ONLY:
        return HaError(said, "Point the DSN at the primary; a primary that was demoted is read only.")
    if code == 1153:
        return HaError(said, "Raise max_allowed_packet of the server to 64M.")
    return HaError(said, "Look into the server's log.")


def clean(text: str, dsn: Dsn) -> str:
    """Return the text on one line and without the secrets of the DSN."""
    return mask_text(" ".join(text.split()), [dsn.password])
