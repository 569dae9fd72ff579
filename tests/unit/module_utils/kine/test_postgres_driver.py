# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver's pure parts: the DSN as libpq's parameters, and libpq's texts as sentences."""

from __future__ import annotations

import os
import ssl
import typing as t
from types import SimpleNamespace

import psycopg
import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Conflict,
    Forbidden,
    HaError,
    InvalidInput,
    NotFound,
    Unreachable,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import postgres_connection
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import DuplicateRevision
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres_connection import parameters
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres_errors import (
    REASONS,
    connect_error,
    statement_error,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Route

if t.TYPE_CHECKING:
    from pathlib import Path

URL = "postgres://kine:s3cr%40t@db.example:5432/kine"


def params(url: str, files: t.Mapping[str, str] | None = None, seconds: float = 30) -> dict[str, str]:
    dsn = dsns.parse(url)
    stops = tuple((host, f"192.0.2.{number}", host.port) for number, host in enumerate(dsn.hosts, 1))
    return parameters(dsn, Route("directly", stops), files or {}, seconds)


def test_defaults_of_the_driver() -> None:
    found = params(URL)
    assert found["password"] == "s3cr@t"
    assert (found["host"], found["hostaddr"], found["port"]) == ("db.example", "192.0.2.1", "5432")
    assert found["sslmode"] == "prefer"
    assert found["options"] == ""


def test_nothing_comes_from_the_environment() -> None:
    """libpq takes what is not given from PG* variables; these are the ones that change the meaning of a DSN."""
    for name in (
        "host",
        "hostaddr",
        "port",
        "user",
        "password",
        "dbname",
        "sslmode",
        "options",
        "passfile",
        "gssencmode",
    ):
        assert name in params(URL)


def test_database_in_lower_case() -> None:
    assert params("postgres://kine:x@db.example:5432/Kine")["dbname"] == "kine"


def test_several_hosts() -> None:
    found = params("postgres://kine:x@a.example:5432,b.example:5433/kine?target_session_attrs=read-write")
    assert (found["host"], found["hostaddr"], found["port"]) == (
        "a.example,b.example",
        "192.0.2.1,192.0.2.2",
        "5432,5433",
    )
    assert found["target_session_attrs"] == "read-write"
    assert found["connect_timeout"] == "5"


@pytest.mark.parametrize(("seconds", "expected"), [(30, "10"), (4, "4"), (0.5, "2")])
def test_connect_timeout(seconds: float, expected: str) -> None:
    assert params(URL, seconds=seconds)["connect_timeout"] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("search_path=kine", "-c search_path=kine"),
        ("search_path=a%20b", "-c search_path=a\\ b"),
        ("options=-c%20geqo%3Doff&statement_timeout=0", "-c geqo=off -c statement_timeout=0"),
        ("default_query_exec_mode=exec&statement_cache_capacity=1&connect_timeout=1&passfile=x", ""),
        ("pool_max_conns=5", "-c pool_max_conns=5"),
    ],
)
def test_parameters_that_the_server_gets(query: str, expected: str) -> None:
    assert params(f"{URL}?{query}")["options"] == expected


def test_own_name_of_the_application() -> None:
    assert params(URL)["application_name"] == "kine_check"
    assert params(f"{URL}?application_name=kine")["application_name"] == "kine"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "UTF8"),
        ("?client_encoding=SQL_ASCII", "UTF8"),
        ("?client_encoding=sql_ascii", "UTF8"),
        ("?client_encoding=LATIN1", "LATIN1"),
    ],
)
def test_text_is_text_in_a_database_without_an_encoding(query: str, expected: str) -> None:
    assert params(URL + query)["client_encoding"] == expected


def test_files(tmp_path: Path) -> None:
    here = tmp_path / "ca.crt"
    here.write_text("")
    url = f"{URL}?sslmode=verify-ca&sslrootcert=/etc/ca.crt"
    assert params(url, {"/etc/ca.crt": str(here)})["sslrootcert"] == str(here)
    assert params(f"{URL}?sslmode=verify-ca&sslrootcert={here}")["sslrootcert"] == str(here)
    with pytest.raises(InvalidInput, match="names the file /etc/ca"):
        params(url)


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("sslmode=require&sslrootcert={}", "verify-ca"),
        ("sslmode=verify-full&sslrootcert={}", "verify-full"),
        ("sslnegotiation=direct", "require"),
    ],
)
def test_the_mode_that_counts(tmp_path: Path, query: str, mode: str) -> None:
    here = tmp_path / "ca.crt"
    here.write_text("")
    assert params(f"{URL}?{query.format(here)}")["sslmode"] == mode


def test_authorities_of_the_system() -> None:
    for query in ("sslmode=verify-full", "sslmode=disable&sslrootcert=system", "sslmode=require&sslrootcert=system"):
        found = params(f"{URL}?{query}")
        assert found["sslmode"] == "verify-full"
        assert os.path.isfile(found["sslrootcert"])


