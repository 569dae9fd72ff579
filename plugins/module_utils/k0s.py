# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k0s versions: reading them, and what each line's kine can do. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

_PATTERN = re.compile(r"v(\d+)\.(\d+)\.(\d+)[-+]k0s\.(\d+)")


class K0sVersion(t.NamedTuple):
    """A k0s release such as v1.36.3-k0s.2: comparable, and written as k0smotron's image tag wants it."""

    major: int
    minor: int
    patch: int
    build: int

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}.{self.patch}-k0s.{self.build}"


OLDEST_K0S = K0sVersion(1, 30, 0, 0)
"""The first k0s line whose kine (0.11.5 or newer) makes 64-bit revision ids and reads PostgreSQL with pgx.

Older lines make 32-bit ids, which run out for good on a busy control plane (k3s#6176), and 1.27's driver knows no
target_session_attrs. k0smotron's own default, v1.27.9, is one of them.
"""

DEFAULT_K0S = K0sVersion(1, 36, 3, 2)
"""What a control plane gets unless the user says otherwise: k0smotron's own default is too old."""


def k0s_version(text: str) -> K0sVersion:
    """Read ``vX.Y.Z-k0s.N`` or ``vX.Y.Z+k0s.N``; raises InvalidInput for anything else."""
    match = _PATTERN.fullmatch(text)
    if not match:
        raise InvalidInput(
            f"{text!r} is not a k0s version",
            f"Give the full version with its k0s suffix, such as {DEFAULT_K0S}.",
        )
    return K0sVersion(*(int(part) for part in match.groups()))


def image_tag(version: str) -> str:
    """The tag of the image that k0smotron runs for a Cluster's version (its GetImage); "" where it chooses one itself."""
    tag = version.replace("+k0s.", "-k0s.", 1)
    return tag if not tag or "-k0s." in tag else f"{tag}-k0s.0"


def image_parts(image: str) -> tuple[str, str]:
    """The last part of an image's repository, and its tag, "" for none; policies may have appended a digest."""
    repository, _colon, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    return repository, tag


def too_old(version: K0sVersion) -> InvalidInput | None:
    """The error for a version below the oldest supported one, or None."""
    if version >= OLDEST_K0S:
        return None
    return InvalidInput(
        f"k0s {version} is older than {OLDEST_K0S}, the oldest supported one: its kine makes 32-bit revision ids",
        f"Use {OLDEST_K0S} or newer, such as {DEFAULT_K0S}.",
    )
