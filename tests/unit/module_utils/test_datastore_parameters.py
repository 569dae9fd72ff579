# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database server's parameters: what may be written, and how."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    PROVIDERS,
    Datastore,
    datastore,
    options_for,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.my_cnf import my_cnf
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput


def store(provider: str, **parameters: t.Any) -> Datastore:
    return datastore(provider, options_for(provider, name="db", namespace="ns", parameters=parameters))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (["hunter2"], "is a list"),
        ({"a": "hunter2"}, "is a map"),
        ("hunter2\nx = 1", "has a line break"),
        ("hunter2\r", "has a line break"),
        ("hunter2\n", "has a line break"),
    ],
)
def test_what_is_no_single_value_is_refused_by_name(provider: str, value: t.Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=f"The parameter some_setting {said}") as caught:
        store(provider, some_setting=value).validate()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_null_is_the_default_of_the_server(provider: str) -> None:
    wanted = store(provider, max_connections=None, some_setting="one")
    wanted.validate()
    written = str(wanted.desired())
    assert "some_setting" in written
    assert "max_connections" not in written


@pytest.mark.parametrize("provider", ["zalando", "cloudnativepg"])
def test_only_nulls_are_no_parameters(provider: str) -> None:
    assert store(provider, a=None).desired() == store(provider).desired()


def test_null_takes_one_of_ours_away() -> None:
    [cluster] = store("cloudnativepg", wal_receiver_timeout=None, some_setting=1).desired()
    assert cluster["spec"]["postgresql"]["parameters"] == {"some_setting": "1"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("64M", "64M"),
        ("*", "*"),
        (300, "300"),
        (True, "ON"),
        ("a b", "a b"),
        ("a#b", '"a#b"'),
        ("it's", '"it\'s"'),
        ('say "x"', '"say \\"x\\""'),
        ("C:\\new", '"C:\\\\new"'),
        (" x", '" x"'),
        ("x\t", '"x\t"'),
    ],
)
def test_values_arrive_as_they_are(value: t.Any, text: str) -> None:
    assert my_cnf("mysqld", {}, {"name": value}) == f"[mysqld]\nname = {text}\n"


def test_null_takes_ours_away_in_any_spelling() -> None:
    assert my_cnf("mysqld", {"max_connections": 300}, {"Max-Connections": None}) == "[mysqld]\n"
