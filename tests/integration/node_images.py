# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images the nodes hold: a pod of a test runs what is there, because the lab pulls nothing."""

from __future__ import annotations

import json
import typing as t

import pytest


def database_image(nodes: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """An image with sh and python3 that is on the nodes already: the database's."""
    # A node lists an image that lost its name as `names: null`.
    names = [name for node in nodes for one in node["status"].get("images") or [] for name in one.get("names") or []]
    found = [name for name in names if "spilo" in name and "@" not in name]
    if not found:
        pytest.fail("No node has an image of Spilo: these tests need the lab's images. Start the lab with make lab.")
    return str(found[0])


def database_image_of(listing: str) -> str:
    """The same, from what ``kubectl get nodes -o json`` prints."""
    return database_image(json.loads(listing)["items"])
