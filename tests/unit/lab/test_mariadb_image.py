# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MariaDB image's entrypoint, with programs in place of MariaDB's that write down how they were called."""

from __future__ import annotations

import os
import subprocess
import typing as t

import pytest

from tests.lab import images

if t.TYPE_CHECKING:
    from pathlib import Path

ENTRYPOINT = images.FILES / "mariadb" / "entrypoint"
INSTALL = """#!/bin/bash
for each; do [[ $each == --datadir=* ]] && mkdir -p "${each#*=}"/{mysql,sys} && touch "${each#*=}/ibdata1"; done
exit ${INSTALL_ENDS_WITH:-0}
"""
SERVER = """#!/bin/bash
echo "mariadbd $*" >> "$CALLS"
case "$*" in *--bootstrap*) cat >> "$CALLS" ;; esac
"""


class Container:
    """A volume, and what happened at each start."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self.calls = folder / "calls"
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name, text in (("mariadb-install-db", INSTALL), ("mariadbd", SERVER)):
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)

    def start(self, *arguments: str, **env: str) -> list[str]:
        """The server's calls and what it read. Raises CalledProcessError when the container ends with an error."""
        self.calls.write_text("")
        script = ENTRYPOINT.read_text().replace("/var/lib/mysql", str(self.data))
        environment = {"PATH": f"{self.programs}:{os.environ['PATH']}", "CALLS": str(self.calls), **env}
        command = ["bash", "-c", script, "entrypoint", *arguments]
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return self.calls.read_text().splitlines()

    @property
    def volume(self) -> set[str]:
        return {path.name for path in self.data.iterdir()}


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


def test_the_first_start_makes_a_database_and_the_second_only_starts_it(container: Container) -> None:
    first = container.start("--log-bin", MARIADB_ROOT_PASSWORD="secret")
    assert "ALTER USER root@localhost IDENTIFIED BY 'secret';" in first
    assert first[-1] == "mariadbd --log-bin"
    assert container.volume == {"mysql", "sys", "ibdata1"}
    assert container.start("--log-bin") == ["mariadbd --log-bin"]


def test_the_database_is_made_without_a_binary_log(container: Container) -> None:
    """Replicas would get the primary's, and stop at accounts that they have."""
    (bootstrap,) = (line for line in container.start(MARIADB_ROOT_PASSWORD="x") if "--bootstrap" in line)
    assert "--skip-log-bin" in bootstrap


def test_a_password_is_data(container: Container) -> None:
    read = container.start(MARIADB_ROOT_PASSWORD="it's a\\b $(x)", MARIADB_ROOT_HOST="10.%")
    assert r"CREATE USER root@'10.%' IDENTIFIED BY 'it\'s a\\b $(x)';" in read


def test_no_password_has_to_be_asked_for(container: Container) -> None:
    with pytest.raises(subprocess.CalledProcessError) as error:
        container.start()
    assert "MARIADB_ROOT_PASSWORD" in error.value.stderr
    assert "CREATE USER root@'%' IDENTIFIED BY '';" in container.start(MARIADB_ALLOW_EMPTY_ROOT_PASSWORD="yes")


def test_a_first_start_that_was_cut_off_is_made_again(container: Container) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        container.start(MARIADB_ROOT_PASSWORD="x", INSTALL_ENDS_WITH="1")
    assert "mysql" not in container.volume
    container.start(MARIADB_ROOT_PASSWORD="x")
    assert container.volume == {"mysql", "sys", "ibdata1"}
