# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the Debian packages come from."""

from __future__ import annotations

import typing as t

import pytest

from tests.lab import rootfs
from tests.lab.errors import LabError

if t.TYPE_CHECKING:
    from pathlib import Path


def test_only_sources_that_offer_the_suite_are_used(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text(f"deb http://example.test/debian {rootfs.SUITE} main\n")
    (parts / "debian.sources").write_text(f"URIs: http://example.test/debian\nSuites: {rootfs.SUITE}\n")
    (parts / "other.list").write_text("deb http://example.test/other stable main\n")
    (parts / "off.list.disabled").write_text(f"deb http://example.test/off {rootfs.SUITE} main\n")
    assert [path.name for path in rootfs.apt_sources(tmp_path)] == ["sources.list", "debian.sources"]


def test_a_user_without_rights_gets_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="run it as root"):
        rootfs.require_apt()


def test_a_machine_without_apt_gets_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="needs a Debian machine"):
        rootfs.require_apt()
