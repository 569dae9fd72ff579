# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which risks of losing acknowledged writes each provider's cluster shows: one thing wrong at a time."""

from __future__ import annotations

import copy
import json
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import DatabaseSpec, datastore, options_for
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability import ZONE, Risk
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability_postgres import KEY
from tests.unit.module_utils import test_innodbcluster_judge as innodb
from tests.unit.module_utils import test_mariadb_judge as mariadb

Object = dict[str, t.Any]

MIB = 2**20


def pod(name: str, labels: t.Mapping[str, str], node: str) -> Object:
    return {
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {"nodeName": node},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def standby(name: str, sync: str = "sync", missing: int = 0, unapplied: int = 0) -> Object:
    return {"name": name, "sync": sync, "missing": missing, "unapplied": unapplied}


def said(*standbys: Object, **changes: t.Any) -> list[Object]:
    """A primary's answer."""
    settings = {"fsync": "on", "full_page_writes": "on", "commit": "on", "set": []}
    return [{"output": json.dumps({**settings, "standbys": list(standbys), **changes})}]


def zalando(mode: str = "on", instances: int = 2, nodes: str = "123") -> Object:
    """Cluster db, as it is when all is well."""
    names = [f"db-{number}" for number in range(instances)]
    patroni = {"synchronous_mode": mode != "off", "synchronous_mode_strict": mode == "strict"}
    record = {"leader": "db-0", "sync_standby": "db-1"}
    return {
        "cluster": [{"spec": {"numberOfInstances": instances, "patroni": patroni}}],
        "pods": [
            pod(name, {"spilo-role": "replica" if number else "master"}, f"n{nodes[number]}")
            for number, name in enumerate(names)
        ],
        "sync_endpoints": [{"metadata": {"name": "db-sync", "annotations": record}}] if mode != "off" else [],
        KEY: said(*(standby(name, "async" if mode == "off" else "sync") for name in names[1:2])),
    }


def cloudnativepg(mode: str = "on", instances: int = 2, nodes: str = "123", **synchronous: t.Any) -> Object:
    names = [f"db-{number}" for number in range(instances)]
    durability = {"on": "preferred", "strict": "required"}
    asked = {"method": "any", "number": 1, "dataDurability": durability.get(mode), **synchronous}
    return {
        "cluster": [
            {
                "spec": {"instances": instances, "postgresql": {"synchronous": asked} if mode != "off" else {}},
                "status": {"currentPrimary": "db-0", "instancesStatus": {"healthy": names}},
            }
        ],
        "pods": [
            pod(name, {"cnpg.io/instanceRole": "replica" if number else "primary"}, f"n{nodes[number]}")
            for number, name in enumerate(names)
        ],
        KEY: said(*(standby(name, "async" if mode == "off" else "quorum") for name in names[1:])),
    }


def risks(provider: str, observed: Object) -> dict[str, Risk]:
    """By id; no test here expects the same one twice."""
    databases = (DatabaseSpec("kine", "k0smotron"),)
    found = datastore(provider, options_for(provider, name="db", namespace="ns", databases=databases)).risks(observed)
    assert len({risk.id for risk in found}) == len(found), found
    assert all(risk.observed and risk.why and risk.remedy for risk in found)
    return {risk.id: risk for risk in found}


def severities(provider: str, observed: Object) -> dict[str, str]:
    return {ident: risk.severity for ident, risk in risks(provider, observed).items()}


def changed(observed: Object, **parts: t.Any) -> Object:
    return {**copy.deepcopy(observed), **parts}


GOES_ON_ALONE = {"not_strict": "warn"}


@pytest.mark.parametrize(
    ("provider", "observed", "expected"),
    [
        ("zalando", zalando(), GOES_ON_ALONE),
        ("zalando", zalando("strict", 3), {}),
        ("zalando", zalando("strict", 2), {"strict_impossible": "refuse"}),
        ("zalando", zalando("off"), {"asynchronous": "refuse"}),
        ("zalando", zalando(instances=1), {"one_instance": "refuse"}),
        ("zalando", zalando("off", instances=1), {"one_instance": "refuse"}),
        ("zalando", zalando(nodes="11"), GOES_ON_ALONE | {"one_node": "refuse"}),
        ("zalando", zalando("strict", 3, nodes="112"), {"one_node": "refuse"}),
        ("zalando", zalando("strict", 3, nodes="121"), {}),
        ("zalando", zalando("off", nodes="11"), {"asynchronous": "refuse", "one_node": "refuse"}),
        ("cloudnativepg", cloudnativepg(), GOES_ON_ALONE),
        ("cloudnativepg", cloudnativepg("strict", 3), {}),
        ("cloudnativepg", cloudnativepg("strict", 2), {"strict_impossible": "refuse"}),
        ("cloudnativepg", cloudnativepg("strict", 3, number=2), {"strict_impossible": "refuse"}),
        ("cloudnativepg", cloudnativepg("off"), {"asynchronous": "refuse"}),
        ("cloudnativepg", cloudnativepg("on", 1), {"one_instance": "refuse"}),
        # Any one of both may have acknowledged a write: that on the primary's node is one too many.
        ("cloudnativepg", cloudnativepg("strict", 3, nodes="112"), {"one_node": "refuse"}),
    ],
)
def test_layout(provider: str, observed: Object, expected: dict[str, str]) -> None:
    assert severities(provider, observed) == expected


def test_cloudnativepgs_older_way_to_be_synchronous() -> None:
    observed = cloudnativepg("off")
    observed["cluster"][0]["spec"]["minSyncReplicas"] = 1
    observed[KEY] = said(standby("db-1", "quorum"))
    assert severities("cloudnativepg", observed) == GOES_ON_ALONE


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (said(), {"no_standby_now": "refuse"}),
        (said(standby("db-1", "async")), {"no_standby_now": "refuse"}),
        (said(standby("db-1", missing=0, unapplied=33 * MIB)), {"standby_lagging": "warn"}),
        (said(standby("db-1", unapplied=32 * MIB)), {}),
        (said(standby("db-1", "sync"), standby("db-2", "async", missing=99 * MIB)), {}),
        (said(standby("db-1"), fsync="off"), {"not_flushed": "refuse"}),
        (said(standby("db-1"), full_page_writes="off"), {"torn_pages": "warn"}),
        (said(standby("db-1"), commit="off"), {"commits_do_not_wait": "refuse"}),
        (said(standby("db-1"), commit="local"), {"commits_do_not_wait": "refuse"}),
        (said(standby("db-1"), commit="remote_write"), {}),
        ([{"problem": "not allowed"}], {"not_seen": "unknown"}),
        ([{"output": "psql: error"}], {"not_seen": "unknown"}),
        ([], {"not_seen": "unknown"}),
    ],
)
@pytest.mark.parametrize("provider", ["zalando", "cloudnativepg"])
def test_what_the_primary_says(provider: str, answer: list[Object], expected: dict[str, str]) -> None:
    observed = (zalando if provider == "zalando" else cloudnativepg)()
    assert severities(provider, changed(observed, **{KEY: answer})) == GOES_ON_ALONE | expected


