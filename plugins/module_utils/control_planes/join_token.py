# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Join tokens: the request that k0smotron answers, and whether a token that exists is still good. Pure.

k0smotron leaves three things to us: it never renews a token, it takes an expiry that k0s then refuses, and it does not revoke
the token of a request that is deleted (seen with 1.10.9).
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
import typing as t
import zlib
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import v1beta2
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.validate import NAME_LIMIT
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import (
    Object,
    require_dns_label,
    require_dns_subdomain,
)

KIND = "JoinTokenRequest"
UID_LABEL = "k0smotron.io/cluster-uid"
TOKEN_KEY = "token"  # noqa: S105 (a key's name)
DEFAULT_RENEWAL_SHARE = 10
"""A token of which less than one part in so many is left is not handed out any more."""

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[hms])+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)([hms])")
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_TOKEN_ID = re.compile(r"[a-z0-9]{6}")
_TOKEN_IN_KUBECONFIG = re.compile(r"""\btoken["']?:\s*["']?([a-z0-9]{6})\.[a-z0-9]{16}\b""")
_GZIP = 31  # zlib's word for: gzip with its header
_LONGEST_KUBECONFIG = 1 << 20
_LABEL_LIMIT = 63
"""Of a label's value: k0smotron labels the token's Secret with the request's name (1.10.9, generateSecret)."""


@dataclass(frozen=True, kw_only=True)
class TokenOptions:
    """A token for workers (or controllers) of the control plane ``cluster``; all of it lives in one namespace."""

    name: str
    namespace: str
    cluster: str
    role: str = "worker"
    expiry: str = "1h"
    renew_before: str | None = None
    """How long before its end a token is renewed; by default a tenth of its expiry."""

    @property
    def margin(self) -> datetime.timedelta:
        """The same as a time span."""
        if self.renew_before is None:
            return datetime.timedelta(seconds=go_seconds(self.expiry) / DEFAULT_RENEWAL_SHARE)
        return datetime.timedelta(seconds=go_seconds(self.renew_before))


def validate(options: TokenOptions) -> None:
    """Raise InvalidInput for the first option that will not do; nothing was created then."""
    require_dns_subdomain("The request's name", options.name)
    if len(options.name) > _LABEL_LIMIT:
        raise InvalidInput(
            f"The request's name {options.name} is longer than {_LABEL_LIMIT} characters: k0smotron makes a label of it, which"
            " Kubernetes refuses, and would make a token each minute that nobody sees or revokes",
            "Choose a shorter name.",
        )
    require_dns_label("The namespace", options.namespace)
    require_dns_label("The control plane's name", options.cluster, NAME_LIMIT)
    lifetime = _duration("expiry", options.expiry)
    if lifetime <= 0:
        raise InvalidInput(
            f"expiry {options.expiry} means a token that never expires, and lets in whoever finds it for ever",
            "Give the time in which the workers join, such as 1h.",
        )
    if options.renew_before is not None and _duration("renew_before", options.renew_before) >= lifetime:
        raise InvalidInput(
            f"renew_before {options.renew_before} is not shorter than expiry {options.expiry}: no token would do",
            "Give a longer expiry or a shorter renew_before.",
        )


def _duration(option: str, text: str) -> float:
    try:
        return go_seconds(text)
    except ValueError:
        raise InvalidInput(
            f"{option} {text!r} is no duration that k0s takes, and k0smotron would try it again for ever",
            "Write hours, minutes and seconds, such as 24h, 1h30m or 45m; there are no days.",
        ) from None


def go_seconds(text: str) -> float:
    """Seconds of a duration in Go's words, as far as they make sense here: h, m, s. Raises ValueError."""
    if not _DURATION.fullmatch(text):
        raise ValueError(text)
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(text))


def request(options: TokenOptions, api_version: str) -> Object:
    """The JoinTokenRequest. It has no labels: k0smotron replaces all that there are."""
    if api_version == v1beta2.API_VERSION:
        spec: Object = {"clusterName": options.cluster}
    else:
        spec = {"clusterRef": {"name": options.cluster, "namespace": options.namespace}}
    return {
        "apiVersion": api_version,
        "kind": KIND,
        "metadata": {"name": options.name, "namespace": options.namespace},
        "spec": {**spec, "role": options.role, "expiry": options.expiry},
    }


def cluster_of(live: Object) -> tuple[str, str]:
    """(namespace, name) of the control plane that a request is for, in either API version's words."""
    spec, namespace = live.get("spec") or {}, live["metadata"]["namespace"]
    reference = spec.get("clusterRef") or {}
    return reference.get("namespace") or namespace, reference.get("name") or spec.get("clusterName") or ""


def refuse_foreign(live: Object, field_manager: str) -> None:
    """Raise InvalidInput for a request that somebody else made or keeps as he wants it."""
    metadata = live["metadata"]
    for owner in metadata.get("ownerReferences") or []:
        if owner.get("controller"):
            raise InvalidInput(
                f"The {KIND} {metadata['name']} belongs to {owner['kind']} {owner['name']}", "Choose another name"
            )
    entries = [entry for entry in metadata.get("managedFields") or [] if "f:spec" in (entry.get("fieldsV1") or {})]
    makers = {entry.get("manager") for entry in entries}
    if field_manager not in makers:
        others = ", ".join(sorted(filter(None, makers))) or "somebody else"
        raise InvalidInput(
            f"The {KIND} {metadata['name']} exists already and was made by {others}",
            "Choose another name, or delete it, and in the hosted cluster its Secret "
            f"kube-system/bootstrap-token-{token_id(live) or '<id>'}",
        )


