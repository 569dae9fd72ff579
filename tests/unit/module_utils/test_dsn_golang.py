# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as Go reads them; the pairs were compared with Go's own strconv and time packages' documentation."""

from __future__ import annotations

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import golang


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("5s", 5.0),
        ("500ms", 0.5),
        ("1m30s", 90.0),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("-2s", -2.0),
        ("+2s", 2.0),
        ("10us", 1e-5),
        ("10µs", 1e-5),
        ("5", None),
        ("", None),
        ("s", None),
        ("5 s", None),
        ("5sec", None),
        ("--5s", None),
        ("\u0665s", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert golang.seconds(text) == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("1", True),
        ("TRUE", True),
        ("True", True),
        ("0", False),
        ("False", False),
        ("tRUE", None),
        ("yes", None),
        ("", None),
    ],
)
def test_booleans(text: str, truth: bool | None) -> None:
    assert golang.boolean(text) is truth


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("true", "true"),
        ("1", "true"),
        ("false", "false"),
        ("skip-verify", "skip-verify"),
        ("PREFERRED", "preferred"),
        ("custom", ""),
        ("", ""),
    ],
)
def test_tls(text: str, mode: str) -> None:
    assert golang.tls_mode(text) == mode
