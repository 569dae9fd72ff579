# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the database of a control plane that is gone: which one, when not, and in which words."""

from __future__ import annotations

import datetime
import re
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatastoreOptions,
    datastore,
    options_for,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.left_database import (
    MariaDB,
    PostgreSQL,
    archive_name,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Unreachable,
    WaitTimeout,
)
from tests.unit.module_utils import test_cloudnativepg_judge as cnpg
from tests.unit.module_utils.left_databases import (
    DATASTORE,
    Object,
    StandInKube,
    StandInMariaDB,
    control_plane,
    database_cluster,
    mariadb,
    refused,
    run,
    secret,
)
from tests.unit.module_utils.test_datastore_judge import pod

NOON = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)


def test_an_archive_leaves_an_empty_database_with_the_same_owner() -> None:
    kube = StandInKube(*database_cluster(), secret())
    result, said = run(kube)
    archived = result["archived_as"]
    assert archived.startswith("kine_archived_2")
    assert kube.told == [
        f'ALTER DATABASE "kine" RENAME TO "{archived}"',
        'CREATE DATABASE "kine" OWNER "k0smotron"',
    ]
    assert (result["changed"], said) == (True, [])
    assert result["database"] == DATASTORE
    assert "pw" not in str(result)


@pytest.mark.parametrize(
    ("declared", "statements"),
    [
        (True, ['DROP DATABASE "kine"', 'CREATE DATABASE "kine" OWNER "k0smotron"']),
        (False, ['DROP DATABASE "kine"']),
    ],
)
def test_a_dropped_database_comes_back_empty_where_its_operator_keeps_it(declared: bool, statements: list[str]) -> None:
    kube = StandInKube(*database_cluster(declared=declared), secret())
    result, _said = run(kube, state="absent")
    assert (kube.told, result["changed"], result["archived_as"]) == (statements, True, None)


def hand_written(cluster: str = "db", **spec: t.Any) -> Object:
    metadata = {"name": "by-hand", "namespace": "data"}
    spec = {"name": "kine", "owner": "k0smotron", "cluster": {"name": cluster}, **spec}
    return {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Database", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("objects", "initdb", "comes_back"),
    [
        ([hand_written()], {}, True),
        ([], {"database": "kine", "owner": "k0smotron"}, True),
        ([], {"database": "k0smotron"}, False),
        ([hand_written("other")], {}, False),
        ([hand_written(ensure="absent")], {}, False),
        ([], {}, False),
    ],
)
def test_cloudnativepgs_databases_whoever_declared_them(
    objects: list[Object], initdb: Object, comes_back: bool
) -> None:
    [live] = datastore("cloudnativepg", DatastoreOptions(name="db", namespace="data")).desired()
    live["spec"]["bootstrap"]["initdb"] |= initdb
    live["status"] = cnpg.cluster()["status"]
    leader = {"apiVersion": "v1", "kind": "Pod", **cnpg.pod("db-1", "primary", "10.0.0.1")}
    found = [live, leader, *objects, secret("db-rw.data")]
    kube = StandInKube(*found)
    run(kube, state="absent")
    create = ['CREATE DATABASE "kine" OWNER "k0smotron"'] if comes_back else []
    assert kube.told == ['DROP DATABASE "kine"', *create]
    interrupted = StandInKube(*found, datdba="")
    run(interrupted)
    assert interrupted.told == create


@pytest.mark.parametrize("state", ["archived", "absent"])
def test_check_mode_says_the_same_while_the_control_plane_still_runs(state: str) -> None:
    replica = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "kmc-one-0", "namespace": "team"}}
    kube = StandInKube(*database_cluster(), secret(), control_plane(), replica, check_mode=True)
    kube.answers["pg_stat_activity"] = "k0smotron from 10.0.0.9"
    assert run(kube, state=state)[0]["changed"]
    assert kube.told == []


