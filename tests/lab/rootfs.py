# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian root file systems below images: one for all that can share it, so that a node unpacks it once."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError

if t.TYPE_CHECKING:
    from .commands import Commands

SUITE = "bookworm"  # Debian 12: Patroni 3.0 labels leaders `master` by itself, which the operator's Services select
POSTGRES = "15"
POSTGRES_PROGRAMS = f"/usr/lib/postgresql/{POSTGRES}/bin"  # themselves, not Debian's wrappers of the same names
UNUSED = (
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/lintian/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
    # LLVM is 104 MB for JIT alone. Without llvmjit.so PostgreSQL quietly does without; with it, queries fail.
    "/usr/lib/*/libLLVM*",
    "/usr/lib/*/libz3.*",
    "/usr/lib/postgresql/*/lib/bitcode/*",
    "/usr/lib/postgresql/*/lib/llvmjit*",
)
AFTER = (
    # Neither the machine's apt settings nor a key made at installation belong into an image.
    'rm -rf "$1"/etc/apt/sources.list* "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/ssl/private/* "$1"/var/log/*.log',
)


@dataclass(frozen=True)
class Rootfs:
    """Packages, and shell commands for the root folder "$1", `before` they are unpacked and `after`. `name`: in the cache."""

    name: str
    packages: tuple[str, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def inputs(self) -> str:
        """All that decides what is in the root file system, but for the day's package versions."""
        return repr((SUITE, self.packages, UNUSED, self.before, (*self.after, *AFTER)))


SHARED = Rootfs(
    "debian",
    (f"postgresql-{POSTGRES}", "patroni", "python3-yaml", "openssl", "tini"),
    before=(
        # Patroni makes the database cluster, not the installation.
        'mkdir -p "$1"/etc/postgresql-common',
        'echo "create_main_cluster = false" > "$1"/etc/postgresql-common/createcluster.conf',
        # Spilo's numbers: the operator's documentation tells users to set fsGroup 103 for certificates of their own.
        'echo "postgres:x:101:103:PostgreSQL administrator:/var/lib/postgresql:/bin/bash" >> "$1"/etc/passwd',
        'echo "postgres:x:103:" >> "$1"/etc/group',
    ),
    after=(
        # The operator's users ask initdb for en_US.UTF-8.
        'chroot "$1" localedef -i en_US -f UTF-8 en_US.UTF-8',
        # Only Debian's wrappers around PostgreSQL's own programs are written in Perl.
        'rm -rf "$1"/usr/share/perl "$1"/usr/lib/*/perl "$1"/usr/share/i18n "$1"/usr/share/postgresql/*/man',
    ),
)


def build(root: Rootfs, target: Path, commands: Commands, log: Path) -> None:
    """Write the root file system `root` to the tar file `target`, with the machine's own apt sources and settings."""
    require_apt()
    settings = log.with_name("apt.conf")
    settings.write_text(
        subprocess.run(["apt-config", "dump", "Acquire"], check=True, capture_output=True, text=True).stdout
    )
    command = [
        "mmdebstrap",
        "--mode=root",
        "--variant=essential",
        f"--include={','.join(root.packages)}",
        f"--aptopt={settings}",
    ]
    command += [
        "--skip=output/dev",
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={path}" for path in UNUSED),
    ]
    command += [f"--essential-hook={hook}" for hook in root.before]
    command += [f"--customize-hook={hook}" for hook in (*root.after, *AFTER)]
    sources = apt_sources(Path("/etc/apt"))
    commands.run([*command, SUITE, str(target), *map(str, sources)], log, env={**os.environ, "SOURCE_DATE_EPOCH": "0"})
    settings.unlink()


def require_apt() -> None:
    """Raise LabError where Debian packages cannot be installed into a root file system."""
    if os.geteuid() != 0:
        raise LabError("The lab's images are built with mmdebstrap as root: run it as root.")
    if not shutil.which("apt-config") or not shutil.which("mmdebstrap"):
        raise LabError(
            "The lab's images are made of Debian packages: it needs a Debian machine with mmdebstrap installed."
        )
    if not apt_sources(Path("/etc/apt")):
        raise LabError(
            f"The lab's images need packages of Debian {SUITE}, and no apt source of this machine offers them."
        )


def apt_sources(folder: Path) -> list[Path]:
    """The apt source files below `folder` that offer the suite; third parties' other files stay out."""
    files = [
        folder / "sources.list",
        *sorted(folder.glob("sources.list.d/*.list")),
        *sorted(folder.glob("sources.list.d/*.sources")),
    ]
    return [path for path in files if path.is_file() and SUITE in path.read_text()]
