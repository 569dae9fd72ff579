# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MySQL driver's pure parts: the DSN as PyMySQL's settings, grants, and errors as sentences."""

from __future__ import annotations

import ssl
import typing as t

import pymysql
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
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import mysql_connection, mysql_grants, mysql_schema
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import DuplicateRevision, SerializationFailure
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_connection import (
    Connector,
    session_settings,
    tls_settings,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_errors import (
    REASONS,
    connect_error,
    statement_error,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_table import plain_type
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Route

if t.TYPE_CHECKING:
    from pathlib import Path

URL = "mysql://kine:s3cr@t@tcp(db.example:3306)/kine"
DSN = dsns.parse(URL)


def tls(query: str, ca_file: str = "", files: t.Mapping[str, str] | None = None) -> dict[str, t.Any]:
    return tls_settings(dsns.parse(f"{URL}?{query}"), ca_file, files or {})


@pytest.mark.parametrize("query", ["", "tls=false", "tls=0"])
def test_no_tls_unless_it_is_asked_for(query: str) -> None:
    assert tls(query) == {"ssl_disabled": True}


def test_preferred_leaves_it_to_the_server() -> None:
    assert tls("tls=preferred") == {}


@pytest.mark.parametrize("ca_file", ["", "/nowhere/ca.crt"])
def test_true_verifies_by_the_systems_authorities_even_beside_a_file(ca_file: str) -> None:
    context = tls("tls=true", ca_file)["ssl"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_skip_verify() -> None:
    context = tls("tls=skip-verify")["ssl"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


def test_file_of_kine_is_looked_for_here(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"/etc/ca\.crt, which is not on this machine"):
        tls("", "/etc/ca.crt", {})
    here = tmp_path / "ca.crt"
    here.write_text("")
    with pytest.raises(ssl.SSLError):  # it was opened
        tls("", "/etc/ca.crt", {"/etc/ca.crt": str(here)})


@pytest.mark.parametrize(
    ("query", "statement"),
    [
        ("tls=true&rejectReadOnly=true&timeout=1s&collation=utf8mb4_bin", None),
        ("tx_isolation='SERIALIZABLE'", "SET tx_isolation = 'SERIALIZABLE'"),
        ("wait_timeout=60&sql_mode=''&parseTime=true", "SET wait_timeout = 60, sql_mode = ''"),
    ],
)
def test_parameters_that_become_variables(query: str, statement: str | None) -> None:
    assert session_settings(dsns.parse(f"{URL}?{query}")) == statement


def test_driver_is_asked_for_only_by_a_mysql_dsn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql_connection, "IMPORT_ERROR", "ImportError")
    with pytest.raises(HaError, match="PyMySQL") as caught:
        Connector(DSN, Route("directly", ()), Deadline(1), {})
    assert "pip install" in caught.value.remedy


CONNECTING = [
    (1045, "Access denied for user 'kine'@'10.0.0.1' (using password: YES)", Forbidden, "wrong password"),
    (1698, "Access denied for user 'root'@'localhost'", Forbidden, "wrong password"),
    (1044, "Access denied for user 'kine'@'%' to database 'kine'", Forbidden, "may not use this database"),
    (1049, "Unknown database 'kine'", NotFound, "database does not exist"),
    (4151, "Access denied, this account is locked", Forbidden, "locked"),
    (1862, "Your password has expired", Forbidden, "password has expired"),
    (1130, "Host '10.0.0.1' is not allowed to connect to this MariaDB server", Forbidden, "refuses this address"),
    (1040, "Too many connections", Conflict, "no connection slot"),
    (
        1226,
        "User 'kine' has exceeded the 'max_user_connections' resource (current value: 2)",
        Conflict,
        "no connection",
    ),
    (3159, "Connections using insecure transport are prohibited", Forbidden, "without TLS"),
    (1193, "Unknown system variable 'pool_size'", InvalidInput, "refuses a parameter"),
    (1053, "Server shutdown in progress", Unreachable, "stopping"),
    (2059, "Authentication plugin 'parsec' not configured", HaError, "prove its password"),
    (2026, "SSL is required but the server doesn't support it", Unreachable, "has no TLS"),
    (2003, "... certificate verify failed: certificate has expired (_ssl.c:1006)", Unreachable, "has expired"),
    (
        2003,
        "... certificate verify failed: Hostname mismatch, certificate is not valid for 'x'",
        Unreachable,
        "another host",
    ),
    (2003, "... certificate verify failed: certificate signature failure", Unreachable, "that CA has not signed it"),
    (2003, "... certificate verify failed: self-signed certificate in certificate chain", Unreachable, "not signed by"),
    (0, "[Errno 111] Connection refused", Unreachable, "nothing listens"),
    (0, "timed out: no answer to the handshake", Unreachable, "no answer"),
    (0, "[Errno 113] No route to host", Unreachable, "no route"),
    (2003, "Can't connect to MySQL server on 'db' ([SSL: WRONG_VERSION_NUMBER] x)", Unreachable, "TLS handshake"),
    (2013, "Lost connection to MySQL server during query", Unreachable, "hung up"),
    (0, "not MySQL: Packet sequence number wrong", Unreachable, "not MySQL"),
    (9999, "Etwas ging schief", Unreachable, "cannot connect"),
]


@pytest.mark.parametrize(("code", "text", "error", "words"), CONNECTING)
def test_connect_error(code: int, text: str, error: type[HaError], words: str) -> None:
    found = connect_error(code, text, DSN, "directly")
    assert found.__class__ is error
    assert words in found.message.split(" (tried")[0]
    assert "(tried directly)" in found.message
    assert found.remedy


def test_every_reason_is_tried() -> None:
    said = {connect_error(code, text, DSN, "").message.split(" (tried")[0] for code, text, _error, _words in CONNECTING}
    assert {reason.message for reason in REASONS} - said == set()


def test_wrapping_of_the_library_is_taken_off() -> None:
    text = "Can't connect to MySQL server on 'db.example' ([SSL] certificate has expired (_ssl.c:1))"
    assert connect_error(2003, text, DSN, "directly").message.endswith(
        "(tried directly): [SSL] certificate has expired (_ssl.c:1)"
    )
    assert connect_error(1045, "denied (using password: YES)", DSN, "").message.endswith("YES)")


def test_errors_hide_the_password() -> None:
    text = "You have an error near 's3cr@t' s3cr%40t"
    for error in (connect_error(1064, text, DSN, "directly"), statement_error(1064, text, DSN)):
        assert "s3cr" not in str(error)


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (0, Unreachable, "lost"),
        (2013, Unreachable, "lost"),
        (1062, DuplicateRevision, ""),
        (1213, SerializationFailure, ""),
        (1205, SerializationFailure, ""),
        (1020, SerializationFailure, ""),
        (1142, Forbidden, ""),
        (1114, Conflict, "run out"),
        (1290, HaError, ""),
        (1153, HaError, ""),
        (1064, HaError, ""),
    ],
)
def test_statement_error(code: int, error: type[HaError], words: str) -> None:
    found = statement_error(code, "text", DSN)
    assert found.__class__ is error
    assert words in found.message
    assert found.remedy or error is DuplicateRevision


def test_remedies_of_refused_writes_and_large_packets() -> None:
    assert "primary" in statement_error(1290, "read-only", DSN).remedy
    assert "max_allowed_packet" in statement_error(1153, "too big", DSN).remedy


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (pymysql.err.OperationalError(1045, "denied"), 1045, "denied"),
        (pymysql.err.InternalError("Packet sequence number wrong"), 0, "not MySQL"),
        (IndexError("x"), 0, "not MySQL"),
        (ConnectionRefusedError(111, "Connection refused"), 0, "Connection refused"),
        (pymysql.err.InterfaceError(0, ""), 0, ""),
    ],
)
def test_what_the_library_raises(error: Exception, code: int, words: str) -> None:
    said = mysql_connection._said(error)
    assert said[0] == code
    assert words in said[1]