@pytest.mark.parametrize(
    ("host", "database", "says"),
    [
        ("db.data", "other", "the database other on db.data:5432"),
        ("db2.data", "kine", "the database kine on db2.data:5432"),
        ("", "", "There is no Secret"),
    ],
)
def test_the_database_of_a_live_control_plane_is_compared(host: str, database: str, says: str) -> None:
    own = [control_plane(), *([secret(host, database)] if host else [])]
    given: Object = {"data_source_secret": None, "url": "postgres://k0smotron:pw@db.data/kine"}
    kube = StandInKube(*database_cluster(), *own, check_mode=True)
    refused(kube, Conflict, f"team/one has another data source than the database kine of .*db: {says}", **given)


def test_a_live_control_plane_without_kine_has_no_database() -> None:
    own = control_plane()
    own["spec"] = {"storage": {"type": "etcd"}}
    kube = StandInKube(*database_cluster(), own, secret(), check_mode=True)
    refused(kube, Conflict, "has another data source than .*: etcd")


@pytest.mark.parametrize("state", ["archived", "absent"])
def test_a_database_without_kines_table_has_been_left_before(state: str) -> None:
    kube = StandInKube(*database_cluster(), secret())
    kube.answers["relname = 'kine'"] = ""
    result, said = run(kube, state=state)
    assert (result["changed"], result["diff"], kube.told, said) == (False, [], [], [])


def test_a_run_that_was_interrupted_is_finished() -> None:
    kube = StandInKube(*database_cluster(), secret(), datdba="")
    assert run(kube)[0]["changed"]
    assert kube.told == ['CREATE DATABASE "kine" OWNER "k0smotron"']
    unknown = StandInKube(*database_cluster(declared=False), secret(), datdba="")
    assert not run(unknown)[0]["changed"]
    assert unknown.told == []


@pytest.mark.parametrize("declared", [True, False])
def test_an_archive_that_was_interrupted_is_found_again(declared: bool) -> None:
    archived = "kine_archived_20260102120000"
    answers = {"datname = 'kine'": "", f"datname = '{archived}'": "bob"}
    kube = StandInKube(*database_cluster(declared=declared), secret())
    kube.answers = {**answers, **kube.answers, "left(datname": archived}
    result, _said = run(kube)
    assert (result["changed"], result["archived_as"]) == (True, archived)
    assert kube.told == ['CREATE DATABASE "kine" OWNER "bob"']
    kube.told.clear()
    dropped = run(kube, state="absent")[0]
    assert (dropped["archived_as"], kube.told) == (
        None,
        ['CREATE DATABASE "kine" OWNER "k0smotron"'] if declared else [],
    )


def test_a_control_plane_that_is_there_keeps_its_database() -> None:
    refused(StandInKube(*database_cluster(), secret(), control_plane()), Conflict, "team/one is there.*Remove it first")
    replica = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "kmc-one-0", "namespace": "team"}}
    refused(StandInKube(*database_cluster(), secret(), replica), Conflict, "still run: kmc-one-0")


@pytest.mark.parametrize("check_mode", [True, False])
def test_another_control_plane_keeps_the_database(check_mode: bool) -> None:
    other = [control_plane("two", "other"), secret("db.data.svc.cluster.local", namespace="other", name="two")]
    kube = StandInKube(*database_cluster(), secret(), *other, check_mode=check_mode)
    refused(kube, Conflict, r"other/two is there.*Keep the database")


@pytest.mark.parametrize(
    "host",
    [
        "db-repl.data",
        "db-pooler.data.svc.cluster.local",
        "DB.data",
        "db.data.svc.cluster.local.",
        "db-0.db.data",
        "db-0.db.data.svc.cluster.local",
        "10.96.0.12",
        "[fd00::12]",
        "pg.example.com:5432,db-repl.data:5432",
        "alias",
    ],
)
def test_another_name_of_the_database_keeps_it(host: str) -> None:
    alias = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "alias", "namespace": "other"}}
    alias["spec"] = {"type": "ExternalName", "externalName": "db.data.svc.cluster.local"}
    other = [control_plane("two", "other"), secret(host, "Kine", namespace="other", name="two"), alias]
    refused(StandInKube(*database_cluster(), secret(), *other), Conflict, "other/two is there.*Kine on .* or may be")


