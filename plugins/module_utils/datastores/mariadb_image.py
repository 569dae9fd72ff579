# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which MariaDB an image holds: mariadb-operator reads it from the tag, to know how replicas find their primary. Pure."""

from __future__ import annotations

import re

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

DEFAULT_IMAGE = "docker.io/library/mariadb:{version}"
VERSIONS = ("10.6", "10.11", "11.4")
"""The long-term releases that mariadb-operator v0.38.1 was made for; kine's own tests run on none of the others."""

_TAG = re.compile(r".*:([0-9]+\.[0-9]+)(?:[.-][\w.-]*)?")


def release_of(image: str) -> str | None:
    """The release in an image's tag, such as 10.11; None for a tag that says none."""
    match = _TAG.fullmatch(image.partition("@")[0])
    return match[1] if match else None


def check_image(image: str, version: str) -> None:
    """Raise InvalidInput for an image that is not of this release, or that does not say so."""
    release = release_of(image)
    if release is None:
        raise InvalidInput(
            f"The operator cannot tell the version of MariaDB from the image {image}",
            f"Give it a tag that begins with the version, such as :{version} or :{version}-mine.",
        )
    if release != version:
        raise InvalidInput(
            f"version is {version}, but the tag of the image {image} says {release}", "Make both say the same."
        )
