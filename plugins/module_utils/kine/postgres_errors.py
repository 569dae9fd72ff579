# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns what PostgreSQL and libpq say into errors of this collection: what is wrong, and what to do about it.

Failed connections carry no error code in libpq, only text. Servers translate their messages; what is not
recognized still gives a sentence, with the text itself.
"""

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

# What libpq and psycopg put before the words that matter.
_PREFIX = re.compile(r'connection (failed|is bad): |connection to server at "[^"]*"( \([^)]*\))?, port \d+ failed: ')
_SECRET_PARAMS = ("password", "sslpassword")

# The first match counts. Under sslmode=prefer a text holds the failures of both attempts, so what is true
# with and without TLS comes before what is true for one of them.
REASONS: t.Final = (
    Reason(
        r"password authentication failed|no password supplied",
        Forbidden,
        "wrong password, or no such role",
        "Correct user and password in the DSN (percent-encoded), or set the password: ALTER ROLE ... PASSWORD ...",
    ),
    Reason(
        r"is not permitted to log in",
        Forbidden,
        "the role may not log in",
        "ALTER ROLE ... LOGIN, or use another role.",
    ),
    Reason(
        r"role \".*\" does not exist",
        Forbidden,
        "the role does not exist",
        "Create the role, or correct the DSN's user.",
    ),
    Reason(
        r"permission denied for database",
        Forbidden,
        "the role may not connect to this database",
        "GRANT CONNECT ON DATABASE ... TO the role, or make the role its owner.",
    ),
    Reason(
        r"database \".*\" does not exist",
        NotFound,
        "the database does not exist",
        "CREATE DATABASE ... OWNER ...; kine creates it itself only if its role has CREATEDB.",
    ),
    Reason(
        r"pg_hba\.conf[^\n]*(no encryption|SSL off)",
        Forbidden,
        "the server refuses connections without TLS",
        "Put sslmode=require into the DSN (the Zalando operator's databases refuse plaintext by default).",
    ),
    Reason(
        r"no pg_hba\.conf entry|pg_hba\.conf rejects",
        Forbidden,
        "the server refuses this role, database and address",
        "Allow them in pg_hba.conf (of PostgreSQL or of the operator) with a hostssl line.",
    ),
    Reason(
        r"server does not support SSL",
        Unreachable,
        "the server has no TLS, and the DSN demands it",
        "Turn ssl on in the server; sslmode=disable only on a network that you trust.",
    ),
    Reason(
        r"certificate has expired",
        Unreachable,
        "the server's certificate has expired",
        "Renew it, and reload the server.",
    ),
    FORGED,
    Reason(
        r"certificate verify failed|self-signed certificate|unable to get local issuer",
        Unreachable,
        "the server's certificate is not signed by a CA that the DSN trusts",
        "Name the right CA file in sslrootcert, and mount it into the control plane's pods.",
    ),
    Reason(
        r"does not match host name",
        Unreachable,
        "the server's certificate is for another host name",
        "Issue it for the DSN's host, or use sslmode=verify-ca.",
    ),
    Reason(
        r"remaining connection slots|too many clients|too many connections",
        Conflict,
        "no connection slot is free",
        "Raise max_connections or the CONNECTION LIMIT, or end connections that nobody needs.",
    ),
    Reason(
        r"starting up|shutting down|not yet accepting connections|in recovery mode",
        Unreachable,
        "the server is starting or stopping",
        "Wait until it is up, and try again.",
    ),
    Reason(
        r"session is read-only|session is not read-only|in hot standby|not in hot standby",
        Unreachable,
        "no host of the DSN is what target_session_attrs asks for",
        "Name the primary among the hosts; target_session_attrs=read-write is what kine needs.",
    ),
    Reason(
        r"unrecognized configuration parameter|invalid value for parameter|cannot be changed",
        InvalidInput,
        "the server refuses a parameter of the DSN",
        "Remove the parameter: what kine's driver does not know goes to the server as a setting.",
    ),
    Reason(
        r"invalid sslmode|sslrootcert|root certificate file|certificate file|private key file",
        InvalidInput,
        "the DSN's TLS parameters cannot be used",
        "Correct sslmode, sslrootcert, sslcert and sslkey; files must exist on this machine too (tls_files).",
    ),
    REFUSED,
    NO_ANSWER,
    NO_ROUTE,
    Reason(
        r"invalid response to SSL|expected authentication request|unexpected message|invalid response",
        Unreachable,
        "what answers there is not PostgreSQL",
        "Correct host and port in the DSN.",
    ),
    Reason(
        r"SSL error|SSL SYSCALL|TLS",
        Unreachable,
        "the TLS handshake failed",
        "Compare the server's ssl_min_protocol_version and certificate with what clients of today accept.",
    ),
    HUNG_UP,
)


def connect_error(text: str, dsn: Dsn, way: str) -> HaError:
    """Return the error for a failed connection; text is libpq's, way says how it was tried."""
    return failed_connection(REASONS, text, clean(_PREFIX.sub("", text), dsn), way)


def statement_error(text: str, sqlstate: str | None, dsn: Dsn) -> HaError:
    """Return the error for a failed statement. Class 08 and 57P are lost connections, as is an error without code."""
    said = clean(text, dsn)
    if sqlstate is None or sqlstate.startswith(("08", "57P")):
        return lost(said)
    if sqlstate == "23505":
        return DuplicateRevision(said)
    if sqlstate in ("40001", "40P01"):
        return SerializationFailure(said, "kine tries it again at the next compaction, but fails an insert.")
    if sqlstate == "42501":
        return Forbidden(said, "Make the role the owner of the database, or grant it what is missing.")
    if sqlstate == "57014":
        return HaError(f"a statement was canceled: {said}", "Set statement_timeout to 0 for kine's role.")
    if sqlstate.startswith("53"):
        return exhausted(said)
    return unexplained(said)


def clean(text: str, dsn: Dsn) -> str:
    """Return the text on one line and without the secrets of the DSN."""
    secrets = [dsn.password, *(dsn.params.get(name, "") for name in _SECRET_PARAMS)]
    return mask_text(" ".join(text.split()), secrets)