GRANTS = [
    ("GRANT ALL PRIVILEGES ON `kine`.* TO `kine`@`%`", {"ALL PRIVILEGES"}),
    ("GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION", {"ALL PRIVILEGES"}),
    ("GRANT SELECT, CREATE, SHOW VIEW ON `kine`.* TO `kine`@`%`", {"SELECT", "CREATE", "SHOW VIEW"}),
    ("GRANT SELECT ON `k%`.* TO `kine`@`%`", {"SELECT"}),
    ("GRANT SELECT ON `k_ne`.* TO `kine`@`%`", {"SELECT"}),
    ("GRANT SELECT ON `k\\_ne`.* TO `kine`@`%`", set()),
    ("GRANT SELECT ON `kine2`.* TO `kine`@`%`", set()),
    ("GRANT SELECT ON `k.ne`.* TO `kine`@`%`", set()),
    ("GRANT USAGE ON *.* TO `kine`@`%` IDENTIFIED BY PASSWORD '*00'", {"USAGE"}),
    ("GRANT SELECT (`id`, `name`), INSERT ON `kine`.`kine` TO `kine`@`%`", set()),
    ("GRANT `reader` TO `kine`@`%`", set()),
    ("GRANT EXECUTE ON PROCEDURE `kine`.`x` TO `kine`@`%`", set()),
    # sql_mode ANSI_QUOTES, then sql_quote_show_create 0
    ('GRANT ALL PRIVILEGES ON "kine".* TO "kine"@"%"', {"ALL PRIVILEGES"}),
    ('GRANT SELECT ON "k%".* TO "kine"@"%"', {"SELECT"}),
    ('GRANT SELECT ON "kine2".* TO "kine"@"%"', set()),
    ('GRANT SELECT ("id"), INSERT ON "kine"."kine" TO "kine"@"%"', set()),
    ("GRANT ALL PRIVILEGES ON kine.* TO kine@`%`", {"ALL PRIVILEGES"}),
    ("GRANT SELECT ON k_ne.* TO kine@`%`", {"SELECT"}),
    ("GRANT SELECT ON kine2.* TO kine@`%`", set()),
    ("GRANT EXECUTE ON PROCEDURE kine.x TO kine@`%`", set()),
    ("GRANT PROXY ON ''@'10.0.0.%' TO 'root'@'localhost'", set()),
]


