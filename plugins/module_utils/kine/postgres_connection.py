# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens PostgreSQL connections as kine's driver would: same meaning of the DSN, bounded in number and time."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import traceback
import typing as t

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.tls import SYSTEM, VERIFY_FULL, sslmode
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Conflict,
    HaError,
    InvalidInput,
    Unreachable,
    WaitTimeout,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import peer_certificate
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres_errors import connect_error, statement_error

try:
    import psycopg
    from psycopg.conninfo import make_conninfo
    from psycopg.pq import DiagnosticField, ExecStatus

    IMPORT_ERROR: str | None = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

if t.TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Route

    Connection: t.TypeAlias = psycopg.Connection[tuple[t.Any, ...]]

# All that one examination may open, so that it never is what exhausts the server.
MAX_CONNECTIONS = 12
# What examinations call themselves, unless the DSN says otherwise.
APPLICATION = "kine_check"
CONNECT_SECONDS = 10
CANCEL_SECONDS = 1.0
# Go's text is UTF-8. Of SQL_ASCII, which a database of that encoding would give its clients, psycopg makes bytes.
_ENCODING = "UTF8"

# What libpq and kine's pgx mean alike. pgx keeps some more to itself, which say nothing about the server.
_SHARED = frozenset(
    {"sslmode", "sslcert", "sslkey", "sslrootcert", "sslpassword", "sslsni", "sslnegotiation"}
    | {"target_session_attrs", "application_name", "client_encoding", "channel_binding", "require_auth"}
)
_DRIVER_ONLY = frozenset(
    {"default_query_exec_mode", "statement_cache_capacity", "description_cache_capacity"}
    | {"connect_timeout", "passfile", "service", "servicefile", "krbspn", "krbsrvname"}
    | {"min_protocol_version", "max_protocol_version"}
)
_FILES = ("sslrootcert", "sslcert", "sslkey")
# Where Go looks for the system's authorities (crypto/x509/root_linux.go), after SSL_CERT_FILE.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_KNOWS_SYSTEM = 160000
_NO_FILE = f"{os.devnull}/none"


def parameters(dsn: Dsn, route: Route, files: t.Mapping[str, str], seconds: float) -> dict[str, str]:
    """Return libpq's parameters for a DSN as pgx reads it. Raises InvalidInput for files that are not here.

    kine lower-cases the database name and pgx defaults to sslmode=prefer. Parameters that pgx does not know go to
    the server as settings, which for libpq is ``options``. What libpq would take from the environment is set.
    """
    hosts, addresses, ports = zip(
        *((host.certified, address, str(port)) for host, address, port in route.stops), strict=True
    )
    params = {
        "host": ",".join(hosts),
        "hostaddr": ",".join(addresses),
        "port": ",".join(ports),
        "user": dsn.user,
        "password": dsn.password,
        "dbname": dsn.database.lower(),
        "sslmode": "prefer",
        "gssencmode": "disable",
        "passfile": os.devnull,
        "application_name": APPLICATION,
        "client_encoding": _ENCODING,
        "connect_timeout": str(max(2, int(min(CONNECT_SECONDS, seconds) / len(hosts)))),
    }
    params |= {name: value for name, value in dsn.params.items() if name in _SHARED}
    if params["client_encoding"].upper() == "SQL_ASCII":
        params["client_encoding"] = _ENCODING
    params["sslmode"] = sslmode(dsn.params)
    if params.get("sslrootcert") in ("", SYSTEM):
        del params["sslrootcert"]
    params |= {name: _here(params[name], name, files) for name in _FILES if name in params}
    if not params["sslmode"].startswith("verify"):
        params["sslrootcert"] = _NO_FILE  # libpq verifies by any that it finds, in every mode; pgx does not
    elif "sslrootcert" not in params:
        params["sslrootcert"] = _authorities(params["sslmode"])
    params["options"] = _options(dsn)
    return params


