# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which database the module durability_check refuses, on real ones of Zalando's operator. The order matters."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

import pytest

from tests.integration.modules.lifecycle import POSTGRESQL, Database
from tests.integration.modules.runner import Modules, create_secret, get, kubectl, names, warnings
from tests.lab import waiting

MIB = 2**20


@pytest.fixture(scope="module")
def databases(shared_namespace: str) -> t.Iterator[tuple[Database, Database]]:
    """One of a single instance, and one with a standby, started side by side."""
    modules = Modules()
    alone = Database(modules, shared_namespace, "acid-alone")
    pair = Database(modules, shared_namespace, "acid-pair")
    instances = {alone.name: 1, pair.name: 2}
    try:
        for wait in (False, True):
            for database in (alone, pair):
                result = database.run(instances=instances[database.name], wait=wait)
                assert not result.get("failed"), result["msg"]
        modules.secrets += [alone.password(), pair.password()]
        yield alone, pair
    finally:
        kubectl(
            "delete", POSTGRESQL, alone.name, pair.name, "-n", shared_namespace, "--ignore-not-found", "--wait=false"
        )


@pytest.fixture
def alone(databases: tuple[Database, Database]) -> Database:
    return databases[0]


@pytest.fixture
def pair(databases: tuple[Database, Database]) -> Database:
    return databases[1]


def checked(database: Database, **more: t.Any) -> dict[str, t.Any]:
    """The result with the severities of the risks by id."""
    datastore = {"name": database.name, "namespace": database.namespace, "database": "kine"}
    result = database.modules.run("durability_check", datastore=datastore, **more)
    assert result.get("changed", False) is False
    return {**result, "found": {risk["id"]: risk["severity"] for risk in result["risks"]}}


def patch(database: Database, **patroni: t.Any) -> None:
    kubectl(
        *("patch", POSTGRESQL, database.name, "-n", database.namespace, "--type=merge"),
        *("-p", json.dumps({"spec": {"patroni": patroni}})),
    )


def test_one_instance_is_refused(alone: Database) -> None:
    result = checked(alone)
    assert result["failed"]
    assert (result["verdict"], result["found"]) == ("refuse", {"one_instance": "refuse"})
    assert "-> Ask for 2 instances or more" in result["msg"]


def test_one_instance_is_warned_of_where_that_was_asked_for(alone: Database) -> None:
    result = checked(alone, fail_on="never", check=True)
    assert not result.get("failed")
    assert result["found"] == {"one_instance": "refuse"}
    assert "One instance" in warnings(result)


