# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to MySQL and MariaDB as kine's driver would make them: bounded in number and time, errors typed."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import ssl
import threading
import traceback
import typing as t

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import golang
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_errors import connect_error, statement_error
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_sessions import Session, Sessions

try:
    import pymysql

    IMPORT_ERROR: str | None = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Route

    Connection: t.TypeAlias = pymysql.connections.Connection[t.Any]

# All that one examination may open, so that it never is what exhausts the server.
MAX_CONNECTIONS = 12
CONNECT_SECONDS = 10.0
# Larger than any packet here; the server's own limit is what counts.
PACKET_BYTES = 64 * 2**20
PROGRAM = "kine_check"
# By itself neither name nor number of a server is unique.
_SESSION = "SELECT CONNECTION_ID(), @@hostname, @@port, @@server_id"
# What kine's driver keeps to itself. Every other parameter it sets as a system variable of the session.
_DRIVER_ONLY = frozenset(
    {"allowAllFiles", "allowCleartextPasswords", "allowFallbackToPlaintext", "allowNativePasswords"}
    | {"allowOldPasswords", "charset", "checkConnLiveness", "clientFoundRows", "collation", "columnsWithAlias"}
    | {"compress", "connectionAttributes", "interpolateParams", "loc", "maxAllowedPacket", "multiStatements"}
    | {"parseTime", "readTimeout", "rejectReadOnly", "serverPubKey", "strict", "timeTruncate", "timeout", "tls"}
    | {"writeTimeout"}
)