def _here(path: str, name: str, files: t.Mapping[str, str]) -> str:
    """Return where a file of the control plane's pods lies on this machine."""
    found = files.get(path, path)
    if os.path.isfile(found):
        return found
    by = f"{name} of the DSN" + (", or kine's own --ca-file," if name == "sslrootcert" else "")
    raise InvalidInput(
        f"{by} names the file {path}, which is not on this machine",
        f"Give a copy of it: tls_files: {{{path}: <path on this machine>}}",
    )


def _authorities(mode: str) -> str:
    """Return the system's own, which kine's driver trusts where the DSN names none, or ``system``. Raises InvalidInput.

    A file before libpq's own word for them: older ones do not know it, others demand verify-full with it, and the libpq
    that psycopg brings may look for them where this system has none.
    """
    for file in (ssl.get_default_verify_paths().cafile, *_BUNDLES):
        if file and os.path.isfile(file):
            return file
    if mode == VERIFY_FULL and psycopg.pq.version() >= _KNOWS_SYSTEM:
        return SYSTEM
    raise InvalidInput(
        "the DSN trusts the system's certificate authorities, and this machine has no file with them",
        "Install ca-certificates here, or name such a file in the environment variable SSL_CERT_FILE.",
    )


def _options(dsn: Dsn) -> str:
    settings = [dsn.params["options"]] if "options" in dsn.params else []
    for name, value in dsn.params.items():
        if name not in _SHARED | _DRIVER_ONLY | {"options"}:
            escaped = "".join(f"\\{letter}" if letter in "\\ \t\n" else letter for letter in value)
            settings.append(f"-c {name}={escaped}")
    return " ".join(settings)


def refusal(address: str, port: int, ca_file: str, seconds: float) -> str:
    """Return why a server's certificate is refused under a CA file, in OpenSSL's words; "" when it cannot be told."""
    with contextlib.suppress(OSError):
        context = ssl.create_default_context(cafile=ca_file)
        context.check_hostname = False
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # libpq does not set it
        with peer_certificate.asked_for_tls(address, port, min(CONNECT_SECONDS, seconds)) as raw:
            if raw is not None:
                try:
                    context.wrap_socket(raw).close()
                except ssl.SSLCertVerificationError as error:
                    return str(error.verify_message)
    return ""


