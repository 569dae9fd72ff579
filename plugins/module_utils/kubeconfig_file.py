# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a kubeconfig on disk may stay as it is, and when it may not be lost. PURE: texts and a time in, a decision out.

k0smotron 1.10 runs `k0s kubeconfig create` at every reconciliation, so the text in its Secret changes all the time: each
has another client certificate of the same authority for the same user. A file that a user works with must not.
"""

from __future__ import annotations

import datetime
import traceback
import typing as t

try:
    import yaml

    YAML_IMPORT_ERROR: str | None = None
except ImportError:
    YAML_IMPORT_ERROR = traceback.format_exc()

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


def refuse_others(path: str, existing: str, name: str) -> None:
    """Refuse a file that would be lost with more in it than the kubeconfig of this control plane. An empty one loses nothing.

    Names tell, not addresses and authorities: those of a control plane that was removed and made anew are others, and the
    file of the one before may go.
    """
    if existing.strip() and _names(existing) != _written(name):
        raise InvalidInput(
            f"{path} holds something else than the kubeconfig of control plane {name} alone, and that would be lost",
            "Name a file of its own, or move this one away",
        )


def _written(name: str) -> list[list[str]]:
    """What k0smotron 1.10 and 2 (rewriteKubeconfigValues) call the cluster, the user and the context.

    k0s itself says k0s and admin, which may as well be a management cluster made of it.
    """
    cluster, user = f"{name}-k0s", f"{name}-admin"
    return [[cluster], [user], [f"{user}@{cluster}"]]


def _names(kubeconfig: str) -> t.Any:
    """The names of a kubeconfig's clusters, users and contexts; None when it is none."""
    try:
        config = yaml.safe_load(kubeconfig)
        return [[entry["name"] for entry in config[kind]] for kind in ("clusters", "users", "contexts")]
    except (yaml.YAMLError, KeyError, TypeError):
        return None


def _clusters(kubeconfig: str) -> t.Any:
    """The addresses and authorities of a kubeconfig."""
    return yaml.safe_load(kubeconfig)["clusters"]