def refuse_taken_secret(name: str, secret: Object | None) -> None:
    """Raise InvalidInput for a Secret that is no token: k0smotron would put one into it, and it would go with the request."""
    owners = ((secret or {}).get("metadata") or {}).get("ownerReferences") or []
    if secret is not None and not any(owner["kind"] == KIND and owner["name"] == name for owner in owners):
        raise InvalidInput(
            f"There is a Secret {name} that has nothing to do with join tokens: k0smotron would put the token into it, "
            "and Kubernetes would delete it with the request",
            "Choose another name",
        )


def token_id(live: Object | None) -> str | None:
    """The public half of the token that a request got; None while it has none."""
    found = str(_status(live).get("tokenID") or "")
    return found if _TOKEN_ID.fullmatch(found) else None


def token_id_in(token: str) -> str | None:
    """The public half of a token as k0s packs it, base64 of a gzipped kubeconfig; None for anything else."""
    try:
        unpacker = zlib.decompressobj(_GZIP)
        text = unpacker.decompress(base64.b64decode(token.strip(), validate=True), _LONGEST_KUBECONFIG)
        match = _TOKEN_IN_KUBECONFIG.search(text.decode())
    except (binascii.Error, zlib.error, ValueError):
        return None
    return match[1] if match else None


def bootstrap_secret_path(identifier: str) -> str:
    """Where the hosted API keeps what makes a token valid."""
    return f"/api/v1/namespaces/kube-system/secrets/bootstrap-token-{identifier}"


def bootstrap_secret(identifier: str, cluster: tuple[str, str]) -> Object:
    """The same for people, without its content: which object of which hosted cluster."""
    kind = f"(hosted by {'/'.join(cluster)}) Secret"
    return {"kind": kind, "metadata": {"name": f"bootstrap-token-{identifier}", "namespace": "kube-system"}}


def expiration(texts: t.Mapping[str, str]) -> datetime.datetime | None:
    """When a hosted bootstrap Secret with these texts ends; None for never."""
    text = texts.get("expiration")
    return datetime.datetime.fromisoformat(text).astimezone(datetime.UTC) if text else None


def iso(moment: datetime.datetime | None) -> str | None:
    """A time as Kubernetes writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request and what became of it. ``held`` is the token id in k0smotron's Secret, ``hosted`` the texts of the Secret
    that the hosted cluster has for the request's token id; None where there is none."""

    live: Object
    held: str | None
    hosted: t.Mapping[str, str] | None = None

    @property
    def token_ids(self) -> list[str]:
        """Each token that is known to have been made for the request."""
        return list(dict.fromkeys(filter(None, (token_id(self.live), self.held))))


def flaw(options: TokenOptions, cluster: Object, seen: Seen, now: datetime.datetime) -> str:
    """Why a request or its token will not do any more; "" while the token is good, or the request waits for one."""
    changed = _changed(options, cluster, seen.live)
    identifier = token_id(seen.live)
    if changed or identifier is None:
        return changed
    if seen.hosted is None:
        return f"the token {identifier} has expired or was revoked"
    if seen.held != identifier:
        return f"the Secret {options.name} does not hold the token {identifier}"
    end = expiration(seen.hosted)
    if end is None:
        return f"the token {identifier} never expires"
    if end <= now:
        return f"the token {identifier} expired at {iso(end)}"
    if end <= now + options.margin:
        return f"the token {identifier} expires soon, at {iso(end)}"
    return ""


def _changed(options: TokenOptions, cluster: Object, live: Object) -> str:
    """What a request asks for that is not asked for any more."""
    spec = live.get("spec") or {}
    if cluster_of(live) != (options.namespace, options.cluster):
        return f"it is for the control plane {'/'.join(cluster_of(live))}"
    # Its status has a field for that, too, which 1.10.9 loses again.
    made_for = (live["metadata"].get("labels") or {}).get(UID_LABEL) or _status(live).get("clusterUID")
    if made_for and made_for != cluster["metadata"].get("uid"):
        return f"it is for an earlier control plane {options.cluster}"
    if (spec.get("role") or "worker") != options.role:
        return f"it is for a {spec.get('role') or 'worker'}"
    if not _same_duration(spec.get("expiry") or "0s", options.expiry):
        return f"it was made for {spec.get('expiry') or '0s'}"
    return ""


def _same_duration(one: str, other: str) -> bool:
    try:
        return go_seconds(one) == go_seconds(other)
    except ValueError:
        return False


def controller_word(live: Object | None) -> str:
    """k0smotron's last word on a request."""
    return str(_status(live).get("reconciliationStatus") or "")


def _status(live: Object | None) -> Object:
    """The status in v1beta1's words; v1beta2 keeps some of it in a place of its own."""
    status = (live or {}).get("status") or {}
    older = (status.get("deprecated") or {}).get("v1beta1") or {}
    return {**older, **status}