class Connector:
    """Opens connections to one DSN over one route, counts them, and cuts them all when the deadline passes."""

    def __init__(self, dsn: Dsn, route: Route, deadline: Deadline, files: t.Mapping[str, str]) -> None:
        if IMPORT_ERROR:
            raise HaError(missing_required_lib("psycopg (version 3)", url="https://pypi.org/project/psycopg/"))
        self.dsn = dsn
        self.route = route
        self._deadline = deadline
        self._files = files
        self._opened = 0
        self._open: list[Connection] = []
        self._spare: list[Connection] = []
        # A connection can hang where no time-out of libpq reaches: behind a proxy, or in a commit that waits.
        self._cutter = threading.Timer(deadline.left(), self._cut)
        self._cutter.daemon = True
        self._cutter.start()

    def again(self, seconds: float) -> Connector:
        """Return a connector with the same DSN and route, and a deadline of its own, for cleaning up."""
        return Connector(self.dsn, self.route, Deadline(seconds), self._files)

    def open(self) -> Connection:
        """Open a fresh connection in autocommit mode, as kine uses them. Raises HaError."""
        self._deadline.check()
        if self._opened >= MAX_CONNECTIONS:
            raise HaError(
                f"an examination may open {MAX_CONNECTIONS} connections and wants more", "Report this as a bug."
            )
        self._opened += 1
        params = parameters(self.dsn, self.route, self._files, self._deadline.left())
        try:
            connection = psycopg.connect(make_conninfo(**params), autocommit=True, prepare_threshold=None)
        except psycopg.Error as error:
            # psycopg's error refers to the connection string in its frames: it must not be chained.
            raise self._late() or connect_error(self._explained(error, params), self.dsn, self.route.way) from None
        self._open.append(connection)
        return connection

    def take(self) -> Connection | None:
        """Return a connection that an earlier check left open, or a fresh one; None where there is no room for it."""
        if self._spare:
            return self._spare.pop()
        if self._opened >= MAX_CONNECTIONS:
            return None
        try:
            return self.open()
        except Conflict:
            return None

    def leave(self, connection: Connection) -> None:
        """Keep a connection open for whoever takes one next."""
        self._spare.append(connection)

    def drop_spare(self) -> None:
        """Close what was left open, where slots are scarce."""
        while self._spare:
            self.shut(self._spare.pop())

    def certificate(self, connection: Connection) -> bytes | None:
        """Return the certificate (DER) of the server behind a connection, None where it is not to be had."""
        info = connection.info
        seconds = min(CONNECT_SECONDS, self._deadline.left())
        return peer_certificate.of_postgres(info.host, info.hostaddr, info.port, seconds)

    def backends(self) -> list[int]:
        """Return the process ids of the server's sessions behind all open connections, as the server told them."""
        return [connection.info.backend_pid for connection in self._open]

    def rows(self, connection: Connection, statement: t.Any, values: t.Sequence[t.Any] = ()) -> list[tuple[t.Any, ...]]:
        """Run one statement and return its rows, none for one that returns nothing. Raises HaError."""
        self._deadline.check()
        try:
            # Values travel as they are, not as text twice as long; several statements in one string cannot.
            cursor = connection.execute(statement, values or None, binary=bool(values))
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise self._late() or statement_error(str(error), error.sqlstate, self.dsn) from None

    def try_rows(self, connection: Connection, statement: t.Any, values: t.Sequence[t.Any] = ()) -> None:
        """Run one statement whose outcome does not matter; never raises HaError."""
        with contextlib.suppress(HaError):
            self.rows(connection, statement, values)

    def prepare(self, connection: Connection, name: str, statement: str) -> str:
        """Prepare a statement by name in the protocol, as pgx does; return the server's refusal, "" without one."""
        return self._refused(connection.pgconn.prepare(name.encode(), statement.encode()))

    def run_prepared(self, connection: Connection, name: str) -> tuple[str, str]:
        """Run a prepared statement that gives one value; return the value and the server's refusal, one of them ""."""
        result = connection.pgconn.exec_prepared(name.encode(), None)
        error = self._refused(result)
        return ("" if error else (result.get_value(0, 0) or b"").decode()), error

    def forget_prepared(self, connection: Connection, name: str) -> None:
        """Drop a prepared statement, so that none is left in a session that a pooler keeps."""
        self.try_rows(connection, f"DEALLOCATE {name}")

    def _refused(self, result: PGresult) -> str:
        """Return what the server refused; raises HaError when it could not be asked."""
        if result.status in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            return ""
        text = result.error_message.decode(errors="replace")
        state = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
        error = self._late() or statement_error(text, state or None, self.dsn)
        if isinstance(error, Unreachable | WaitTimeout):
            raise error
        return error.message

    def shut(self, connection: Connection) -> None:
        """Close one connection; never raises."""
        if connection in self._open:
            self._open.remove(connection)
        with contextlib.suppress(psycopg.Error):
            connection.close()

    def close(self) -> None:
        """Close every connection; never raises."""
        self._cutter.cancel()
        for connection in list(self._open):
            self.shut(connection)

    def _explained(self, error: psycopg.Error, params: t.Mapping[str, str]) -> str:
        """Return the error's text; why a certificate was refused libpq leaves out, so it is asked for again."""
        text = str(error)
        if "certificate verify failed" not in text:
            return text
        _host, address, port = self.route.stops[-1]
        return f"{text}: {refusal(address, port, params.get('sslrootcert', ''), self._deadline.left())}"

    def _late(self) -> HaError | None:
        return None if self._deadline.left() else self._deadline.passed()

    def _cut(self) -> None:
        """Cancel what runs, then end the connections under it: a hanging proxy does not pass a cancel on."""
        for connection in list(self._open):
            with contextlib.suppress(Exception):
                connection.cancel_safe(timeout=CANCEL_SECONDS)
            with contextlib.suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as raw:
                raw.shutdown(socket.SHUT_RDWR)
