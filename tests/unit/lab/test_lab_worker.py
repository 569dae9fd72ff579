# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's worker: what it takes for a token, and that the lab knows of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import addresses, status, worker
from tests.lab.errors import LabError
from tests.lab.image_files.k0s.k0s_stand_in import kubeconfig, tokens
from tests.lab.paths import State
from tests.lab.progress import Progress


def test_a_token_as_the_stand_in_packs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "_encoded", lambda path: path.name)
    monkeypatch.setattr(tokens, "kubectl", lambda *_words, stdin: None)
    token = tokens.create("https://192.0.2.10:30443", "worker", "1h")
    assert '"server": "https://192.0.2.10:30443"' in worker.unpack(f"{token}\n")


@pytest.mark.parametrize("token", ["", "very-secret", "dmVyeS1zZWNyZXQ=", "H4sIAAAAAAAA"])
def test_what_is_no_token_is_not_shown(token: str) -> None:
    with pytest.raises(LabError, match="no join token") as caught:
        worker.unpack(token)
    assert "very" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_worker_needs_a_lab(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="not running"):
        worker.up(State(tmp_path), tmp_path / "token", Progress())


def test_status_knows_a_worker_that_was_made(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert worker.machines(state) == {}
    state.machine("w1").mkdir(parents=True)
    (tmp_path / "run" / "lab.json").write_text('{"nodes": 1}')
    found = status.report(state)
    assert found.machines["w1"] is False
    assert found.addresses["w1"] == addresses.WORKER.address