@pytest.mark.parametrize(
    ("host", "database"),
    [
        ("db.data", "kine2"),
        ("db.elsewhere", "kine"),
        ("db.example.com", "kine"),
        ("db2-rw.data", "kine"),
        ("db-rw", "kine"),
    ],
)
def test_control_planes_elsewhere_do_not_matter(host: str, database: str) -> None:
    live = datastore("cloudnativepg", DatastoreOptions(name="db2", namespace="data")).desired()
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db-rw", "namespace": "other"}}
    service["spec"] = {"selector": {"app": "db"}}
    other = [control_plane("two", "other"), secret(host, database, namespace="other", name="two"), service]
    assert run(StandInKube(*database_cluster(), secret(), *other, *live))[0]["changed"]


def test_a_database_of_another_kind_of_server_is_another() -> None:
    other = control_plane("two", "other")
    other["spec"] = {"kineDataSourceURL": "mysql://k0smotron:pw@tcp(db.data:3306)/kine"}
    assert run(StandInKube(*database_cluster(), secret(), other))[0]["changed"]


def test_a_control_plane_whose_database_nobody_knows_keeps_it_from_being_dropped() -> None:
    found = [*database_cluster(), secret(), control_plane("two", "other")]
    result, said = run(StandInKube(*found))
    assert result["changed"]
    assert len(said) == 1
    assert "which database other/two uses" in said[0]
    refused(StandInKube(*found), Conflict, "which database other/two uses.*or keep", state="absent")


@pytest.mark.parametrize("state", ["archived", "absent"])
def test_nobodys_session_is_ended(state: str) -> None:
    kube = StandInKube(
        *database_cluster(), secret(), pg_stat_activity="k0smotron from 10.0.0.9\nbob from 10.0.0.8 psql"
    )
    refused(kube, WaitTimeout, "in use by k0smotron from 10.0.0.9, bob from 10.0.0.8 psql.*End these", state=state)


def test_the_statements_go_to_who_leads_after_the_wait() -> None:
    live, _leader = database_cluster()
    pods = [pod("db-0", "master", "10.0.0.1"), pod("db-1", "replica", "10.0.0.2")]
    kube = StandInKube(live, *({"apiVersion": "v1", "kind": "Pod", **each} for each in pods), secret())

    def switch_over() -> None:
        for each, role in zip(pods, ("replica", "master"), strict=True):
            each["metadata"]["labels"]["spilo-role"] = role

    kube.meanwhile = switch_over  # type: ignore[method-assign]
    run(kube)
    assert (kube.asked[0], kube.asked[-1], len(kube.told)) == ("db-0", "db-1", 2)


@pytest.mark.parametrize(("state", "says"), [("archived", "RENAME TABLE"), ("absent", "DROP DATABASE")])
def test_mariadbs_root_says_nothing_to_a_server_that_was_demoted(state: str, says: str) -> None:
    url: Object = {"data_source_secret": None, "url": "mysql://k0smotron:pw@tcp(mdb.data:3306)/kine"}
    kube = StandInMariaDB(*mariadb(), demoted=False)
    run(kube, state=state, **url)
    assert [says in told for told in kube.told] == [True]
    kube = StandInMariaDB(*mariadb(), demoted=True)
    refused(kube, Unreachable, "not certain who leads: The primary mdb-0 is read only", state=state, **url)


def test_a_database_elsewhere_is_somebody_elses() -> None:
    refused(StandInKube(secret("db.example.com")), NotFound, "in no database cluster.*managed_database_drop")


def test_a_database_cluster_that_went_before_took_the_database_with_it() -> None:
    result, said = run(StandInKube(secret()))
    assert (result["changed"], result["database"]) == (False, None)
    assert "db.data:5432 leads to no Service any more, so the database kine was not looked at" in said[0]


def test_a_service_of_somebody_elses_is_somebody_elses() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", "namespace": "data"}}
    refused(StandInKube(secret(), service), NotFound, "in no database cluster")


class StandInBlindKube(StandInKube):
    """May not see Zalando's database clusters."""

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        if kind == "postgresql":
            raise Forbidden("No right to get postgresql")
        return super().get(api_version, kind, name, namespace)


