# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of every folder use."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def without_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the cluster of the user's shell from a module."""
    for name in [*os.environ]:
        if name == "KUBECONFIG" or name.startswith("K8S_AUTH_"):
            monkeypatch.delenv(name)