def test_a_primary_that_cannot_be_asked_is_judged_by_its_operators_records() -> None:
    observed = changed(zalando(), **{KEY: [{"problem": "not allowed"}], "sync_endpoints": []})
    assert severities("zalando", observed) == GOES_ON_ALONE | {"no_standby_now": "refuse", "not_seen": "unknown"}


def test_nobody_leads() -> None:
    observed = zalando()
    observed["pods"][0]["metadata"]["labels"]["spilo-role"] = "replica"
    assert risks("zalando", changed(observed, **{KEY: []}))["no_standby_now"].observed == "no instance is the primary"


def test_an_asynchronous_standby_that_lags() -> None:
    found = risks("zalando", changed(zalando("off"), **{KEY: said(standby("db-1", "async", missing=33 * MIB))}))
    assert found["standby_lagging"].severity == "refuse"
    assert found["standby_lagging"].observed == "db-1 lacks 33 MiB, more than 32 MiB"


def test_the_bound_of_lag_is_patronis() -> None:
    observed = changed(zalando(), **{KEY: said(standby("db-1", unapplied=2 * MIB))})
    assert severities("zalando", observed) == GOES_ON_ALONE
    observed["cluster"][0]["spec"]["patroni"]["maximum_lag_on_failover"] = MIB
    assert "2 MiB to replay, more than 1 MiB" in risks("zalando", observed)["standby_lagging"].observed


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([("k0smotron", "", "off")], "synchronous_commit is off for role k0smotron"),
        ([("", "kine", "local")], "synchronous_commit is local for database kine"),
        ([("k0smotron", "kine", "off")], "synchronous_commit is off for role k0smotron and database kine"),
        ([("somebody", "", "off"), ("", "other", "off"), ("k0smotron", "other", "off")], ""),
        ([("k0smotron", "", "on"), ("", "kine", "off")], ""),
    ],
)
def test_synchronous_commit_is_what_kines_sessions_get(settings: list[tuple[str, str, str]], expected: str) -> None:
    given = [dict(zip(("role", "database", "value"), each, strict=True)) for each in settings]
    found = risks("zalando", changed(zalando(), **{KEY: said(standby("db-1"), set=given)}))
    assert (found["commits_do_not_wait"].observed if expected else "") == expected
    assert ("commits_do_not_wait" in found) == bool(expected)


