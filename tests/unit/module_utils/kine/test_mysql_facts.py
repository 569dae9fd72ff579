# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the MySQL driver makes of answers that the MariaDB of the integration tests does not give."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql import Mysql


class Said:
    """A connector to a server with these answers to statements that begin so."""

    encrypted = ("", "")

    def __init__(self, answers: t.Mapping[str, t.Mapping[str, str]]) -> None:
        self._answers = answers

    def encryption(self, _connection: object) -> tuple[str, str]:
        return self.encrypted

    def certificate(self, _connection: object) -> bytes | None:
        return None

    def open(self) -> object:
        return object()

    def rows(self, _connection: object, statement: str, _values: t.Sequence[t.Any] = ()) -> list[tuple[t.Any, ...]]:
        return next(list(rows.items()) for start, rows in self._answers.items() if statement.startswith(start))


class Encrypted(Said):
    """The same where this end has TLS."""

    encrypted = ("TLSv1.3", "TLS_AES_256_GCM_SHA384")


@pytest.mark.parametrize(("connector", "used"), [(Said, False), (Encrypted, True)])
def test_encryption_is_that_of_this_end(connector: type[Said], used: bool) -> None:
    """A proxy may have TLS to its clients and none to the server, or the other way round."""
    behind = {"SHOW SESSION STATUS": {"Ssl_version": "TLSv1.2", "Ssl_cipher": "" if used else "AES"}}
    tls = Mysql(t.cast("t.Any", connector(behind))).tls()
    assert (tls.used, tls.version) == (used, "TLSv1.3" if used else "")


@pytest.mark.parametrize(
    ("doublewrite", "whole"),
    [
        ("ON", True),
        ("DETECT_AND_RECOVER", True),
        ("fast", True),
        ("OFF", False),
        ("FALSE", False),
        ("0", False),
        ("DETECT_ONLY", False),
    ],
)
def test_pages_that_may_tear(doublewrite: str, whole: bool) -> None:
    settings = {"innodb_flush_log_at_trx_commit": "1", "innodb_doublewrite": doublewrite}
    connector = Said({"SHOW SESSION VARIABLES": settings})
    assert Mysql(t.cast("t.Any", connector)).durability().full_page_writes == whole
