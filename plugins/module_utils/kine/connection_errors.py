# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a connection or a statement failed, in words that every database shares: what is wrong, and what to do about it."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, HaError, Unreachable


@dataclass(frozen=True)
class Reason:
    """Why a connection failed: the pattern of the text or the server's error codes that say so, and our words for it."""

    pattern: str
    error: type[HaError]
    message: str
    remedy: str
    codes: tuple[int, ...] = ()

    def explains(self, text: str, code: int) -> bool:
        """Say whether this is the reason for a failure with this text and error code."""
        return code in self.codes or bool(self.pattern and re.search(self.pattern, text, re.IGNORECASE))


REFUSED: t.Final = Reason(
    r"Connection refused",
    Unreachable,
    "nothing listens on that port",
    "Start the database, or correct host and port in the DSN.",
)
NO_ANSWER: t.Final = Reason(
    r"timeout expired|timed out|no answer",
    Unreachable,
    "no answer",
    "Look for a firewall or network policy in between, and for a server that is overloaded.",
)
NO_ROUTE: t.Final = Reason(
    r"No route to host|Network is unreachable|Host is unreachable",
    Unreachable,
    "there is no route to the host",
    "Check the address in the DSN, and the network in between.",
)
HUNG_UP: t.Final = Reason(
    r"closed the connection unexpectedly|Lost connection|Connection reset|Broken pipe|gone away|\bEOF\b",
    Unreachable,
    "the other side hung up",
    "Look into the logs of the server and of the proxy or port-forward in between.",
)
FORGED: t.Final = Reason(
    r"signature failure",
    Unreachable,
    "the server's certificate names a CA that is trusted, and that CA has not signed it",
    "See who answers there: somebody in between, or a server whose CA was made anew under its old name; then trust the new one.",
)
UNKNOWN: t.Final = Reason("", Unreachable, "cannot connect", "Look into the server's log.")


def failed_connection(reasons: t.Iterable[Reason], text: str, said: str, way: str, code: int = 0) -> HaError:
    """Return the error for the first reason that explains a text or code; said is the text without secrets."""
    reason = next((reason for reason in reasons if reason.explains(text, code)), UNKNOWN)
    return reason.error(f"{reason.message} (tried {way}): {said}", reason.remedy)


def lost(said: str) -> HaError:
    """Return the error for a statement whose connection is gone."""
    return Unreachable(f"the connection was lost: {said}", "See whether the server restarted or failed over.")


def exhausted(said: str) -> HaError:
    """Return the error for a statement that the server had no means for."""
    return Conflict(f"the server has run out of something: {said}", "Free disk space, memory or connection slots.")


def unexplained(said: str) -> HaError:
    """Return the error for a statement that failed for a reason of its own."""
    return HaError(said, "Look into the server's log.")