def test_what_is_forbidden_is_not_gone() -> None:
    refused(StandInBlindKube(secret()), Forbidden, "No right to get postgresql")


def test_a_name_that_kine_writes_in_another_way_is_not_guessed() -> None:
    kube = StandInKube(*database_cluster(), secret(database="Kine"))
    refused(kube, InvalidInput, "the database Kine, and kine uses kine in its place.*with datastore")
    given: Object = {"data_source_secret": None, "datastore": {**DATASTORE, "database": "Kine"}}
    assert run(StandInKube(*database_cluster()), **given)[0]["changed"]


def test_without_the_secret_nobody_knows_the_database() -> None:
    kube = StandInKube(*database_cluster())
    result, said = run(kube)
    assert (result["changed"], result["database"], kube.told) == (False, None, [])
    assert "no database was looked at" in said[0]


@pytest.mark.parametrize(
    "source", [{"url": "postgres://k0smotron:pw@db.data/kine"}, {"datastore": DATASTORE}, {"datastore": {**DATASTORE}}]
)
def test_other_ways_to_name_the_database(source: Object) -> None:
    kube = StandInKube(*database_cluster())
    result, said = run(kube, **{"data_source_secret": None, **source})
    assert (result["changed"], result["database"], said) == (True, DATASTORE, [])
    assert not run(StandInKube(), data_source_secret=None, datastore=DATASTORE)[0]["changed"]


def test_what_cannot_be_done_is_said() -> None:
    refused(StandInKube(*database_cluster(leader=False), secret()), Unreachable, "nobody leads.*Bring its database")
    refused(StandInKube(*database_cluster(), secret(database="postgres")), InvalidInput, "the server's own")
    store = datastore("innodbcluster", options_for("innodbcluster", name="db", namespace="data"))
    given = {"data_source_secret": None, "datastore": {**DATASTORE, "provider": "innodbcluster"}}
    refused(StandInKube(store.desired()[0]), InvalidInput, "With innodbcluster this module cannot", **given)


# -- words --------------------------------------------------------------------------------------------------------------


def test_mariadb_moves_the_table() -> None:
    like = MariaDB().new("anybody")
    assert MariaDB().archive("kine", "kine_old", like) == [
        "CREATE DATABASE IF NOT EXISTS `kine_old` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        "RENAME TABLE `kine`.`kine` TO `kine_old`.`kine`",
    ]
    assert MariaDB().drop("kine", like, declared=False) == ["DROP DATABASE `kine`"]
    assert MariaDB().command(["one", "two"])[-1] == "one; two"


@pytest.mark.parametrize("server", [PostgreSQL(), MariaDB()])
def test_an_archives_name_is_never_too_long(server: PostgreSQL | MariaDB) -> None:
    assert archive_name("kine", NOON, server.name_limit) == "kine_archived_20260102120000"
    whole = "k" * (server.name_limit - 24)
    assert archive_name(whole, NOON, server.name_limit) == whole + "_archived_20260102120000"
    cut = archive_name("k" * 63, NOON, server.name_limit)
    assert len(cut) == server.name_limit
    assert re.fullmatch("k+_[0-9a-f]{8}_archived_20260102120000", cut)


def test_archives_of_long_names_that_begin_alike_are_not_mixed_up() -> None:
    names = ["k" * 50 + end for end in ("", "a", "b")]
    assert len({PostgreSQL().find_archive(name) for name in names}) == len(names)


def test_an_archive_is_looked_for_under_the_name_that_it_got() -> None:
    question, prefix = PostgreSQL().find_archive("k" * 39), archive_name("k" * 39, NOON, 63)[:-14]
    assert f"left(datname, -14) = '{prefix}' AND right(datname, 14) ~ '^[0-9]{{14}}$'" in question


def test_a_name_stays_a_name() -> None:
    name = "a'\\'\"`; DROP"
    assert "'a''\\''\"`; DROP'" in PostgreSQL().find(name)
    assert "'a''\\\\''\"`; DROP'" in MariaDB().find(name)
    assert PostgreSQL().quoted(name) == '"a\'\\\'""`; DROP"'
    assert MariaDB().quoted(name) == "`a'\\'\"``; DROP`"
