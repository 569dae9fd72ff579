# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small helpers for Kubernetes objects as plain dictionaries. Pure."""

from __future__ import annotations

import copy
import re
import typing as t
from decimal import Decimal

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

Object: t.TypeAlias = dict[str, t.Any]
"""A Kubernetes object as decoded JSON."""

STATEFUL_SET_NAME_LIMIT = 52
"""Longer StatefulSet names get no pods: each pod carries "<name>-<ten-digit revision>" as a label, and labels have at
most 63 characters (kubernetes#64023)."""

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d+))?")
_BINARY = {f"{letter}i": Decimal(2) ** (10 * power) for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {
    letter: Decimal(10) ** power for letter, power in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)
}
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def quantity(text: str | int | float) -> Decimal:
    """A Kubernetes quantity such as 10Gi, 500m or 1e3 as a number; raises InvalidInput for anything else."""
    match = _QUANTITY.fullmatch(str(text).strip())
    if not match:
        raise InvalidInput(f"{str(text)!r} is not a quantity", "Write a number with a unit, such as 10Gi or 500m.")
    number, unit, exponent = match.groups()
    factor = (_BINARY | _DECIMAL).get(unit, Decimal(1)) * Decimal(10) ** int(exponent or 0)
    return Decimal(number) * factor


def applies(live: Object, field_manager: str) -> t.Iterator[Object]:
    """The entries of managedFields for server-side applies of a field manager."""
    for entry in live["metadata"].get("managedFields") or []:
        if (entry.get("manager"), entry.get("operation")) == (field_manager, "Apply"):
            yield entry


def merged(base: t.Mapping[str, t.Any], overlay: t.Mapping[str, t.Any]) -> Object:
    """``base`` with ``overlay`` merged in, map by map; lists are replaced and a null removes the field."""
    result = copy.deepcopy(dict(base))
    for key, value in overlay.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, t.Mapping) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        elif isinstance(value, t.Mapping):
            result[key] = merged({}, value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def mapping(value: t.Any) -> Object:
    """A value where a map is expected, and an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def same(live: t.Any, wanted: t.Any) -> bool:
    """Whether a controller that reads `wanted` into its own types and writes it again may have made `live` of it.

    It leaves out what is false or empty, writes quantities its own way, and adds what it sets itself.
    """
    if isinstance(wanted, t.Mapping):
        if not isinstance(live, t.Mapping):
            return not live and not any(wanted.values())
        return all(same(live.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, (list, tuple)):
        pairs = zip(live or [], wanted, strict=False)
        return len(live or []) == len(wanted) and all(same(*pair) for pair in pairs)
    if not wanted:
        return not live
    return bool(live == wanted) or same_quantity(live, wanted)


def same_quantity(live: t.Any, wanted: t.Any) -> bool:
    """Whether both are quantities, and the same one."""
    try:
        return quantity(live) == quantity(wanted)
    except InvalidInput:
        return False


def require_dns_label(what: str, name: str, limit: int = 63) -> None:
    """Raise InvalidInput unless ``name`` is an RFC 1123 label of at most ``limit`` characters."""
    if not _DNS_LABEL.fullmatch(name):
        raise InvalidInput(
            f"{what} {name!r} is not a valid name",
            "Use lower-case letters, digits and -, beginning and ending with a letter or digit (RFC 1123).",
        )
    if len(name) > limit:
        raise InvalidInput(f"{what} {name!r} is longer than {limit} characters", "Choose a shorter name.")


def require_dns_subdomain(what: str, name: str) -> None:
    """Raise InvalidInput unless ``name`` is made of RFC 1123 labels joined by dots, as most objects are named."""
    if len(name) > 253 or not all(_DNS_LABEL.fullmatch(part) for part in name.split(".")):
        raise InvalidInput(
            f"{what} {name!r} is not a valid name",
            "Use at most 253 lower-case letters, digits, - and ., with letters or digits at both ends (RFC 1123).",
        )


def conditions(item: Object) -> dict[str, str]:
    """The object's status conditions: type to "True", "False" or "Unknown"."""
    return {entry["type"]: entry.get("status", "Unknown") for entry in item.get("status", {}).get("conditions") or []}


def pod_ready(pod: Object) -> bool:
    """Whether a pod is Ready and not on its way out."""
    return conditions(pod).get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def pod_problem(pod: Object) -> str:
    """Why a pod is not Ready, in a few words: a container's waiting reason, the scheduler's words, or the phase."""
    status = pod.get("status", {})
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "PodInitializing"):
            return str(waiting["reason"])
    for entry in status.get("conditions") or []:
        if entry["type"] == "PodScheduled" and entry.get("status") == "False":
            return f"not scheduled: {entry.get('message', 'no reason given')}"
    return str(status.get("phase", "Pending"))


def place(pod: Object) -> dict[str, t.Any]:
    """A pod's name and node, as reported to people."""
    return {"pod": pod["metadata"]["name"], "node": pod.get("spec", {}).get("nodeName")}


def addresses(endpoints: t.Sequence[Object] | None) -> set[str]:
    """Where the first of some Endpoints leads to at the moment."""
    subsets = (endpoints[0].get("subsets") or []) if endpoints else []
    return {address["ip"] for subset in subsets for address in subset.get("addresses") or []}


def has_credentials(secrets: t.Sequence[Object] | None) -> bool:
    """Whether the first of some Secrets holds a user's name and password."""
    data = (secrets[0].get("data") or {}) if secrets else {}
    return bool(data.get("username") and data.get("password"))
