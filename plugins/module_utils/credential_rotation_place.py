# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at all that a rotation is about: a control plane, its data source, the database behind it, and where a rotation is."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import (
    cluster_report,
    credential_rotation,
    datastore_lookup,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import cluster_api, cluster_api_judge
from ansible_collections.k0smotron.ha.plugins.module_utils.credential_rotation import Rotation
from ansible_collections.k0smotron.ha.plugins.module_utils.credential_statements import STATEMENTS, Statements
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import Datastore
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY, parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, InvalidInput, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import texts

if t.TYPE_CHECKING:
    Params: t.TypeAlias = t.Mapping[str, t.Any]

NOT_DECLARED = "Run the role control_plane, which takes the login from the database cluster's credential Secret."
BY_HAND = "See who wrote that Secret, and remove it by hand; then run the role control_plane, and this again"


@dataclasses.dataclass(frozen=True)
class Place:
    """A control plane, its data source Secret and rotation, and the database behind it, as they are now."""

    kube: Kube
    cluster: Object
    source: Object
    rotation: Rotation | None
    store: Datastore
    timeout: float
    run: str

    @property
    def url(self) -> str:
        """The data source."""
        return texts(self.source)[DATA_SOURCE_KEY]

    @property
    def owner(self) -> str:
        """The role whose password changes: the data source's, before a rotation gave it another one."""
        return parse(self.rotation.previous if self.rotation else self.url).user

    @property
    def owner_secret(self) -> Ref:
        """Where the operator has the owner's password from."""
        return Ref("v1", "Secret", self.store.credential_secret(self.owner), self.store.options.namespace)

    @property
    def rotation_secret(self) -> Ref:
        """Where the rotation is kept."""
        return _rotation_secret(self.source)

    @property
    def statements(self) -> Statements:
        """The database's SQL."""
        return STATEMENTS[self.store.scheme]

    def owners_password(self) -> str:
        """The one that the operator has. Raises NotFound where it has none."""
        password = texts(required(self.kube, self.owner_secret)).get("password")
        if not password:
            raise NotFound(f"{self.owner_secret} has no password", NOT_DECLARED)
        return password

    def since(self) -> str:
        """When the credential was last rotated; of one that never was, when its Secret was made."""
        annotations = self.source["metadata"].get("annotations") or {}
        made = required(self.kube, self.owner_secret)["metadata"]["creationTimestamp"]
        return str(annotations.get(credential_rotation.ROTATED) or made)


def look(kube: Kube, params: Params, run: str) -> Place:
    """Find all that a rotation is about. Raises HaError for a control plane whose login is not ours to change."""
    name, namespace = params["name"], params["namespace"]
    cluster = cluster_report.live(kube, name, namespace)
    if cluster_api.owner(cluster):  # a class would take back what restarts the replicas
        cluster_api_judge.refuse_topology(kube.get(cluster_api.CLUSTER, "Cluster", name, namespace))
    source_name, _url = cluster_report.kine_source(cluster["spec"])
    if not source_name:
        raise InvalidInput(
            f"Control plane {name} takes its database from no Secret", "Give it one: control_plane_data_source: secret."
        )
    source = required(kube, Ref("v1", "Secret", source_name, namespace))
    url = texts(source).get(DATA_SOURCE_KEY, "")
    live = datastore_lookup.datastore_behind(kube, parse(url), namespace)
    if live is None:
        raise InvalidInput(
            f"No operator that is known here runs the database of control plane {name}",
            "Rotate where its login is kept; docs/rotation.md says how.",
        )
    store = datastore_lookup.known(kube, live)
    kept = kube.get(*_rotation_secret(source))
    rotation = credential_rotation.resumed(texts(kept), str(_rotation_secret(source))) if kept else None
    place = Place(kube, cluster, source, rotation, store, params["wait_timeout"], run)
    if rotation:
        _refuse_forged(place, rotation)
    return place


def _refuse_forged(place: Place, rotation: Rotation) -> None:
    """Raise HaError for a rotation that may be nobody's: whoever may write Secrets here could have any login changed by one.

    So it has to be about the owner of the data source's database, by word of the database cluster, and to know the
    password, which who writes here knows of no other owner.
    """
    credential_rotation.refuse_moved(rotation, place.url)
    owner = place.store.owner_of(parse(place.url).database)
    strange, bridge = credential_rotation.strange_logins(rotation, owner), credential_rotation.bridge_name(owner)
    if strange:
        raise _forged(place, f"is about {strange}, and the owner of the database is {owner}")
    if bridge in place.store.owners():
        raise _forged(place, f"is about {bridge}, which owns another database")
    known = [*credential_rotation.owners_passwords(rotation), parse(place.url).password]
    if place.owners_password() not in known:
        raise Conflict(
            f"{place.rotation_secret} has not the password that {place.owner_secret} has",
            "Where somebody set that one meanwhile, run the role control_plane, which takes it over, and this again."
            f" Else: {BY_HAND}",
        )


def _forged(place: Place, why: str) -> Conflict:
    return Conflict(f"{place.rotation_secret} {why}", BY_HAND)


def required(kube: Kube, ref: Ref) -> Object:
    """An object that has to be there."""
    found = kube.get(*ref)
    if found is None:
        raise NotFound(f"{ref} does not exist", NOT_DECLARED)
    return found


def _rotation_secret(source: Object) -> Ref:
    metadata = source["metadata"]
    return Ref("v1", "Secret", f"{metadata['name']}-rotation", metadata["namespace"])