def nodes(**zones: str) -> list[Object]:
    return [{"metadata": {"name": name, "labels": {ZONE: zone} if zone else None}} for name, zone in zones.items()]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (nodes(n1="a", n2="a", n3="b"), {"one_zone": "warn"}),
        (nodes(n1="a", n2="a", n3="a"), {}),
        (nodes(n1="a", n2="b", n3="b"), {}),
        (nodes(n1="", n2="", n3="b"), {}),
        ([], {}),
    ],
)
def test_zones(found: list[Object], expected: dict[str, str]) -> None:
    assert severities("zalando", changed(zalando(), nodes=found)) == GOES_ON_ALONE | expected


# -- MariaDB ---------------------------------------------------------------------------------------------------------

OF_MARIADB = GOES_ON_ALONE | {"promoted_blind": "warn"}
SETTINGS = {"wait_point": "AFTER_SYNC", "wait_ms": 10000, "flushes": 1, "syncs_binlog": 1}


def mariadbs(**changes: t.Any) -> Object:
    observed = mariadb.healthy()
    observed["cluster"][0]["spec"]["replicas"] = 3
    observed["server:mdb-0"] = [{"output": mariadb.vertical({**mariadb.PRIMARY, **SETTINGS, **changes})}]
    return observed


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"semi_sync": "OFF"}, {"no_standby_now": "refuse"}),
        ({"semi_sync_replicas": 0}, {"no_standby_now": "refuse"}),
        ({"wait_point": "AFTER_COMMIT"}, {"wait_point": "warn"}),
        ({"flushes": 2}, {"not_flushed": "refuse"}),
        ({"syncs_binlog": 0}, {"not_flushed": "warn"}),
    ],
)
def test_what_a_mariadb_primary_says(changes: dict[str, t.Any], expected: dict[str, str]) -> None:
    assert severities("mariadb", mariadbs(**changes)) == OF_MARIADB | expected


def test_a_mariadbs_patience_is_named() -> None:
    assert risks("mariadb", mariadbs(wait_ms=2500))["not_strict"].observed == "semi-synchronous, for 2.5 s at most"


