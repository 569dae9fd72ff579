# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which PostgreSQL an image of CloudNativePG holds: the operator reads it from the tag. Pure."""

from __future__ import annotations

import re

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

DEFAULT_IMAGE = "ghcr.io/cloudnative-pg/postgresql:{version}-minimal-trixie"
"""Upstream's image with PostgreSQL and nothing else; its tag moves with the minor releases (docs: postgres_upgrades)."""

_TAG = re.compile(r".*:([0-9]+)(?:[._-][\w.-]*)?")


def major_of(image: str) -> str | None:
    """The major version in an image's tag; None for a tag that the operator cannot read (docs: container_images)."""
    match = _TAG.fullmatch(image.partition("@")[0])
    return match[1] if match else None


def check_image(image: str, version: str) -> None:
    """Raise InvalidInput for an image that is not of this major version, or that does not say so."""
    major = major_of(image)
    if major is None:
        raise InvalidInput(
            f"The operator cannot tell the version of PostgreSQL from the image {image}",
            f"Give it a tag that begins with the major version, such as :{version} or :{version}.1-mine.",
        )
    if major != version:
        raise InvalidInput(
            f"version is {version}, but the tag of the image {image} says {major}", "Make both say the same."
        )