@pytest.mark.parametrize(
    ("query", "libpq", "trusted"),
    [
        ("sslrootcert=system", 160000, "system"),
        ("sslrootcert=system", 150018, None),
        ("sslmode=verify-ca", 180000, None),  # libpq demands verify-full with its own word
    ],
)
def test_a_machine_without_authorities(
    monkeypatch: pytest.MonkeyPatch, query: str, libpq: int, trusted: str | None
) -> None:
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: SimpleNamespace(cafile=None))
    monkeypatch.setattr(postgres_connection, "_BUNDLES", ("/none.crt",))
    monkeypatch.setattr(psycopg.pq, "version", lambda: libpq)
    if trusted:
        assert params(f"{URL}?{query}")["sslrootcert"] == trusted
    else:
        with pytest.raises(InvalidInput, match="no file with them"):
            params(f"{URL}?{query}")


def test_authorities_that_count_for_nothing(tmp_path: Path) -> None:
    """libpq looks for some in the home folder, and verifies by whatever it has."""
    here = tmp_path / "ca.crt"
    here.write_text("")
    for query in ("sslmode=require", "sslmode=prefer", f"sslmode=prefer&sslrootcert={here}"):
        assert not os.path.exists(params(f"{URL}?{query}")["sslrootcert"])
    with pytest.raises(InvalidInput, match="not on this machine"):
        params(f"{URL}?sslmode=prefer&sslrootcert=/none.crt")


AT = 'connection failed: connection to server at "192.0.2.1", port 5432 failed: '
TEXTS = [
    (AT + 'FATAL:  password authentication failed for user "kine"', Forbidden, "wrong password"),
    (AT + "fe_sendauth: no password supplied", Forbidden, "wrong password"),
    (AT + 'FATAL:  role "kine" does not exist', Forbidden, "role does not exist"),
    (AT + 'FATAL:  role "kine" is not permitted to log in', Forbidden, "may not log in"),
    (AT + 'FATAL:  permission denied for database "kine"', Forbidden, "may not connect"),
    (AT + 'FATAL:  database "kine" does not exist', NotFound, "database does not exist"),
    (
        AT + 'FATAL:  pg_hba.conf rejects connection for host "192.0.2.9", user "kine", database "kine", no encryption',
        Forbidden,
        "without TLS",
    ),
    (
        AT + 'FATAL:  no pg_hba.conf entry for host "192.0.2.9", user "kine", SSL encryption',
        Forbidden,
        "this role, database",
    ),
    (AT + "server does not support SSL, but SSL was required", Unreachable, "has no TLS"),
    (AT + "SSL error: certificate verify failed: certificate has expired", Unreachable, "expired"),
    (AT + "SSL error: certificate verify failed", Unreachable, "not signed by a CA"),
    (AT + "SSL error: provider signature failure", Unreachable, "that CA has not signed it"),
    (AT + 'server certificate for "db" does not match host name "x"', Unreachable, "another host name"),
    (
        AT + "FATAL:  remaining connection slots are reserved for non-replication superuser",
        Conflict,
        "no connection slot",
    ),
    (AT + "FATAL:  sorry, too many clients already", Conflict, "no connection slot"),
    (AT + 'FATAL:  too many connections for role "kine"', Conflict, "no connection slot"),
    (AT + "FATAL:  the database system is starting up", Unreachable, "starting or stopping"),
    (AT + "session is read-only", Unreachable, "target_session_attrs"),
    (AT + 'FATAL:  unrecognized configuration parameter "pool_max_conns"', InvalidInput, "refuses a parameter"),
    (AT + "Connection refused\n\tIs the server running?", Unreachable, "nothing listens"),
    ("connection timeout expired", Unreachable, "no answer"),
    (AT + "No route to host", Unreachable, "no route"),
    (AT + "received invalid response to SSL negotiation: H", Unreachable, "not PostgreSQL"),
    (AT + "SSL error: wrong version number", Unreachable, "TLS handshake"),
    (AT + "server closed the connection unexpectedly", Unreachable, "hung up"),
    (AT + "FATAL:  Passwort-Authentifizierung fehlgeschlagen", Unreachable, "cannot connect"),
]


@pytest.mark.parametrize(("text", "error", "words"), TEXTS)
def test_connect_error(text: str, error: type[HaError], words: str) -> None:
    found = connect_error(text, dsns.parse(URL), "directly")
    assert found.__class__ is error
    assert found.message.startswith(words) or words in found.message.split(" (tried")[0]
    assert "(tried directly)" in found.message
    assert found.remedy


def test_every_reason_is_tried() -> None:
    said = {connect_error(text, dsns.parse(URL), "").message.split(" (tried")[0] for text, _error, _words in TEXTS}
    untried = {reason.message for reason in REASONS} - said
    assert untried == {"the DSN's TLS parameters cannot be used"}, untried


@pytest.mark.parametrize("form", ["s3cr@t", "s3cr%40t"])
def test_errors_hide_the_password(form: str) -> None:
    text = f'could not translate host name "{form}" to address: {form}'
    for error in (connect_error(text, dsns.parse(URL), "directly"), statement_error(text, "XX000", dsns.parse(URL))):
        assert "s3cr" not in str(error)


@pytest.mark.parametrize(
    ("sqlstate", "error"),
    [
        (None, Unreachable),
        ("57P01", Unreachable),
        ("08006", Unreachable),
        ("42501", Forbidden),
        ("23505", DuplicateRevision),
        ("53100", Conflict),
        ("57014", HaError),
        ("25006", HaError),
    ],
)
def test_statement_error(sqlstate: str | None, error: type[HaError]) -> None:
    assert statement_error("text", sqlstate, dsns.parse(URL)).__class__ is error
