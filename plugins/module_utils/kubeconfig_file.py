# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kubeconfig may be written to disk, when one there may stay, and when it may not be lost. PURE: texts and a time in.

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
from ansible_collections.k0smotron.ha.plugins.module_utils.replica_health import WRITTEN_AGAIN, administrator, named

Shape: t.TypeAlias = "t.Callable[[t.Any], bool] | dict[str, Shape] | list[Shape]"


def _is_text(value: t.Any) -> bool:
    return isinstance(value, str)


def _is_https(value: t.Any) -> bool:
    return isinstance(value, str) and value.startswith("https://")


_USER: dict[str, Shape] = {"client-certificate-data": _is_text, "client-key-data": _is_text, "token": _is_text}
_CLUSTER: dict[str, Shape] = {"server": _is_https, "certificate-authority-data": _is_text, "tls-server-name": _is_text}
_CONTEXT: dict[str, Shape] = {"cluster": _is_text, "user": _is_text, "namespace": _is_text}
_KUBECONFIG: dict[str, Shape] = {
    "apiVersion": _is_text,
    "kind": _is_text,
    "preferences": {},
    "current-context": _is_text,
    "clusters": [{"name": _is_text, "cluster": _CLUSTER}],
    "contexts": [{"name": _is_text, "context": _CONTEXT}],
    "users": [{"name": _is_text, "user": _USER}],
}
"""What k0smotron 1.10 and 2 write (rewriteKubeconfigValues, clientcmd.Write), and a name, a token and a namespace beside it.

Not exec and auth-provider, which kubectl runs; paths, whose files it reads and may send; proxy-url and insecure-skip-tls-verify.
"""


def harmless(kubeconfig: str, what: str) -> str:
    """A kubeconfig by which kubectl only connects. Raises InvalidInput for more: who may write the Secret may be a tenant.

    Written anew, because kubectl's reader of YAML may find in a text what ours does not.
    """
    try:
        config = yaml.safe_load(kubeconfig)
    except (yaml.YAMLError, ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise InvalidInput(f"{what} holds no kubeconfig", WRITTEN_AGAIN) from None
    place = next(_foreign(config, _KUBECONFIG), None)
    if place is not None:
        raise InvalidInput(
            f"{what} holds a kubeconfig with {place!a}, which k0smotron never writes so: kubectl could run a program by it, "
            "send files of yours, or trust another server",
            "Find out who wrote it, and take that out of the Secret",
        )
    return yaml.safe_dump(config)


def _foreign(value: t.Any, shape: Shape, place: str = "") -> t.Iterator[str]:
    """Where a value is or has something else than its shape."""
    if isinstance(shape, dict) and isinstance(value, dict):
        for key, part in value.items():
            inside = f"{place}.{key}".removeprefix(".")
            yield from _foreign(part, shape[key], inside) if key in shape else [inside]
    elif isinstance(shape, list) and isinstance(value, list):
        for part in value:
            yield from _foreign(part, shape[0], place)
    elif not callable(shape) or not shape(value):
        yield place


def may_stay(existing: str, wanted: str, now: datetime.datetime) -> bool:
    """Whether a file reaches the same server, trusts the same authority, and its certificate has a third of its life left.

    And runs nothing: up to 0.1.0 a file got whatever the Secret held.
    """
    try:
        who = administrator(existing)
        config = yaml.safe_load(existing)
        same = config["clusters"] == yaml.safe_load(wanted)["clusters"]
        certificate = x509.load_pem_x509_certificate(who.cert.encode())
    except (yaml.YAMLError, InvalidInput, KeyError, TypeError, ValueError):
        return False
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return same and _only_connects(config) and certificate.not_valid_after_utc - now > life / 3


def _only_connects(config: dict[str, t.Any]) -> bool:
    """The user in use; who works with the file may have added others."""
    context = named(config["contexts"], config["current-context"])["context"]
    return not any(_foreign(named(config["users"], context["user"])["user"], _USER))


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
