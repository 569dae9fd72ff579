# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module durability_check does: finds who runs the database, lets him tell, and else asks the server by SQL."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import (
    database_ca,
    datasource_secret_run,
    datastore_lookup,
    datastore_observation,
    durability_connection,
    kine_check_sources,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    Datastore,
    datastore,
    options_for,
    provider_of,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import Risk, risk
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability_postgres import (
    commit_asked_for,
    commit_risks,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
from ansible_collections.k0smotron.ha.plugins.module_utils.durability_report import Report
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, HaError, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_sessions import Sessions
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
from ansible_collections.k0smotron.ha.plugins.module_utils.kine_check_run import opened
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_facts import MysqlDatabase

Params: t.TypeAlias = t.Mapping[str, t.Any]

ACCEPT = "Where that is bearable: fail_on: never, and in the role control_plane control_plane_durability: warn."


def check(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out; fails where the risks ask for it. Raises HaError."""
    report = look(kube, module.params)
    result = {"changed": False, **report.as_dict()}
    if report.failed(module.params["fail_on"]):
        module.fail_json(**{**result, "msg": f"{result['msg']}\n{ACCEPT}"})
    for warning in report.warnings():
        module.warn(warning)
    return result


def look(kube: Kube, params: Params) -> Report:
    """The report on the database that the parameters name. Raises HaError where they name none."""
    if params["datastore"]:
        return _declared(kube, params["datastore"], params["namespace"])
    source = _source(kube, params)
    if source is None:
        secret = params["secret"]
        note = f"The Secret {secret['namespace']}/{secret['name']} does not exist yet, so there is nothing to look at."
        return Report("", "unknown", note=note)
    dsn = source.dsn()
    live = datastore_lookup.datastore_behind(kube, dsn, source.namespace)
    if live:
        return _operated(kube, live, DatabaseSpec(dsn.database, dsn.user), dsn.params)
    return _elsewhere(kube, dsn, source, params["timeout"])


def _declared(kube: Kube, given: Params, namespace: str) -> Report:
    options = options_for(given["provider"], name=given["name"], namespace=given["namespace"] or namespace)
    store = datastore(given["provider"], options)
    name = f"{given['provider']} datastore {options.namespace}/{options.name}"
    live = kube.get(*Ref.of(store.desired()[0]))
    if live:
        return _operated(kube, live, DatabaseSpec(given["database"], given["owner"] or ""), given["params"])
    if not kube.check_mode:
        raise NotFound(
            f"There is no {name}", "Create it with k0smotron.ha.datastore, or correct its name and namespace"
        )
    return Report(name, given["provider"], note=f"The {name} does not exist yet, so there is nothing to look at.")


def _source(kube: Kube, params: Params) -> kine_check_sources.Source | None:
    """The data source with the files that it names; None in check mode for a Secret that is yet to be made."""
    if params["secret"]:
        options = {"url": None, "secret": params["secret"], "tls_files": {}}
        [found] = kine_check_sources.sources([options], lambda: kube, kube.check_mode)
        if isinstance(found, HaError):
            raise found
        return found
    source = datasource_secret_run.find_source(kube, params, lambda _warning: None)
    files = {database_ca.PATH: source.certificates} if source.certificates else {}
    ca_file = database_ca.PATH if files and source.url.startswith("mysql:") else ""
    return kine_check_sources.Source(source.url, namespace=params["namespace"], ca_file=ca_file, files=files)


def _operated(kube: Kube, live: Object, database: DatabaseSpec, dsn_params: t.Mapping[str, t.Any]) -> Report:
    """A database cluster of an operator that runs here."""
    provider, metadata = provider_of(live), live["metadata"]
    try:
        risks = _seen(kube, live, database)
    except Forbidden as error:  # of wrong credentials the look for the database has told already
        risks = [risk("not_seen", error.message, remedy=error.remedy or "Allow it, or ask those who run the database")]
    risks += _asked_away(provider.scheme, dsn_params)
    return Report(f"{provider.provider} datastore {metadata['namespace']}/{metadata['name']}", provider.provider, risks)


def _seen(kube: Kube, live: Object, database: DatabaseSpec) -> list[Risk]:
    """The risks that its objects and its primary show. Of passwords it needs none. Raises HaError."""
    store = _for(datastore_lookup.known(kube, live), database)
    refs = [ref for ref in store.refs_for_judgement() if ref.kind != "Secret"]
    observed = {ref.key: datastore_lookup.fetch(kube, ref) for ref in refs}
    answers = datastore_observation.ask(kube, store.options.namespace, store.durability_questions(observed))
    return store.risks({**observed, **answers, "nodes": _nodes(kube)})


def _for(store: Datastore, database: DatabaseSpec) -> Datastore:
    """The same, as far as one of its databases goes, declared or not: who logs in, or else the owner that is declared."""
    owner = next((item.owner for item in store.options.databases if item.name == database.name), "")
    ours = DatabaseSpec(database.name, database.owner or owner)
    return type(store)(dataclasses.replace(store.options, databases=(ours,)))


def _nodes(kube: Kube) -> list[Object]:
    """For their zones. Nodes belong to the whole cluster, and not everybody may look."""
    try:
        return kube.list("v1", "Node")
    except Forbidden:
        return []


def _asked_away(scheme: str, dsn_params: t.Mapping[str, t.Any]) -> list[Risk]:
    """PostgreSQL takes a session's settings from the data source."""
    if scheme != "postgres":
        return []
    return list(commit_risks(" in the data source", commit_asked_for(dsn_params), synchronous=True))


def _elsewhere(kube: Kube, dsn: Dsn, source: kine_check_sources.Source, seconds: int) -> Report:
    """A server that nobody here runs: what SQL shows of it to kine's account."""
    name = f"{dsn.scheme} server {','.join(map(str, dsn.hosts))}"
    reacher = Reacher("auto", lambda: kube, source.namespace)
    try:
        with (
            kine_check_sources.written(source.files) as files,
            opened(dsn, Deadline(seconds), reacher, files, source.ca_file, Sessions()) as database,
        ):
            if dsn.scheme == "mysql":
                risks = list(durability_connection.mysql_risks(t.cast("MysqlDatabase", database)))
            else:
                risks = list(durability_connection.postgres_risks(database))
    except HaError as error:  # whether kine can use it at all is for kine_check to say
        remedy = error.remedy or "k0smotron.ha.kine_check says more"
        risks = [risk("not_seen", f"the server was not asked: {error.message}", remedy=remedy)]
    return Report(name, "managed", risks)
