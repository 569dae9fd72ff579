# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A browser for the tests of this folder."""

from __future__ import annotations

import typing as t

import pytest

from tests.integration.pages.browser import Browser, browser


@pytest.fixture(scope="session")
def window() -> t.Iterator[Browser]:
    """Give a browser for all tests."""
    with browser() as running:
        yield running
