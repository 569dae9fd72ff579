# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords that a database has and their Secrets have lost: whoever makes up new ones locks their users out."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import datastore_lookup
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_removals import REMOVALS
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, Forbidden
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import password_key

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import Datastore

UNCHANGED = "Nothing was changed"


def refuse(kube: Kube, store: Datastore, live: Object | None, missing: t.Sequence[Object]) -> None:
    """Raise Conflict where one of the own Secrets that are ``missing``, or have no password, is not a new one.

    Secrets are applied before what refers to them, so a run that was killed leaves no database cluster without its own.
    """
    if missing and live is None:
        _refuse_beside_volumes(kube, store, missing)
    elif missing and live is not None:
        _refuse_beside_servers(kube, store, live, missing)


def _refuse_beside_servers(kube: Kube, store: Datastore, live: Object, missing: t.Sequence[Object]) -> None:
    """Those of owners that the live database cluster does not know yet are new.

    An operator gives an owner any password that it finds: the proof passes, and kine stays outside with the old one until
    the role control_plane has run. Root's is never set again: then the operator itself stays outside.
    """
    cluster = Ref.of(live)
    if "deletionTimestamp" in live["metadata"]:
        raise Conflict(f"{cluster} is being deleted", "Wait until it is gone, then run again")
    known = {Ref.of(secret) for secret in datastore_lookup.known(kube, live).own_secrets()}
    lost = [secret for secret in missing if Ref.of(secret) in known]
    if lost:
        raise Conflict(
            f"The live {cluster} has passwords that these no longer have: {_shown(lost)}. New ones would lock out who uses it",
            f"Put them back: {_source(store, lost)}. {UNCHANGED}",
        )


def _refuse_beside_volumes(kube: Kube, store: Datastore, missing: t.Sequence[Object]) -> None:
    """Only root's: who takes volumes over may want other owners than before, and those are given any password."""
    lost = [secret for secret in missing if not _is_owners(store, secret)]
    if lost and _has_volumes(kube, store):
        raise Conflict(
            f"The volumes of an earlier {Ref.of(store.desired()[0])} were kept, and this no longer has root's password in them:"
            f" {_shown(lost)}. A new one would lock out the operator",
            f"Put it back from a backup, or, where this data may go, run state: absent with data: delete first. {UNCHANGED}",
        )


def _has_volumes(kube: Kube, store: Datastore) -> bool:
    try:
        claims = REMOVALS[store.provider](kube, store, None).list_labeled((("v1", "PersistentVolumeClaim"),))
    except Forbidden:  # who makes this database need not be allowed to see volume claims
        return False
    return any("deletionTimestamp" not in claim["metadata"] for claim in claims)


def _source(store: Datastore, lost: t.Sequence[Object]) -> str:
    """Where the passwords still are."""
    owners = [_is_owners(store, secret) for secret in lost]
    url = f"an owner's is in the data source Secret of its control plane, in the URL under {DATA_SOURCE_KEY}"
    return "; ".join([url] * any(owners) + ["root's is in a backup"] * (not all(owners)))


def _is_owners(store: Datastore, secret: Object) -> bool:
    return secret["metadata"]["name"] in {store.credential_secret(owner) for owner in store.owners()}


def _shown(secrets: t.Sequence[Object]) -> str:
    """With the type, which the API server never lets anybody change."""
    return ", ".join(f"{Ref.of(each)} (type {each['type']}, key {password_key(each)})" for each in secrets)
