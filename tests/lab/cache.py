# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of built things, each named after a digest of all that went into it."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import typing as t
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".tmp"
DIGITS = 16  # hexadecimal, of a digest


def digest(*inputs: str | bytes | Path) -> str:
    """A short digest of texts, and of the names and content of files and folders."""
    total = hashlib.sha256()
    for item in inputs:
        for part in _parts(item):
            total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()[:DIGITS]


def _parts(item: str | bytes | Path) -> t.Iterator[bytes]:
    if isinstance(item, str):
        yield item.encode()
    elif isinstance(item, bytes):
        yield item
    else:
        files = sorted(path for path in item.rglob("*") if path.is_file()) if item.is_dir() else [item]
        for path in files:
            if "__pycache__" not in path.parts:
                yield path.relative_to(item.parent).as_posix().encode()
                yield path.read_bytes()


class Cache:
    """Entries are folders `<name>-<digest>`. One appears whole or not at all: it is built beside and renamed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> t.Iterator[None]:
        """Keep other processes out; the kernel lets go of the lock when this process dies."""
        with (self.root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for leftover in self.root.glob(f"*{UNFINISHED}"):
                shutil.rmtree(leftover, ignore_errors=True)
            yield

    def entry(self, name: str, key: str, build: t.Callable[[Path], None]) -> Path:
        """The folder `<name>-<key>`; `build` fills it when it is not there. Older ones of that name go then."""
        target = self.root / f"{name}-{key}"
        if not target.is_dir():
            unfinished = target.with_name(target.name + UNFINISHED)
            unfinished.mkdir()
            build(unfinished)
            unfinished.rename(target)
            for other in self.root.glob(f"{name}-{'[0-9a-f]' * DIGITS}"):
                if other != target:
                    shutil.rmtree(other, ignore_errors=True)
        return target
