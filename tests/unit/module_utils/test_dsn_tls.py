# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a DSN's parameters mean together for encryption. Kine's own code says the same: test_dsn_oracle.py."""

from __future__ import annotations

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import parse
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.tls import attempts, completed, verified


@pytest.mark.parametrize(
    ("query", "tried"),
    [
        ("", "encrypted plaintext"),
        ("sslmode=allow", "plaintext encrypted"),
        ("sslmode=require", "encrypted"),
        ("sslmode=require&sslrootcert=/ca.crt", "verify-ca"),
        ("sslmode=disable&sslrootcert=/ca.crt", "plaintext"),
        ("sslmode=disable&sslrootcert=system", "verify-full"),
        ("sslnegotiation=direct", "encrypted"),
        ("sslnegotiation=direct&sslrootcert=/ca.crt", "verify-ca"),
        ("sslmode=on", ""),
    ],
)
def test_postgresql(query: str, tried: str) -> None:
    assert " ".join(attempts(parse(f"postgres://u:p@h/kine?{query}"))) == tried


@pytest.mark.parametrize(
    ("query", "tried"),
    [
        ("", "plaintext"),
        ("tls=0", "plaintext"),
        ("tls=TRUE", "verify-full"),
        ("tls=Skip-Verify", "encrypted"),
        ("tls=preferred", "encrypted plaintext"),
        ("tls=true&allowFallbackToPlaintext=true", "verify-full plaintext"),
        ("tls=false&allowFallbackToPlaintext=true", "plaintext"),
        ("tls=custom", ""),
    ],
)
def test_mysql(query: str, tried: str) -> None:
    assert " ".join(attempts(parse(f"mysql://u:p@tcp(h)/kine?{query}"))) == tried


@pytest.mark.parametrize(
    ("url", "ca_file", "what"),
    [
        ("postgres://u:p@h/kine?sslmode=verify-full", "", "authority and name"),
        ("postgres://u:p@h/kine?sslmode=require&sslrootcert=/ca.crt", "", "authority"),
        ("postgres://u:p@h/kine?sslmode=require", "/ca.crt", "authority"),
        ("postgres://u:p@h/kine?sslmode=prefer", "/ca.crt", ""),
        ("postgres://u:p@h/kine", "/ca.crt", "authority and name"),
        ("postgres://u:p@h/kine", "", ""),
        ("mysql://u:p@tcp(h)/kine", "/ca.crt", "authority and name"),
        ("mysql://u:p@tcp(h)/kine?tls=false", "/ca.crt", "authority and name"),
        ("mysql://u:p@tcp(h)/kine?allowFallbackToPlaintext=true", "/ca.crt", ""),
        ("mysql://u:p@tcp(h)/kine?tls=skip-verify", "/ca.crt", ""),
        ("mysql://u:p@tcp(h)/kine?tls=true", "", "authority and name"),
        ("mysql://u:p@tcp(h)/kine?tls=true&allowFallbackToPlaintext=true", "", ""),
    ],
)
def test_what_kine_verifies(url: str, ca_file: str, what: str) -> None:
    assert verified(parse(url), ca_file) == what


@pytest.mark.parametrize(
    ("query", "ca_file", "params"),
    [
        ("", "/ca.crt", {"sslmode": "verify-full", "sslrootcert": "/ca.crt"}),
        ("sslmode=require", "/ca.crt", {"sslmode": "require", "sslrootcert": "/ca.crt"}),
        ("sslrootcert=/own.crt", "/ca.crt", {"sslrootcert": "/own.crt"}),
        ("sslmode=require", "", {"sslmode": "require"}),
    ],
)
def test_kine_completes_a_postgresql_dsn_by_its_ca_file(query: str, ca_file: str, params: dict[str, str]) -> None:
    assert completed(parse(f"postgres://u:p@h/kine?{query}"), ca_file).params == params


def test_kine_leaves_a_mysql_dsn_as_it_is() -> None:
    dsn = parse("mysql://u:p@tcp(h)/kine")
    assert completed(dsn, "/ca.crt") == dsn