@pytest.mark.parametrize(("grant", "privileges"), GRANTS)
def test_privileges_on_every_table(grant: str, privileges: set[str]) -> None:
    assert mysql_grants.granted([grant], "kine", "") == privileges


def test_privileges_on_the_table() -> None:
    grants = ["GRANT SELECT (`id`, `name`), INSERT ON `kine`.`kine` TO `u`@`%`", "GRANT DELETE ON `kine`.* TO `u`@`%`"]
    assert mysql_grants.granted(grants, "kine", "kine") == {"INSERT", "DELETE"}
    assert mysql_grants.granted(["GRANT SELECT ON `kine`.`other` TO `u`@`%`"], "kine", "kine") == frozenset()
    assert mysql_grants.granted(['GRANT SELECT ON "kine"."kine" TO "u"@"%"'], "kine", "kine") == {"SELECT"}
    assert mysql_grants.granted(["GRANT SELECT ON kine.kine TO u@`%`"], "kine", "kine") == {"SELECT"}
    assert mysql_grants.granted(['GRANT SELECT ON "kine"."a""b" TO "u"@"%"'], "kine", 'a"b') == {"SELECT"}
    escaped = ["GRANT SELECT ON `k\\_ine`.* TO `u`@`%`"]
    assert mysql_grants.granted(escaped, "k_ine", "kine") == {"SELECT"}


def test_lacking() -> None:
    assert mysql_grants.lacking(frozenset({"ALL PRIVILEGES"}), mysql_grants.TO_MAKE) == ()
    assert mysql_grants.lacking(frozenset({"CREATE"}), mysql_grants.TO_MAKE) == ("INDEX",)


@pytest.mark.parametrize(
    ("text", "plain"),
    [("bigint(20) unsigned", "bigint unsigned"), ("int(11)", "int"), ("INT", "int"), ("varchar(630)", "varchar(630)")],
)
def test_types_without_display_width(text: str, plain: str) -> None:
    assert plain_type(text) == plain


def test_table_is_made_by_one_statement() -> None:
    """So a kill leaves all of it or nothing."""
    statement = mysql_schema.ddl("kine_check_1_1_0123abcd")
    assert ";" not in statement
    assert all(index.name in statement for index in mysql_schema.INDEXES[1:])
    assert "{" not in statement
