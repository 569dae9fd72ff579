# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences about a Secret that k0smotron could not use."""

from __future__ import annotations

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.data_source import similar_key, wrong_key
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY


@pytest.mark.parametrize(
    ("keys", "meant"),
    [
        ({"K0SMOTRON_KINE_DATASOURCE_URI": "x"}, "K0SMOTRON_KINE_DATASOURCE_URI"),
        ({"KINE_DATASOURCE_URL": "x", "other": "y"}, "KINE_DATASOURCE_URL"),
        ({"username": "u", "dsn": "postgres://u:p@h/d"}, "dsn"),
        ({"a": "http://x", "b": "http://y"}, None),
        ({"username": "u", "password": "p"}, None),
        ({}, None),
    ],
)
def test_the_key_that_was_meant(keys: dict[str, str], meant: str | None) -> None:
    assert similar_key(keys) == meant


def test_values_are_not_shown() -> None:
    sentence = str(wrong_key("db", "team-a", {"dsn": "postgres://u:hunter2@h/d"}))
    assert "dsn" in sentence
    assert "hunter2" not in sentence


def test_an_empty_value_is_no_missing_key() -> None:
    assert "empty value" in str(wrong_key("db", "team-a", {DATA_SOURCE_KEY: ""}))