def role(tmp_path: Path, database: Database, **variables: t.Any) -> subprocess.CompletedProcess[str]:
    """Run the role control_plane up to its refusals, in check mode."""
    playbook = tmp_path / "play.yml"
    playbook.write_text("[{hosts: localhost, gather_facts: false, roles: [k0smotron.ha.control_plane]}]")
    datastore = {"name": database.name, "namespace": database.namespace, "database": "kine"}
    given = {"control_plane_name": "refused-alone", "control_plane_datastore": datastore, **variables}
    return subprocess.run(
        ["ansible-playbook", str(playbook), "-e", json.dumps(given)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_role_refuses_it_before_anything_is_created(alone: Database, tmp_path: Path) -> None:
    done = role(tmp_path, alone)
    assert done.returncode != 0
    assert "REFUSE" in done.stdout
    assert "Refuse a database that would lose acknowledged writes" in done.stdout
    assert kubectl("get", "namespace", "refused-alone", "--ignore-not-found") == ""


def test_a_pair_is_fit(pair: Database) -> None:
    result = checked(pair)
    assert not result.get("failed"), result["msg"]
    assert (result["verdict"], result["found"]) == ("warn", {"not_strict": "warn"})


def test_a_data_source_leads_to_the_same(pair: Database) -> None:
    url = f"postgres://k0smotron:{pair.password()}@{pair.name}.{pair.namespace}.svc:5432/kine?sslmode=require"
    create_secret("pair", pair.namespace, {"K0SMOTRON_KINE_DATASOURCE_URL": url + "&synchronous_commit=off"})
    secret = {"name": "pair", "namespace": pair.namespace}
    result = pair.modules.run("durability_check", secret=secret)
    assert [risk["id"] for risk in result["risks"]] == ["commits_do_not_wait", "not_strict"]
    assert result["datastore"] == {"name": f"zalando datastore {pair.namespace}/{pair.name}", "provider": "zalando"}
    assert pair.modules.ok("durability_check", url=url)["verdict"] == "warn"


def test_a_role_whose_commits_do_not_wait(pair: Database) -> None:
    pair.psql("ALTER ROLE k0smotron SET synchronous_commit = local")
    try:
        result = checked(pair)
    finally:
        pair.psql("ALTER ROLE k0smotron RESET synchronous_commit")
    assert result["found"] == {"commits_do_not_wait": "refuse", "not_strict": "warn"}
    assert "for role k0smotron" in result["msg"]


def inside(database: Database, role: str, *command: str) -> str:
    """Run a command in the only pod with that role."""
    [pod] = names("pods", database.namespace, f"{database.selector},spilo-role={role}")
    return kubectl("exec", "-n", database.namespace, pod, "-c", "postgres", "--", *command)


def test_a_standby_that_replays_late(pair: Database) -> None:
    """Patroni would let it go on within seconds."""
    inside(pair, "master", "patronictl", "pause", pair.name, "--wait")
    try:
        inside(pair, "replica", "psql", "-U", "postgres", "-Atc", "SELECT pg_wal_replay_pause()")
        pair.psql(f"SELECT pg_logical_emit_message(true, 'late', repeat('x', {40 * MIB}))")
        result = checked(pair)
    finally:
        inside(pair, "replica", "psql", "-U", "postgres", "-Atc", "SELECT pg_wal_replay_resume()")
        inside(pair, "master", "patronictl", "resume", pair.name)
    assert result["found"] == {"not_strict": "warn", "standby_lagging": "warn"}
    assert "has 40 MiB to replay, more than 32 MiB" in result["msg"]


def test_no_standby_now(pair: Database) -> None:
    """It is not let in any more, and is thrown out."""
    pair.psql("ALTER ROLE standby NOLOGIN")
    try:
        pair.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
        result = checked(pair)
    finally:
        # Nobody is there to wait for, until Patroni finds that out.
        inside(
            pair,
            "master",
            "psql",
            "-U",
            "postgres",
            "-c",
            "SET synchronous_commit = local",
            "-c",
            "ALTER ROLE standby LOGIN",
        )
    assert result["failed"]
    assert result["found"] == {"no_standby_now": "refuse", "not_strict": "warn"}
    assert not pair.run(instances=2).get("failed")
    # Patroni's labels still name the standby as it was, so the module does not wait for it to stream again.
    waiting.until(lambda: checked(pair)["found"] == {"not_strict": "warn"}, "the standby", 60)


def test_what_was_asked_for_cannot_hold(pair: Database) -> None:
    patch(pair, synchronous_mode_strict=True)
    assert checked(pair)["found"] == {"strict_impossible": "refuse"}


def test_asynchronous_is_refused(pair: Database) -> None:
    patch(pair, synchronous_mode=False, synchronous_mode_strict=False)
    asking = "SHOW synchronous_standby_names"
    waiting.until(lambda: pair.psql(asking) == "", "asynchronous replication", 60)
    result = checked(pair)
    assert result["failed"]
    assert result["found"] == {"asynchronous": "refuse"}


def test_what_is_not_there(pair: Database, modules: Modules) -> None:
    nothing = {"name": "acid-nothing", "namespace": pair.namespace, "database": "kine"}
    assert "There is no zalando datastore" in modules.refused("durability_check", datastore=nothing)
    predicted = modules.ok("durability_check", check=True, datastore=nothing)
    assert (predicted["verdict"], predicted["risks"]) == ("unknown", [])
    assert get(POSTGRESQL, "acid-nothing", pair.namespace) is None
