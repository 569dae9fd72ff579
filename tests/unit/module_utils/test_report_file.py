# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where pages for people are written, and what is refused before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import report_file
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError


@pytest.mark.parametrize(("name", "words"), [("", "is a folder"), ("none/report.html", "The folder of")])
def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(HaError, match=words):
        report_file.refuse(str(tmp_path / name))


def test_a_file_that_is_there_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    report_file.refuse(str(path))
    path.write_text("the one before")
    report_file.refuse(str(path))
    assert path.read_text() == "the one before"
