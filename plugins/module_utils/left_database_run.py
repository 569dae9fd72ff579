# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module control_plane_database does: archive or drop the database of a control plane that is gone."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import (
    cluster_report,
    control_planes,
    datastore_lookup,
    datastore_observation,
    datastore_reach,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    Datastore,
    datastore,
    options_for,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.cloudnativepg import CloudNativePG, declared
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.left_database import (
    SERVERS,
    Server,
    archive_name,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY, Dsn, parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, InvalidInput, NotFound, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref, changes_result
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Change, compare
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, require_dns_label
from ansible_collections.k0smotron.ha.plugins.module_utils.reserved_names import MARIADB_DATABASES, POSTGRES_DATABASES
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import texts
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

Params: t.TypeAlias = t.Mapping[str, t.Any]
Warn: t.TypeAlias = t.Callable[[str], None]

BY_NAME = "Keep it here, and name the one that is meant with datastore of k0smotron.ha.control_plane_database"


@dataclasses.dataclass(frozen=True)
class Place:
    """A database inside a live database cluster, and the data source that names it; None where it was named itself."""

    live: Object
    database: str
    source: Dsn | None = None

    @property
    def cluster(self) -> Ref:
        return Ref.of(self.live)

    def __str__(self) -> str:
        return f"the database {self.database} of {self.cluster}"


@dataclasses.dataclass(frozen=True)
class Administrator:
    """Speaks to the server that leads."""

    kube: Kube
    server: Server
    namespace: str
    pod: str

    def ask(self, question: str, database: str = "") -> list[str]:
        """Each row of the answer."""
        return self.tell([question], database)

    def tell(self, statements: t.Sequence[str], database: str = "") -> list[str]:
        """Run the statements. Raises HaError with what the server says."""
        command = self.server.command(statements, database)
        return self.kube.exec(self.namespace, self.pod, command, self.server.container).splitlines()


def ensure(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Raises HaError."""
    params = module.params
    require_dns_label("The control plane's name", params["name"])
    require_dns_label("The namespace", params["namespace"])
    place = find(kube, params, module.warn)
    if place is None:
        return {**changes_result([]), "database": None, "archived_as": None}
    _refuse_used(kube, place, params, module.warn)
    store = datastore_lookup.known(kube, place.live)
    changes, archived = leave(kube, store, place, params)
    database = {
        "provider": store.provider,
        "name": store.options.name,
        "namespace": store.options.namespace,
        "database": place.database,
    }
    return {**changes_result(changes), "database": database, "archived_as": archived}


# -- which database ----------------------------------------------------------------------------------------------------


def find(kube: Kube, params: Params, warn: Warn) -> Place | None:
    """The database that the control plane used; None when it is not there any more, or nobody can know it.

    Raises NotFound for one that is not inside a database cluster of ours, InvalidInput for a name that means another one.
    """
    if params["datastore"]:
        return _given(kube, params)
    dsn = _data_source(kube, params)
    if dsn is None:
        warn(
            f"There is no Secret {params['data_source_secret']} that would name the database, so no database was looked at."
            " Give its datastore to k0smotron.ha.control_plane_database where one was kept"
        )
        return None
    live = datastore_lookup.datastore_behind(kube, dsn, params["namespace"], must_see=True)
    if live is None and _is_gone(kube, dsn, params["namespace"]):
        warn(f"{_shown_hosts(dsn)} leads to no Service any more, so the database {dsn.database} was not looked at")
        return None
    if live is None:
        raise NotFound(
            f"The database {dsn.database} on {_shown_hosts(dsn)} is in no database cluster of this Kubernetes",
            "Keep it here; what the role managed_database made, that role removes with managed_database_drop",
        )
    if _kines_name(dsn) != dsn.database:
        raise InvalidInput(
            f"The data source names the database {dsn.database}, and kine uses {_kines_name(dsn)} in its place",
            BY_NAME,
        )
    return Place(live, dsn.database, dsn)


def _shown_hosts(dsn: Dsn) -> str:
    return ", ".join(map(str, dsn.hosts))


def _is_gone(kube: Kube, dsn: Dsn, namespace: str) -> bool:
    """Whether a database cluster went before: every host is named like a Service, and there is none."""
    services = [datastore_lookup.service_behind(host.name, namespace) for host in dsn.hosts]
    return all(service is not None and kube.get("v1", "Service", *service) is None for service in services)


def _given(kube: Kube, params: Params) -> Place | None:
    given = params["datastore"]
    place = options_for(given["provider"], name=given["name"], namespace=given["namespace"] or params["namespace"])
    store = datastore(given["provider"], place)
    live = kube.get(store.api_version, store.kind, place.name, place.namespace)
    return Place(live, given["database"]) if live else None


def _data_source(kube: Kube, params: Params) -> Dsn | None:
    if params["url"]:
        return parse(params["url"])
    secret = kube.get("v1", "Secret", params["data_source_secret"], params["namespace"])
    url = texts(secret or {}).get(DATA_SOURCE_KEY)
    return parse(url) if url else None


def _refuse_used(kube: Kube, place: Place, params: Params, warn: Warn) -> None:
    """Raise Conflict while any control plane stands on the database.

    In check mode the control plane itself has to, as long as it is there: a task before this one would have removed it.
    """
    own = (params["namespace"], params["name"])
    for cluster in cluster_report.clusters(kube):
        who = (cluster["metadata"]["namespace"], cluster["metadata"]["name"])
        if who == own and kube.check_mode:
            _require_its_own(kube, cluster, place)
            continue
        if who == own:
            raise Conflict(
                f"The control plane {'/'.join(who)} is there, and {place} is its own",
                "Remove it first with state: absent and wait: true",
            )
        _refuse_another(kube, cluster, place, params["state"], warn)
    pods = kube.list("v1", "Pod", params["namespace"], control_planes.pod_selector(params["name"]))
    if pods and not kube.check_mode:
        raise Conflict(
            f"Replicas of the control plane still run: {', '.join(pod['metadata']['name'] for pod in pods)}",
            "Remove it with wait: true, or wait until they are gone",
        )


def _require_its_own(kube: Kube, cluster: Object, place: Place) -> None:
    """Raise Conflict where a live control plane is not proved to stand on the database that is to go with it."""
    found, dsn = cluster_report.data_source(kube, cluster)
    namespace = cluster["metadata"]["namespace"]
    live = datastore_lookup.datastore_behind(kube, dsn, namespace) if dsn else None
    if live and dsn and datastore_lookup.same(live, place.live) and _kines_name(dsn) == place.database:
        return
    where = f"the database {found['database']} on {found['host']}" if dsn else found["problem"] or found["kind"]
    raise Conflict(
        f"The control plane {namespace}/{cluster['metadata']['name']} has another data source than {place}: {where}",
        "Give the one that it was made with, or keep the database",
    )


def _kines_name(dsn: Dsn) -> str:
    """The database that kine uses: of PostgreSQL's it writes the name in small letters."""
    return dsn.database.lower() if dsn.scheme == "postgres" else dsn.database


def _refuse_another(kube: Kube, cluster: Object, place: Place, state: str, warn: Warn) -> None:
    """Raise Conflict unless another control plane's database is proved to be another one."""
    found, dsn = cluster_report.data_source(kube, cluster)
    namespace = cluster["metadata"]["namespace"]
    name = f"{namespace}/{cluster['metadata']['name']}"
    if found["problem"]:
        unknown = f"Cannot check which database {name} uses: {found['problem']}"
        if state == "absent":
            raise Conflict(unknown, "Repair its data source or remove that control plane, or keep the database")
        warn(unknown)
    if dsn is None or dsn.database.lower() != place.database.lower():
        return
    for host in dsn.hosts:
        if datastore_reach.may_lead_to(kube, dsn, host, namespace, place.live):
            raise Conflict(
                f"The control plane {name} is there, and its database {dsn.database} on {host} is {place}, or may be",
                "Keep the database; if that one has another, let its data source name the Service of the primary there",
            )


# -- what becomes of it ------------------------------------------------------------------------------------------------


def _administrator(kube: Kube, store: Datastore, place: Place) -> Administrator:
    """At the server that leads at this moment."""
    server = SERVERS.get(store.provider)
    if server is None:
        raise InvalidInput(
            f"With {store.provider} this module cannot archive or drop {place}",
            "Keep it, and give the next control plane another database",
        )
    if place.database in {*POSTGRES_DATABASES, *MARIADB_DATABASES}:
        raise InvalidInput(f"{place} is the server's own", "Keep it, and take kine's table out of it by hand")
    verdict = datastore_observation.judge(kube, store)
    leader = verdict.details.get("leader")
    if not leader:
        raise Unreachable(
            f"{place} cannot be reached, nobody leads: {verdict.reason}", "Bring its database cluster up, or keep it"
        )
    if not (server.refuses_when_demoted or verdict.up):
        raise Unreachable(
            f"{place} is left alone, it is not certain who leads: {verdict.reason}",
            "Bring its database cluster up, or keep it",
        )
    return Administrator(kube, server, store.options.namespace, leader["pod"])


def leave(kube: Kube, store: Datastore, place: Place, params: Params) -> tuple[list[Change], str | None]:
    """Archive or drop; what changed, and the archive's name. A database without kine's table has been left already."""
    admin, database = _administrator(kube, store, place), place.database
    server = admin.server
    owner = next((item.owner for item in _declared(kube, store, place) if item.name == database), "")
    like = "".join(admin.ask(server.find(database)))
    if not like:
        return _finish(admin, place, owner, params["state"])
    if not admin.ask(server.find_data(database), database):
        return [], None
    _require_the_owners(kube, store, place, admin, server.owner(like) or owner)
    if not kube.check_mode:
        admin = _await_alone(kube, store, place, params["wait_timeout"])
    if params["state"] == "absent":
        gone = compare(_shown(place, database, "kine's"), None)
        return [_tell(admin, server.drop(database, like, declared=bool(owner)), gone)], None
    archived = archive_name(database, datetime.datetime.now(datetime.UTC), server.name_limit)
    moved = compare(_shown(place, database, "kine's"), _shown(place, archived, "kine's"))
    return [_tell(admin, server.archive(database, archived, like), moved)], archived


def _require_the_owners(kube: Kube, store: Datastore, place: Place, admin: Administrator, owner: str) -> None:
    """Raise Conflict where the data source has not the login of who owns the database.

    Whoever may write the data source could name the database of somebody else there, but knows no other owner's password.
    A login that has no credential Secret was made by hand, and is known by its name only.
    """
    source = place.source
    if source is None:
        return
    if not admin.ask(admin.server.find_right(place.database, source.user)):
        raise Conflict(f"{place} does not belong to {source.user}, as whom the data source logs in", BY_NAME)
    names = [store.credential_secret(login) for login in dict.fromkeys((source.user, owner)) if login]
    found = [secret for name in names if (secret := kube.get("v1", "Secret", name, store.options.namespace))]
    if found and source.password not in [texts(secret).get("password") for secret in found]:
        raise Conflict(
            f"The data source has not the password that {Ref.of(found[0])} has, so {place} may be somebody else's",
            f"Where the password is being rotated, run that to its end. Else: {BY_NAME}",
        )


def _finish(admin: Administrator, place: Place, owner: str, state: str) -> tuple[list[Change], str | None]:
    """What is left to do where a run before was interrupted between two statements: the database is not there."""
    server, database = admin.server, place.database
    find = server.find_archive(database) if state == "archived" else ""
    archived = "".join(admin.ask(find)) if find else ""
    like = "".join(admin.ask(server.find(archived))) if archived else owner and server.new(owner)
    if not like:
        return [], None
    empty = compare(None, _shown(place, database))
    return [_tell(admin, [server.create(database, like)], empty)], archived or None


def _declared(kube: Kube, store: Datastore, place: Place) -> t.Sequence[DatabaseSpec]:
    """The databases that the operator was told to keep."""
    if not isinstance(store, CloudNativePG):
        return store.options.databases
    return declared(place.live, kube.list(store.api_version, "Database", store.options.namespace))


def _tell(admin: Administrator, statements: t.Sequence[str], change: Change) -> Change:
    if not admin.kube.check_mode:
        admin.tell(statements)
    return change


def _shown(place: Place, name: str, data: str = "none") -> Object:
    """A database for people."""
    return {"kind": f"(in {place.cluster}) Database", "metadata": {"name": name}, "data": data}


def _await_alone(kube: Kube, store: Datastore, place: Place, seconds: float) -> Administrator:
    """Wait until nobody is connected to the server that leads by then, and give its administrator.

    Nobody's session is ended: the replicas are gone, so one that stays is somebody else's.
    """
    found: list[Administrator] = []

    def probe() -> Verdict:
        admin = _administrator(kube, store, place)
        others = admin.ask(admin.server.find_sessions(place.database))
        found[:] = [admin]
        return Verdict(not others, f"{place} is in use by {', '.join(others)}")

    kube.wait(probe, seconds, lambda: "End these sessions, or keep the database")
    return found[0]
