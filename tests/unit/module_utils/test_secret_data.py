# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in Secrets, and passwords that are made up once."""

from __future__ import annotations

import base64

from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import password_of, texts, with_password

SECRET = {"kind": "Secret", "metadata": {"name": "one"}, "stringData": {"username": "one"}}


def test_a_password_is_made_up_where_there_is_none() -> None:
    first, second = with_password(SECRET, None), with_password(SECRET, {"data": {"username": "b25l"}})
    assert texts(first)["username"] == "one"
    assert len(texts(first)["password"]) == 64
    assert texts(first)["password"] != texts(second)["password"]
    assert "stringData" not in first
    assert SECRET["stringData"] == {"username": "one"}


def test_a_password_that_exists_is_kept() -> None:
    live = {"data": {"password": base64.b64encode("sécret".encode()).decode(), "note": "bm90ZQ=="}}
    assert texts(with_password(SECRET, live)) == {"username": "one", "password": "sécret"}


def test_which_key_has_the_password() -> None:
    """The one without a text: Oracle's operator calls root's rootPassword."""
    root = {"kind": "Secret", "stringData": {"rootUser": "root", "rootPassword": None}}
    live = with_password(root, None)
    assert password_of(root, live) == texts(live)["rootPassword"]
    assert password_of(SECRET, with_password(SECRET, live)) != password_of(root, live)


def test_there_may_be_no_password() -> None:
    for live in (None, {}, {"data": None}, {"data": {"username": "b25l"}}, {"data": {"password": ""}}):
        assert password_of(SECRET, live) == ""