def test_mariadb_replicas_that_would_lose_writes() -> None:
    behind = mariadbs()
    mariadb.say(behind, 1, "0-10-4711", "0-10-3000")
    assert risks("mariadb", behind)["standby_lagging"].observed == "mdb-1 is 1711 transactions behind, more than 1000"
    broken = mariadbs()
    mariadb.say(broken, 2, "Slave_SQL_Running: Yes", "Slave_SQL_Running: No")
    assert "mdb-2 does not replicate" in risks("mariadb", broken)["standby_lagging"].observed
    assert risks("mariadb", broken)["standby_lagging"].severity == "refuse"
    silent = mariadbs() | {"server:mdb-1": [{"problem": "not allowed"}]}
    assert risks("mariadb", silent)["not_seen"].observed == "mdb-1 was not asked: not allowed"
    forgotten = mariadbs() | {"server:mdb-1": [{"output": mariadb.vertical({"read_only": 1})}]}
    assert risks("mariadb", forgotten)["standby_lagging"].observed == "mdb-1 does not replicate from anywhere"


def test_mariadb_layout() -> None:
    alone = mariadbs()
    alone["cluster"][0]["spec"] = {"replicas": 1}
    assert severities("mariadb", alone) == {"one_instance": "refuse"}
    separate = mariadbs()
    separate["cluster"][0]["spec"] = {"replicas": 3}
    assert severities("mariadb", separate) == {"asynchronous": "refuse"}
    together = mariadbs()
    together["pods"][1]["spec"]["nodeName"] = "n0"
    assert severities("mariadb", together) == OF_MARIADB | {"one_node": "refuse"}


def test_a_mariadb_that_cannot_be_asked() -> None:
    observed = mariadbs() | {"server:mdb-0": [{"problem": "not allowed"}]}
    assert severities("mariadb", observed) == {"not_seen": "unknown"}


# -- InnoDBCluster ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instances", "expected"),
    [(3, {}), (2, {"strict_impossible": "refuse"}), (1, {"one_instance": "refuse"})],
)
def test_a_group_needs_a_majority(instances: int, expected: dict[str, str]) -> None:
    observed = copy.deepcopy(innodb.observed())
    observed["cluster"][0]["spec"] = {"instances": instances}
    assert severities("innodbcluster", observed) == expected


@pytest.mark.parametrize(
    ("instances", "expected"),
    [(3, {}), (2, {"strict_impossible": "refuse"}), (1, {"one_instance": "refuse"})],
)
@pytest.mark.parametrize("silent", [innodb.NAMES, innodb.NAMES[:1]], ids=["all", "the primary"])
def test_a_group_that_cannot_be_asked(silent: tuple[str, ...], instances: int, expected: dict[str, str]) -> None:
    observed: Object = innodb.observed() | {f"server:{name}": [{"problem": "not allowed"}] for name in silent}
    observed["cluster"] = [{"spec": {"instances": instances}}]
    assert severities("innodbcluster", observed) == expected | {"not_seen": "unknown"}
    assert risks("innodbcluster", observed)["not_seen"].observed == "the primary was not asked: not allowed"


def test_a_group_without_a_primary() -> None:
    observed: Object = innodb.observed() | {f"server:{name}": innodb.answer(name, primary="x") for name in innodb.NAMES}
    observed["cluster"] = [{"spec": {"instances": 3}}]
    observed["server:idc-2"] = [{"problem": "not allowed"}]
    assert severities("innodbcluster", observed) == {"no_standby_now": "refuse"}


@pytest.mark.parametrize(
    ("disk", "expected"),
    [("1\t1", {}), ("2\t1", {"not_flushed": "refuse"}), ("1\t0", {"not_flushed": "warn"})],
)
def test_a_groups_primary_that_does_not_flush(disk: str, expected: dict[str, str]) -> None:
    observed: Object = innodb.observed() | {"server:idc-1": innodb.answer("idc-1", disk="0\t0")}
    observed["cluster"] = [{"spec": {"instances": 3}}]
    observed["server:idc-0"] = innodb.answer("idc-0", disk=disk)
    assert severities("innodbcluster", observed) == expected


def test_a_group_on_one_node() -> None:
    observed = copy.deepcopy(innodb.observed())
    observed["cluster"][0]["spec"] = {"instances": 3}
    for member in observed["pods"][:2]:
        member["spec"]["nodeName"] = "n1"
    assert severities("innodbcluster", observed) == {"one_node": "refuse"}