def tls_settings(dsn: Dsn, ca_file: str, files: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Return how PyMySQL is to encrypt, as kine's driver would. Raises InvalidInput for a file that is not here.

    tls in the DSN wins over kine's --ca-file. The host that is verified is the DSN's, whatever address leads there.
    """
    mode = golang.tls_mode(dsn.params.get("tls", "false"))
    if mode == "false" and ca_file:
        return {"ssl": _verifying(_here(ca_file, files))}
    if mode == "true":
        return {"ssl": _verifying(None)}
    if mode == "skip-verify":
        return {"ssl": _trusting()}
    # PyMySQL itself takes TLS where the server has it, unverified: that is ``preferred``.
    return {} if mode == "preferred" else {"ssl_disabled": True}


def _verifying(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Go does not ask for as much
    return context


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without the system's authorities, which take time to load
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _here(path: str, files: t.Mapping[str, str]) -> str:
    """Return where a file of the control plane's pods lies on this machine."""
    found = files.get(path, path)
    if os.path.isfile(found):
        return found
    raise InvalidInput(
        f"kine's CA file is {path}, which is not on this machine",
        f"Give a copy of it: tls_files: {{{path}: <path on this machine>}}",
    )


def session_settings(dsn: Dsn) -> str | None:
    """Return the statement that sets the DSN's other parameters as kine's driver does, None without any."""
    settings = [f"{name} = {value}" for name, value in dsn.params.items() if name not in _DRIVER_ONLY]
    return f"SET {', '.join(settings)}" if settings else None


def _secure(connection: Connection) -> ssl.SSLSocket | None:
    raw = getattr(connection, "_sock", None)  # PyMySQL has no other way to it
    return raw if isinstance(raw, ssl.SSLSocket) else None


class _Line:
    """A second handle on a socket: by it the connection can be ended while another thread waits on it."""

    def __init__(self, raw: socket.socket) -> None:
        self._handle = socket.socket(fileno=os.dup(raw.fileno()))

    def cut(self) -> None:
        with contextlib.suppress(OSError):
            self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._handle.close()


class Connector:
    """Opens connections to one DSN over one route, counts them, and cuts them all when the deadline passes."""

    def __init__(
        self,
        dsn: Dsn,
        route: Route,
        deadline: Deadline,
        files: t.Mapping[str, str],
        ca_file: str = "",
        sessions: Sessions | None = None,
    ) -> None:
        if IMPORT_ERROR:
            raise HaError(
                missing_required_lib("PyMySQL", reason="for a mysql:// DSN", url="https://pypi.org/project/PyMySQL/"),
                "pip install 'PyMySQL>=1.2' on the host that runs the task.",
            )
        self.dsn = dsn
        self.route = route
        self._deadline = deadline
        self._files = files
        self._ca_file = ca_file
        self.sessions = sessions or Sessions()
        self._opened = 0
        self._open: dict[Connection, _Line] = {}
        self._session: dict[Connection, Session] = {}
        # A connection can hang where no time-out reaches: behind a proxy, or in a commit that waits.
        self._cutter = threading.Timer(deadline.left(), self._cut)
        self._cutter.daemon = True
        self._cutter.start()

    def again(self, seconds: float) -> Connector:
        """Return a connector with the same DSN and route, and a deadline of its own, for cleaning up."""
        return Connector(self.dsn, self.route, Deadline(seconds), self._files, self._ca_file, self.sessions)

    def room(self) -> int:
        """Return how many connections may still be opened."""
        return MAX_CONNECTIONS - self._opened

    def certificate(self, connection: Connection) -> bytes | None:
        """Return the certificate (DER) of the server behind a connection, None where there is none."""
        secure = _secure(connection)
        return secure.getpeercert(binary_form=True) if secure else None

    def encryption(self, connection: Connection) -> tuple[str, str]:
        """Return version and cipher of this end's TLS, two "" for plaintext: the server may be behind a proxy."""
        secure = _secure(connection)
        cipher = secure.cipher() if secure else None
        return (secure.version() or "", cipher[0]) if secure and cipher else ("", "")

    def server(self, connection: Connection) -> tuple[str, ...]:
        """Return what tells the server of a connection from others."""
        return self._session[connection].server

    def open(self) -> Connection:
        """Open a fresh connection in autocommit mode, as kine uses them. Raises HaError."""
        self._deadline.check()
        if not self.room():
            raise HaError(f"an examination opens {MAX_CONNECTIONS} connections at most", "This is a bug: report it.")
        self._opened += 1
        try:
            return self._connect()
        except (pymysql.Error, OSError, RuntimeError, ValueError, IndexError, AttributeError, AssertionError) as error:
            raise self._late() or connect_error(*_said(error), self.dsn, self.route.way) from None

    def _connect(self) -> Connection:
        tls = self._tls
        host, raw = self._dial()
        line = _Line(raw)
        try:
            connection = pymysql.connect(
                host=host,
                user=self.dsn.user,
                password=self.dsn.password,
                database=self.dsn.database,
                charset="utf8mb4",
                autocommit=True,
                binary_prefix=True,
                max_allowed_packet=PACKET_BYTES,
                program_name=PROGRAM,
                init_command=session_settings(self.dsn),
                defer_connect=True,
                **tls,
            )
            with _limit(min(CONNECT_SECONDS, self._deadline.left()), line):
                connection.connect(raw)
                self._note(connection)
        except BaseException:
            raw.close()
            line.close()
            raise
        self._open[connection] = line
        return connection

    def _note(self, connection: Connection) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_SESSION)
            [(number, *server)] = cursor.fetchall()
        hosts = ",".join(map(str, self.dsn.hosts))
        self._session[connection] = Session((hosts, *map(str, server)), int(number))
        self.sessions.begin(self._session[connection])

    @functools.cached_property
    def _tls(self) -> dict[str, t.Any]:
        return tls_settings(self.dsn, self._ca_file, self._files)

    def _dial(self) -> tuple[str, socket.socket]:
        """Return the name that the first host that accepts a connection is verified by, and the connection."""
        wanted = golang.seconds(self.dsn.params.get("timeout", "0")) or CONNECT_SECONDS
        seconds = max(0.1, min(wanted, self._deadline.left()) / len(self.route.stops))
        problem: OSError = OSError("no address")
        for host, address, port in self.route.stops:
            try:
                return host.certified, socket.create_connection((address, port), seconds)
            except OSError as error:
                problem = error
        raise problem

    def rows(self, connection: Connection, statement: str, values: t.Sequence[t.Any] = ()) -> list[tuple[t.Any, ...]]:
        """Run one statement and return its rows, none for one that returns nothing. Raises HaError."""
        return self._run(connection, statement, values)[0]

    def insert(self, connection: Connection, statement: str, values: t.Sequence[t.Any]) -> int:
        """Run an INSERT and return the id of its row. Raises HaError."""
        return self._run(connection, statement, values)[1]

    def change(self, connection: Connection, statement: str, values: t.Sequence[t.Any] = ()) -> int:
        """Run a statement and return how many rows it changed. Raises HaError."""
        return self._run(connection, statement, values)[2]

    def _run(
        self, connection: Connection, statement: str, values: t.Sequence[t.Any]
    ) -> tuple[list[tuple[t.Any, ...]], int, int]:
        self._deadline.check()
        with self._translated(connection), connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else [], cursor.lastrowid or 0, cursor.rowcount

    @contextlib.contextmanager
    def _translated(self, connection: Connection) -> t.Iterator[None]:
        try:
            yield
        # PyMySQL parses half an answer of a connection that was cut, and trips over it.
        except (pymysql.Error, OSError, RuntimeError, ValueError, IndexError, AttributeError, AssertionError) as error:
            raise self._late() or statement_error(*_said(error), self.dsn) from None
        except BaseException:  # interrupted: the answer is still to come, and would be taken for the next statement's
            self.shut(connection)
            raise

    def shut(self, connection: Connection) -> None:
        """Close one connection; never raises."""
        line = self._open.pop(connection, None)
        if connection in self._session:
            self.sessions.end(self._session.pop(connection))
        with contextlib.suppress(pymysql.Error, OSError):
            connection.close()
        if line:
            line.cut()
            line.close()

    def close(self) -> None:
        """Close every connection; never raises."""
        self._cutter.cancel()
        for connection in list(self._open):
            self.shut(connection)

    def _late(self) -> HaError | None:
        return None if self._deadline.left() else self._deadline.passed()

    def _cut(self) -> None:
        for line in list(self._open.values()):
            line.cut()


@contextlib.contextmanager
def _limit(seconds: float, line: _Line) -> t.Iterator[None]:
    """Cut a connection whose handshake takes longer than this."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        line.cut()

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception:
        if late.is_set():
            raise TimeoutError("timed out: no answer to the handshake") from None
        raise
    finally:
        timer.cancel()


def _said(error: Exception) -> tuple[int, str]:
    """Return the code and the text of an error; a text of its own for what PyMySQL cannot make sense of."""
    if isinstance(error, OSError):
        return 0, str(error)
    if not isinstance(error, pymysql.Error):
        return 0, f"not MySQL, or an answer that was cut off ({type(error).__name__})"
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    text = str(error.args[-1]) if error.args else ""
    if isinstance(error, pymysql.err.InternalError) and not code:
        return 0, f"not MySQL: {text}"
    return code, text
