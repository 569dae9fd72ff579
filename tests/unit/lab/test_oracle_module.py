# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test oracle is built of the same modules as the lab's kine, else it would be the oracle of another kine."""

from __future__ import annotations

import re

from tests.integration.oracle import FOLDER, INPUTS
from tests.lab.programs import GO

SHARED = (
    "github.com/k3s-io/kine",
    "github.com/jackc/pgx/v5",
    "github.com/go-sql-driver/mysql",
    "google.golang.org/grpc",
)


def test_versions_are_the_lab_s() -> None:
    lab, oracle = ((folder / "go.mod").read_text() for folder in (GO, FOLDER))
    for name in SHARED:
        line = rf"^\s*{re.escape(name)} (\S+)"
        assert re.findall(line, oracle, re.MULTILINE) == re.findall(line, lab, re.MULTILINE) != [], name
    assert re.findall(r"^go .*", oracle, re.MULTILINE) == re.findall(r"^go .*", lab, re.MULTILINE)


def test_inputs_are_all_that_the_folder_holds() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(INPUTS)
