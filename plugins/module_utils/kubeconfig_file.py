# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a kubeconfig on disk may stay as it is. PURE: texts and a time in, a decision out.

k0smotron 1.10 runs `k0s kubeconfig create` at every reconciliation, so the text in its Secret changes all the time: each
has another client certificate of the same authority for the same user. A file that a user works with must not.
"""

from __future__ import annotations

import contextlib
import datetime
import traceback
import typing as t

with contextlib.suppress(ImportError):  # kube_module.run() reports it: the kubernetes library needs PyYAML as well
    import yaml

try:
    from cryptography import x509

    IMPORT_ERROR: str | None = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.replica_health import administrator


def may_stay(existing: str, wanted: str, now: datetime.datetime) -> bool:
    """Whether a file reaches the same server, trusts the same authority, and its certificate has a third of its life left."""
    try:
        same = _clusters(existing) == _clusters(wanted)
        who = administrator(existing)
        certificate = x509.load_pem_x509_certificate(who.cert.encode())
    except (yaml.YAMLError, InvalidInput, KeyError, TypeError, ValueError):
        return False
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return same and certificate.not_valid_after_utc - now > life / 3


def _clusters(kubeconfig: str) -> t.Any:
    """The addresses and authorities of a kubeconfig."""
    return yaml.safe_load(kubeconfig)["clusters"]
