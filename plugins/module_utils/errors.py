# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors this collection raises, each with what is wrong and what to do about it.

Helpers raise; only a module's ``main()`` turns an error into ``fail_json``. Pure: no Ansible, no network.
"""

from __future__ import annotations


class HaError(Exception):
    """Something went wrong that a person can act on.

    ``message`` says what is wrong and ``remedy`` what to do; neither may hold a secret.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(sentence(part) for part in (self.message, self.remedy) if part.strip())


class InvalidInput(HaError):
    """What the user asked for is wrong or unsafe; nothing was changed."""


class NotFound(HaError):
    """An object, or a kind, that must be there is not."""


class Forbidden(HaError):
    """The credentials in use lack a permission; the message names verb, resource and namespace."""


class AccessDenied(Forbidden):
    """Kubernetes, not a database, refuses the credentials: no wait changes that."""


class Conflict(HaError):
    """Somebody else holds what we want to change."""


class Stale(Conflict):
    """Somebody else has written the object since it was read."""


class Unreachable(HaError):
    """A cluster, a database or a port did not answer."""


class WebhookSilent(Unreachable):
    """Nothing runs behind an admission webhook at this moment; a Deployment that restarts is back within seconds."""


class WaitTimeout(HaError):
    """A deadline passed; the message names the object and what was still missing."""


def sentence(text: str) -> str:
    """``text`` with a closing period, unless it already ends like a sentence."""
    text = text.strip()
    return text if text.endswith((".", "!", "?", ":")) else text + "."
