# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Built things appear whole or not at all, and under the digest of all that went in."""

from __future__ import annotations

import subprocess
import sys
import typing as t

import pytest

from tests.lab.cache import Cache, digest

if t.TYPE_CHECKING:
    from pathlib import Path


def _build(text: str) -> t.Callable[[Path], None]:
    def build(target: Path) -> None:
        (target / "file").write_text(text)

    return build


def _never(_target: Path) -> None:
    raise AssertionError("built again")


def test_entry_is_built_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    key = digest("a")
    first = cache.entry("thing", key, _build("x"))
    assert cache.entry("thing", key, _never) == first
    assert (first / "file").read_text() == "x"


def test_new_key_replaces_the_entry_but_no_other_of_a_longer_name(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    longer = cache.entry("thing-b", digest("a"), _build("b"))
    old = cache.entry("thing", digest("a"), _build("x"))
    new = cache.entry("thing", digest("b"), _build("y"))
    assert [path.exists() for path in (longer, old, new)] == [True, False, True]


def test_broken_build_leaves_no_entry_and_the_next_run_starts_over(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def fail(target: Path) -> None:
        (target / "half").write_text("x")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        cache.entry("thing", digest("a"), fail)
    with cache.locked():
        made = cache.entry("thing", digest("a"), _build("x"))
    assert [path.name for path in made.iterdir()] == ["file"]


def test_lock_keeps_other_processes_out_until_its_holder_ends(tmp_path: Path) -> None:
    attempt = f"import fcntl; fcntl.flock(open({str(tmp_path / 'lock')!r}, 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    with Cache(tmp_path).locked():
        assert subprocess.run([sys.executable, "-c", attempt], stderr=subprocess.DEVNULL, check=False).returncode != 0
    assert subprocess.run([sys.executable, "-c", attempt], check=False).returncode == 0


def test_digest_sees_content_and_names_and_where_one_input_ends(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("1")
    seen = {digest(folder), digest("ab", "c"), digest("a", "bc")}
    (folder / "a").write_text("2")
    seen.add(digest(folder))
    (folder / "a").rename(folder / "b")
    seen.add(digest(folder))
    assert len(seen) == 5


def test_digest_does_not_see_python_s_caches(tmp_path: Path) -> None:
    before = digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert digest(tmp_path) == before
