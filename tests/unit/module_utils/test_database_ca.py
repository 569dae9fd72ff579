# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authorities that a control plane trusts its database by: what may be one, who names them, where they are mounted."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import database_ca, datasource_secret_run
from ansible_collections.k0smotron.ha.plugins.module_utils.certificates import Bundle
from ansible_collections.k0smotron.ha.plugins.module_utils.data_source import refuse_unmounted
from ansible_collections.k0smotron.ha.plugins.module_utils.datasource_secret_run import dsn_of
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn, Host, build, lint
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.webhook_certificate import issue

if t.TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Give an authority with a certificate that it signed."""
    return issue(["db.example"], datetime.datetime.now(datetime.UTC))


def test_a_file_of_certificates(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "ca.crt"
    path.write_text(2 * bundle.ca)
    assert database_ca.read(str(path)) == 2 * bundle.ca


def test_files_that_hold_no_certificates(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "ca.crt"
    for content, words in (
        ("", "is empty"),
        (" \n", "is empty"),
        (bundle.key, "private key"),
        (bundle.ca + bundle.key, "private key"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate that can be read"),
        ("hello", "no certificate that can be read"),
    ):
        path.write_text(content)
        with pytest.raises(InvalidInput, match=words) as caught:
            database_ca.read(str(path))
        assert str(path) in str(caught.value)
        assert "PRIVATE" not in str(caught.value)
    path.write_bytes(b"\x30\x82\xff")
    with pytest.raises(InvalidInput, match="not a PEM file"):
        database_ca.read(str(path))


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is a folder"):
        database_ca.read(str(tmp_path))
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        database_ca.read(str(tmp_path / "none"))


def dsn(scheme: str, **params: str) -> Dsn:
    return Dsn(scheme, "u", "p", (Host("db", 1),), "kine", params)


@pytest.mark.parametrize(
    ("given", "flag", "file"),
    [
        (dsn("postgres", sslrootcert="/a"), "", "/a"),
        (dsn("postgres", sslrootcert="/a"), "/b", "/a"),
        (dsn("postgres"), "/b", "/b"),
        (dsn("postgres", sslmode="require"), "/b", "/b"),
        (dsn("postgres"), "", ""),
        (dsn("mysql"), "/b", "/b"),
        (dsn("mysql", tls="true"), "/b", ""),
        (dsn("mysql", tls="0"), "/b", "/b"),
    ],
)
def test_the_file_that_kine_verifies_by(given: Dsn, flag: str, file: str) -> None:
    assert database_ca.named_by(given, flag) == file


@pytest.mark.parametrize(
    ("given", "uses"),
    [
        (dsn("mysql"), True),
        (dsn("mysql", tls="false"), False),  # kine would verify by it, and plaintext is what was asked for
        (dsn("postgres", sslrootcert=database_ca.PATH), True),
        (dsn("postgres"), False),
    ],
)
def test_whether_a_data_source_uses_ours(given: Dsn, uses: bool) -> None:
    assert datasource_secret_run._uses_ours(given) is uses


def test_the_secret_changes_with_the_authorities() -> None:
    assert database_ca.secret_data("postgres", "a") != database_ca.secret_data("postgres", "b")
    assert database_ca.secret_data("mysql", "a")[database_ca.KINE_FLAG] == database_ca.PATH
    assert database_ca.KINE_FLAG not in database_ca.secret_data("postgres", "a")


def test_what_is_mounted() -> None:
    ours = database_ca.mount("source")
    assert refuse_unmounted(database_ca.PATH, [ours]) == []
    assert refuse_unmounted("/certs/db/ca.crt", [{"path": "/certs"}]) == []
    assert refuse_unmounted("", []) == refuse_unmounted("system", []) == []
    (warning,) = refuse_unmounted("/certs-of-mine/ca.crt", [{"path": "/certs"}])
    assert "/certs-of-mine/ca.crt" in warning
    with pytest.raises(InvalidInput, match="mounts"):
        refuse_unmounted(database_ca.PATH, [{"path": "/certs"}])


def connection(scheme: str, **params: str) -> dict[str, t.Any]:
    given = {"scheme": scheme, "user": "kine", "password": "p", "host": "db", "port": None, "database": "kine"}
    return {**given, "params": params}


TIMED = {"connect_timeout": "2", "target_session_attrs": "read-write"}
VERIFIED = {"sslrootcert": database_ca.PATH, "sslmode": "verify-full"}


@pytest.mark.parametrize(
    ("given", "tls", "expected"),
    [
        (connection("postgres"), None, {**TIMED, **VERIFIED}),
        (connection("postgres"), "verify_ca", {**TIMED, **VERIFIED, "sslmode": "verify-ca"}),
        (connection("postgres"), "require", {**TIMED, "sslmode": "require"}),
        (connection("postgres", sslrootcert="/mine"), "verify_full", {**TIMED, **VERIFIED, "sslrootcert": "/mine"}),
        (connection("postgres", sslmode="verify-ca"), None, {**TIMED, "sslmode": "verify-ca"}),
        (connection("mysql"), None, {}),
        (connection("mysql"), "verify_full", {}),
        (connection("mysql"), "require", {"tls": "skip-verify"}),
    ],
)
def test_a_known_authority_means_verification(
    given: dict[str, t.Any], tls: str | None, expected: dict[str, str]
) -> None:
    assert dsn_of(given, tls, verifies=True).params == expected


@pytest.mark.parametrize("scheme", ["postgres", "mysql"])
def test_what_verifies_is_not_warned_about(scheme: str) -> None:
    given = connection(scheme, **({"rejectReadOnly": "true"} if scheme == "mysql" else {}))
    assert lint(build(dsn_of(given, None, verifies=True)), ca_file=scheme == "mysql") == []
