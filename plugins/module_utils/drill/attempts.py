# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one sending of a request came to, and what two of the same request come to together. Pure."""

from __future__ import annotations

import http.client
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import (
    ACKNOWLEDGED,
    FAILED,
    UNKNOWN,
    Outcome,
    Verb,
)


class Attempt(t.NamedTuple):
    """One sending of a write. ``status`` is None where no answer came, also because nobody got the request."""

    outcome: Outcome
    status: int | None
    version: int | None = None
    error: str = ""


def worth_another(status: int | None) -> bool:
    """Whether a client that tries once more does it: when no answer came, or one that says that the server is to blame."""
    return status is None or status >= 500 or status == http.client.TOO_MANY_REQUESTS


def together(verb: Verb, first: Attempt, second: Attempt, read: t.Callable[[], int | None]) -> Attempt:
    """What a client knows that sent a write twice.

    A first attempt that was certainly not done counts for nothing. Otherwise a refusal of the second one tells nothing of
    the first, which may have been done, and be the very reason: only one that finds the wanted state there says so. A
    deletion's 404 is that by itself. For a create's 409, ``read`` gives the version of the object if it is there as wanted.
    """
    if first.outcome == FAILED or second.outcome == ACKNOWLEDGED:
        return second
    if verb == "delete" and second.status == http.client.NOT_FOUND:
        return Attempt(ACKNOWLEDGED, second.status)
    if verb == "create" and second.status == http.client.CONFLICT:
        version = read()
        if version is not None:
            return Attempt(ACKNOWLEDGED, second.status, version)
    return second._replace(outcome=UNKNOWN)
