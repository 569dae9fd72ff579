# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PostgreSQL stores of a password: by the standard, and as PostgreSQL's own library makes it."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import pq

from ansible_collections.k0smotron.ha.plugins.filter.scram_verifier import FilterModule
from ansible_collections.k0smotron.ha.plugins.module_utils.scram import scram


def test_it_is_right_by_the_example_of_rfc_7677() -> None:
    """Its keys make the example's client proof and server signature; the password is "pencil"."""
    proof, signature = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    salt = "W22ZaJ0SNY7soEsUEjb6gQ=="
    said = f"n=user,r={nonce[:20]},r={nonce},s={salt},i=4096,c=biws,r={nonce}".encode()
    kind, iterations, keys = scram("pencil", base64.b64decode(salt)).split("$")
    stored, server = map(base64.b64decode, keys.split(":"))
    assert (kind, iterations) == ("SCRAM-SHA-256", f"4096:{salt}")
    assert base64.b64encode(hmac.digest(server, said, "sha256")).decode() == signature
    client = bytes(a ^ b for a, b in zip(base64.b64decode(proof), hmac.digest(stored, said, "sha256"), strict=True))
    assert hashlib.sha256(client).digest() == stored


def libpq(password: str) -> str:
    """Made without a server; a connection that never comes about will do."""
    connection = pq.PGconn.connect_start(b"host=/nowhere")
    try:
        return connection.encrypt_password(password.encode(), b"user", b"scram-sha-256").decode()
    finally:
        connection.finish()


def ours_with_the_salt_of(theirs: str, password: str) -> str:
    return scram(password, base64.b64decode(theirs.split("$")[1].partition(":")[2]))


@pytest.mark.parametrize(
    "password",
    [
        *(
            "p/w@1%",
            " ",
            "I\u00adX",
            "\u2168",
            "\u00aa",
            "a\u00a0b",
            "a\u200bb",
            "\u00ad",
            "\u0007",
            "\u0221",
            "\ue000",
        ),
        *("\u0340", "\ua7f4", "\u0627", "\u0627\u0628", "\u06271", "\u0627a\u0628", "\u0440\u0430\u0437"),
    ],
    ids=ascii,
)
def test_it_is_what_libpq_makes(password: str) -> None:
    theirs = libpq(password)
    assert ours_with_the_salt_of(theirs, password) == theirs


# NUL ends a password in C, and what Python's tables have no character for may be one in libpq's, which are newer.
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs", "Cn"]), min_size=1, max_size=8))
def test_it_is_what_libpq_makes_of_any_password(password: str) -> None:
    theirs = libpq(password)
    assert ours_with_the_salt_of(theirs, password) == theirs


def test_the_filter_takes_a_number_and_salts() -> None:
    scram_verifier = FilterModule().filters()["scram_verifier"]
    made = scram_verifier(12345)
    assert ours_with_the_salt_of(made, "12345") == made
    assert scram_verifier(12345) != made
