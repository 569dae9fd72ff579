# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module reads from a Secret."""

from __future__ import annotations

import base64
import datetime
import os
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import database_ca
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kine_check_sources import (
    POOL_KEY,
    Source,
    read_secret,
    sources,
    written,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.webhook_certificate import issue

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


def test_dsn_as_kine_completes_it() -> None:
    given = data(**{DATA_SOURCE_KEY: URL, database_ca.KINE_FLAG: "/ca.crt"})
    found = read_secret(given, "db", "team-a").dsn().params
    assert (found["sslmode"], found["sslrootcert"]) == ("verify-full", "/ca.crt")


def test_source_does_not_show_the_dsn() -> None:
    assert "s3cret" not in repr(Source(URL))


class Cluster:
    """A Secret with the data source that it is made with, and the ConfigMap beside it."""

    def __init__(self, secret: dict[str, str], config_map: dict[str, str] | None) -> None:
        self.secret, self.config_map = secret, config_map

    def __call__(self) -> t.Any:
        return self

    def get(self, _version: str, kind: str, name: str, _namespace: str) -> dict[str, t.Any] | None:
        if (kind, name) == ("Secret", "db"):
            return {"data": data(**self.secret)}
        assert (kind, name) == ("ConfigMap", "db-ca")
        return {"data": self.config_map} if self.config_map is not None else None


@pytest.mark.parametrize(
    "secret",
    [
        {DATA_SOURCE_KEY: f"{URL}?sslmode=verify-full&sslrootcert={database_ca.PATH}"},
        {DATA_SOURCE_KEY: "mysql://kine:s3cret@tcp(db:3306)/kine", database_ca.KINE_FLAG: database_ca.PATH},
    ],
)
def test_the_authorities_beside_a_secret_are_used_here(secret: dict[str, str]) -> None:
    authority = issue(["db"], datetime.datetime.now(datetime.UTC)).ca
    wanted = [{"url": None, "secret": {"namespace": "team-a", "name": "db"}}]
    (found,) = sources(wanted, Cluster(secret, {database_ca.KEY: authority}), False)
    assert isinstance(found, Source)
    with written(found.files) as files, open(files[database_ca.PATH], encoding="ascii") as file:
        assert file.read() == authority
    assert not os.path.exists(files[database_ca.PATH])
    for missing in (None, {}, {database_ca.KEY: "nonsense"}):
        (error,) = sources(wanted, Cluster(secret, missing), False)
        assert isinstance(error, NotFound if missing is None else InvalidInput)
        assert "ConfigMap team-a/db-ca" in error.message


def test_other_files_are_not_looked_for() -> None:
    wanted = [{"url": None, "secret": {"namespace": "team-a", "name": "db"}}]
    for url in (f"{URL}?sslrootcert=/mine.crt", "not a URL"):
        (found,) = sources(wanted, Cluster({DATA_SOURCE_KEY: url}, None), False)
        assert found == Source(url, 0, "team-a")
