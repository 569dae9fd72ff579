# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an apply did to an object: change detection, masking, and Ansible's diff shape. PURE.

Two versions of an object differ "meaningfully" when they differ in anything a user or a controller could have
asked for. The API server's own bookkeeping (resourceVersion, managedFields, status, ...) moves without anybody
asking, so it neither counts as a change nor shows in a diff.
"""

from __future__ import annotations

import copy
import dataclasses
import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import MASK, mask, mask_text

Object: t.TypeAlias = dict[str, t.Any]
Action: t.TypeAlias = t.Literal["create", "patch", "delete", "none"]

HIDDEN = "********"
HIDDEN_BEFORE = "******** (before)"
HIDDEN_AFTER = "******** (after)"

# Set by the API server on every object, in every API version.
BOOKKEEPING = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
# kubectl keeps the whole object as text here, Secret values included.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
DSN_START = re.compile(r"(?:postgres|postgresql|mysql)://")


@dataclasses.dataclass(frozen=True)
class Change:
    """What happened (in check mode: what would happen) to one object.

    before and after are masked and without bookkeeping; {} means that the object does not exist.
    """

    changed: bool
    action: Action
    before: Object
    after: Object


def meaningful(obj: t.Mapping[str, t.Any] | None) -> Object:
    """The part of an object that somebody asked for: no bookkeeping, no status. {} for None."""
    if obj is None:
        return {}
    kept = copy.deepcopy({key: value for key, value in obj.items() if key != "status"})
    metadata = kept.get("metadata") or {}
    for key in BOOKKEEPING:
        metadata.pop(key, None)
    annotations = metadata.get("annotations") or {}
    annotations.pop(LAST_APPLIED, None)
    if not annotations:
        metadata.pop("annotations", None)
    return kept


def compare(before: t.Mapping[str, t.Any] | None, after: t.Mapping[str, t.Any] | None) -> Change:
    """The Change from one server-side version of an object to the next; None means that it does not exist."""
    old, new = meaningful(before), meaningful(after)
    masked_old, masked_new = mask_pair(old, new)
    return Change(changed=old != new, action=_action(old, new), before=masked_old, after=masked_new)


def _action(old: Object, new: Object) -> Action:
    if old == new:
        return "none"
    if not old:
        return "create"
    return "patch" if new else "delete"


def masked(obj: Object) -> Object:
    """An object with every secret hidden."""
    return mask_pair(obj, obj)[0]


def mask_pair(before: Object, after: Object) -> tuple[Object, Object]:
    """Both versions with every secret hidden.

    A secret that is the same on both sides reads the same on both; one that differs gets two different markers,
    so that a diff shows THAT it changed and nothing else: no length, no hash.
    """
    is_secret = "Secret" in (before.get("kind"), after.get("kind"))
    pair = tuple(_mask_secret_data(before, after) if is_secret else (before, after))
    return t.cast("tuple[Object, Object]", _mask_urls(*pair))


def _mask_secret_data(before: Object, after: Object) -> tuple[Object, Object]:
    old, new = dict(before), dict(after)
    for field in ("data", "stringData"):
        old_data, new_data = before.get(field) or {}, after.get(field) or {}
        masked = {
            key: _markers(old_data.get(key), new_data.get(key)) for key in sorted(old_data.keys() | new_data.keys())
        }
        if field in old:
            old[field] = {key: masked[key][0] for key in old_data}
        if field in new:
            new[field] = {key: masked[key][1] for key in new_data}
    return old, new


def _markers(old: t.Any, new: t.Any) -> tuple[str, str]:
    if old is None or new is None or old == new:
        return HIDDEN, HIDDEN
    return HIDDEN_BEFORE, HIDDEN_AFTER


def _mask_urls(old: t.Any, new: t.Any) -> tuple[t.Any, t.Any]:
    """Walk both versions side by side and hide the passwords of URLs; a missing side is None."""
    if isinstance(old, str) or isinstance(new, str):
        return _mask_url_leaf(old, new)
    if isinstance(old, dict) or isinstance(new, dict):
        return _mask_url_children(old, new)
    if isinstance(old, list) or isinstance(new, list):
        return _mask_url_items(old, new)
    return old, new


def _mask_url_leaf(old: t.Any, new: t.Any) -> tuple[t.Any, t.Any]:
    masked_old = _without_password(old) if isinstance(old, str) else _mask_urls(old, None)[0]
    masked_new = _without_password(new) if isinstance(new, str) else _mask_urls(None, new)[1]
    if masked_old == masked_new and old != new:
        return masked_old.replace(MASK, HIDDEN_BEFORE), masked_new.replace(MASK, HIDDEN_AFTER)
    return masked_old, masked_new


def _without_password(text: str) -> str:
    # mask_text ends a URL at a space, and a MySQL password may hold one: from a DSN's start on, only the strict mask.
    start = DSN_START.search(text)
    return mask_text(text[: start.start()]) + mask(text[start.start() :]) if start else mask_text(text)


def _mask_url_children(old: t.Any, new: t.Any) -> tuple[t.Any, t.Any]:
    left = old if isinstance(old, dict) else {}
    right = new if isinstance(new, dict) else {}
    masked = {key: _mask_urls(left.get(key), right.get(key)) for key in left.keys() | right.keys()}
    return (
        {key: masked[key][0] for key in left} if isinstance(old, dict) else old,
        {key: masked[key][1] for key in right} if isinstance(new, dict) else new,
    )


def _mask_url_items(old: t.Any, new: t.Any) -> tuple[t.Any, t.Any]:
    left = old if isinstance(old, list) else []
    right = new if isinstance(new, list) else []
    size = max(len(left), len(right))
    padded = [(left[i] if i < len(left) else None, right[i] if i < len(right) else None) for i in range(size)]
    masked = [_mask_urls(*pair) for pair in padded]
    return (
        [masked[i][0] for i in range(len(left))] if isinstance(old, list) else old,
        [masked[i][1] for i in range(len(right))] if isinstance(new, list) else new,
    )


def identity(obj: t.Mapping[str, t.Any]) -> str:
    """Short human name of an object: `Secret team-a/db`, `Namespace team-a`."""
    metadata = obj.get("metadata") or {}
    name = metadata.get("name", "?")
    namespace = metadata.get("namespace")
    return f"{obj.get('kind', '?')} {namespace}/{name}" if namespace else f"{obj.get('kind', '?')} {name}"


def changes_result(changes: t.Iterable[Change]) -> dict[str, t.Any]:
    """The part of a module's result that tells about changes: {"changed": bool, "diff": [only real changes]}."""
    real = [change for change in changes if change.changed]
    return {"changed": bool(real), "diff": [_diff_entry(change) for change in real]}


def _diff_entry(change: Change) -> dict[str, t.Any]:
    title = identity(change.after or change.before)
    return {"before_header": title, "after_header": title, "before": change.before, "after": change.after}
