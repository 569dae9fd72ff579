# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module reads from a Secret."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kine_check_sources import POOL_KEY, Source, read_secret

URL = "postgres://kine:s3cret@db.example:5432/kine"


def data(**values: str) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}


def test_dsn_and_limit() -> None:
    assert read_secret(data(**{DATA_SOURCE_KEY: URL, POOL_KEY: "12"}), "db", "team-a") == Source(URL, 12, "team-a")


def test_without_limit() -> None:
    assert read_secret(data(**{DATA_SOURCE_KEY: URL}), "db", "team-a").max_open == 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, f"team-a/db has no key {DATA_SOURCE_KEY}"),
        (data(url=URL), f"has no key {DATA_SOURCE_KEY}"),
        (data(**{DATA_SOURCE_KEY: ""}), f"has no key {DATA_SOURCE_KEY}"),
        (data(**{DATA_SOURCE_KEY: URL, POOL_KEY: "many"}), "is not a number"),
        ({DATA_SOURCE_KEY: "!!"}, "not UTF-8 text"),
        ({DATA_SOURCE_KEY: base64.b64encode(b"\xff").decode()}, "not UTF-8 text"),
    ],
)
def test_secret_that_cannot_be_used(values: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_secret(values, "db", "team-a")


def test_source_does_not_show_the_dsn() -> None:
    assert "s3cret" not in repr(Source(URL))
