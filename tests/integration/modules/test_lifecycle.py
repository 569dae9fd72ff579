# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One database cluster and one control plane from creation to removal, on the real operators. The order matters."""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import pytest

from tests.integration.modules.lifecycle import (
    CLUSTER,
    DATA_SOURCE_KEY,
    K0S_CONFIG,
    OWNER,
    POSTGRESQL,
    START_SECONDS,
    Database,
    Plane,
    operator,
)
from tests.integration.modules.runner import Modules, create_secret, get, kubectl, names, warnings
from tests.lab import waiting

FAST_START = Path(__file__).parents[3] / "extensions/molecule/shared/files/fast-start.yml"
SECOND_RUN_SECONDS = 60


@pytest.fixture(scope="module")
def life(accounts: dict[str, str]) -> Modules:
    """One runner for all tests of this file."""
    return Modules(accounts=accounts)


@pytest.fixture(scope="module")
def database(life: Modules, shared_namespace: str) -> t.Iterator[Database]:
    """Created by the first test that asks for it; removed with its data at the end, whatever happened."""
    found = Database(life, shared_namespace)
    result = found.run()
    assert not result.get("failed"), result["msg"]
    life.secrets.append(found.password())
    yield found
    kubectl("delete", POSTGRESQL, found.name, "-n", shared_namespace, "--ignore-not-found")


@pytest.fixture(scope="module")
def plane(life: Modules, database: Database, lab_variables: dict[str, t.Any]) -> t.Iterator[Plane]:
    """Created by the first test that asks for it."""
    assert lab_variables, "This test needs the lab's own cluster, with its k0s image: `make lab`"
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(FAST_START))
    found = Plane(life, database.namespace, lab_variables["control_plane_version"])
    create_secret("source", found.namespace, {DATA_SOURCE_KEY: database.url()})
    result = found.run()
    assert not result.get("failed"), result["msg"]
    yield found
    kubectl("delete", CLUSTER, "--all", "-n", found.namespace, "--ignore-not-found")


def test_a_database_is_up_when_it_takes_writes(database: Database) -> None:
    started = time.monotonic()
    result = database.run()
    assert time.monotonic() - started < SECOND_RUN_SECONDS
    assert not result["changed"]
    assert result["verdict"]["up"]
    assert "took a write" in result["verdict"]["reason"]
    leader, standby = result["replication"]["leader"], result["replication"]["sync_standby"]
    assert names("pods", database.namespace, f"{database.selector},spilo-role=master") == [leader["pod"]]
    assert leader["node"]
    assert database.psql("SELECT application_name FROM pg_stat_replication WHERE sync_state = 'sync'") == standby["pod"]
    assert database.psql("SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = 'k0smotron'") == "f"


def test_the_proof_leaves_nothing_behind(database: Database) -> None:
    assert not database.run()["changed"]
    assert database.psql(r"SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'kine\_check%'", "kine") == "0"


def test_running_is_not_up_when_the_owner_cannot_write(database: Database) -> None:
    database.close()
    try:
        result = database.run(wait_timeout=5)
    finally:
        database.open()
    assert result["failed"]
    assert f"Database kine does not take writes from {OWNER}" in result["msg"]
    live = get(POSTGRESQL, database.name, database.namespace)
    assert live
    assert live["status"]["PostgresClusterStatus"] == "Running"


def test_a_control_plane_is_up_when_each_replica_answers(plane: Plane, tmp_path: Path) -> None:
    started = time.monotonic()
    result = plane.run()
    assert time.monotonic() - started < SECOND_RUN_SECONDS
    assert not result["changed"]
    assert result["verdict"]["up"]
    assert result["readyz"] == dict.fromkeys(plane.pods(), True)
    assert result["replicas"]["ready"] == 2
    assert len(set(result["nodes"].values())) == 2
    assert result["api_url"] in plane.kubectl(tmp_path, "config", "view")
    assert "kube-system" in plane.kubectl(tmp_path, "get", "namespaces")


def test_its_record_names_the_database(plane: Plane, database: Database) -> None:
    record = plane.info()
    assert record["up"], record["reason"]
    assert record["readyz"] == dict.fromkeys(plane.pods(), True)
    store = record["datastore"]
    assert (store["name"], store["namespace"], store["up"]) == (database.name, database.namespace, True)
    assert store["leader"]["pod"] != store["sync_standby"]["pod"]


def test_a_database_stays_while_a_control_plane_uses_it(plane: Plane, database: Database) -> None:
    refused = database.run(state="absent", data="delete")
    assert f"is the database of the control plane {plane.namespace}/{plane.name}" in refused["msg"]
    assert plane.info()["up"]


@pytest.fixture(scope="module")
def neighbour(plane: Plane, life: Modules, database: Database) -> Plane:
    """A control plane with a database of its own on the same server; the last test that asks for it removes it."""
    database.psql(f"CREATE DATABASE next OWNER {OWNER}")
    create_secret("next", plane.namespace, {DATA_SOURCE_KEY: database.url().replace("/kine?", "/next?")})
    found = Plane(life, plane.namespace, plane.version, "next")
    made = found.run(replicas=1, api_port=32744, konnectivity_port=32733, data_source_secret="next")
    assert not made.get("failed"), made["msg"]
    return found


def test_a_drill_is_predicted_and_loses_nothing(plane: Plane, neighbour: Plane, life: Modules, tmp_path: Path) -> None:
    others = [{"name": neighbour.name, "namespace": neighbour.namespace}]
    options = plane.drill(fault="primary_killed", others=others, report=str(tmp_path / "page.html"))
    assert "allow_disruption: true" in life.refused("failover_drill", **{**options, "allow_disruption": False})
    predicted = life.ok("failover_drill", check=True, **options)
    found = life.ok("failover_drill", **options)
    assert predicted["changed"]
    assert predicted["actions"] == found["actions"]
    certificates = [found["certificate"], *found["others"]]
    assert [each["control_plane"]["name"] for each in certificates] == [plane.name, neighbour.name]
    for each in certificates:
        assert each["measures"]["acknowledged"] > 50
        assert each["measures"]["write_gap"] > 0.3, "the fault was not felt"
        held = {rule["id"] for rule in each["rules"] if rule["ok"]}
        assert held >= {"lost", "missed", "replicas", "kine"}
    pages = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert neighbour.name in pages[f"page-{neighbour.namespace}-{neighbour.name}.html"]
    assert len(pages) == 2


def test_what_is_taken_away_behind_a_replica_is_remembered(
    neighbour: Plane, database: Database, tmp_path: Path
) -> None:
    """As after a failover that loses a write, or after one that a dying primary showed and no standby had."""
    neighbour.kubectl(tmp_path, "create", "configmap", "phantom", "-n", "default")
    assert "phantom" in neighbour.remembered(tmp_path)
    database.psql("DELETE FROM kine WHERE name = '/registry/configmaps/default/phantom'", "next")
    assert "phantom" in neighbour.remembered(tmp_path)
    assert not neighbour.kubectl(tmp_path, "get", "configmap", "phantom", "-n", "default", "--ignore-not-found")
    # Somebody has to tell it of later changes, which it compares up to.
    neighbour.kubectl(tmp_path, "create", "configmap", "later", "-n", "default")


def test_a_drill_that_was_killed_is_cleaned_up_by_the_next(plane: Plane, life: Modules, tmp_path: Path) -> None:
    phases = ("get", "namespaces", "-l", "k0smotron.ha/drill", "-o", "jsonpath={.items[*].status.phase}")
    for seconds in (1.5, 4.0):
        drill = life.begin("failover_drill", **plane.drill(fault_seconds=60))
        time.sleep(seconds)
        drill.kill()
        drill.wait()
    with life.begin("failover_drill", **plane.drill(fault="operator_down", fault_seconds=60)) as drill:
        waiting.until(lambda: operator() == "0 down, noted 1", "a drill that has stopped the operator", 90)
        drill.kill()
    # It may have had the time to kill the primary, too.
    waiting.until(plane.is_whole, "a primary with its standby", 120)
    assert "Active" in plane.kubectl(tmp_path, *phases)
    found = life.ok("failover_drill", **plane.drill(fault="switchover"))
    assert found["certificate"]["passed"]
    assert operator() == "1 ready, noted nothing"

    def going() -> bool:
        return set(plane.kubectl(tmp_path, *phases).split()) <= {"Terminating"}

    # A hosted cluster without workers may keep them for long, because nobody serves all of its APIs; and a replica
    # answers a list from a memory that may not have heard yet of what was deleted through another one.
    waiting.until(going, "namespaces of drills that are going", 30)


@pytest.mark.matrix
def test_a_drill_does_not_disturb_another_one(plane: Plane, life: Modules) -> None:
    drill = life.begin("failover_drill", **plane.drill(fault_seconds=25))
    try:
        time.sleep(8)
        assert "Another drill of this database runs" in life.refused("failover_drill", **plane.drill())
    finally:
        first = json.loads(drill.communicate(timeout=300)[0])
    assert first["certificate"]["passed"]


def test_ready_is_not_up_when_the_database_is_cut_off(plane: Plane, database: Database) -> None:
    database.close()
    try:
        record = plane.info()
        result = plane.run(wait_timeout=5)
    finally:
        database.open()
    assert not record["up"]
    assert "is not well" in record["reason"]
    assert record["replicas"]["ready"] == 2
    assert result["failed"]
    assert "is not well" in result["msg"]
    again = plane.run()
    assert not again.get("failed"), again["msg"]


def test_ready_is_not_up_when_a_replica_hears_of_no_change(plane: Plane) -> None:
    """Its /readyz is ok and its requests are answered, over connections of theirs; only the poll that feeds its watches waits."""
    [deaf, well] = sorted(plane.pods())
    cut = 0.0

    def named() -> dict[str, t.Any]:
        nonlocal cut
        if time.monotonic() > cut + 90:  # again, where the poll found a connection that was made in this moment
            plane.cut_connections(deaf)
            cut = time.monotonic()
        record = plane.info()
        return record if "has not heard of any change for" in str(record["readyz"][deaf]) else {}

    # First requests are stuck on these connections, too, and /readyz with them.
    record = waiting.until(named, "a replica that is deaf", 350, 2)
    assert record["readyz"][well] is True
    assert record["reason"].startswith(f"{deaf} is not well: it has not heard")
    before = plane.pods()
    here: dict[str, t.Any] = {"name": plane.name, "namespace": plane.namespace}
    predicted = plane.modules.run("replica_repair", check=True, **here)
    assert plane.pods() == before
    repaired = plane.modules.ok("replica_repair", **here, wait_timeout=START_SECONDS)
    after = plane.pods()
    assert (predicted["changed"], repaired["changed"]) == (True, True)
    assert [each["control_planes"][0]["restarted"] for each in (predicted, repaired)] == [[deaf], [deaf]]
    assert (after[well], after[deaf] != before[deaf]) == (before[well], True)
    assert repaired["control_planes"][0]["up"], repaired
    assert not plane.modules.ok("replica_repair", **here)["changed"]


def test_a_drill_finds_a_write_that_somebody_took_away(plane: Plane, database: Database, tmp_path: Path) -> None:
    """The negative control: a drill that cannot fail proves nothing. Its replicas remember the write until they are restarted."""
    drill = plane.drills(tmp_path, "none", "none", "switchover")
    file = tmp_path / f"{plane.namespace}-{plane.name}-none"
    waiting.until(file.with_suffix(".html").exists, "the first drill's page", 180)
    # Rows of an earlier drill are there until kine compacts them, and its namespace, on its way, adds those of deletions.
    last = database.psql("SELECT max(id) FROM kine", "kine")
    ours = f"name LIKE '/registry/configmaps/k0smotron-ha-drill-%/w0-2' AND created = 1 AND id > {last}"
    row = f"DELETE FROM kine WHERE {ours} RETURNING 'gone'"  # noqa: S608 - made of our own words only
    waiting.until(lambda: "gone" in database.psql(row, "kine"), "the drill's third write", 60)
    said = drill.communicate(timeout=300)[0]
    assert drill.returncode == 2, said
    found = json.loads(file.with_suffix(".json").read_text())
    rules = {rule["id"]: rule for rule in found["rules"]}
    assert rules["lost"]["count"] == 1
    assert "create of w0-2 was acknowledged" in rules["lost"]["observed"]
    assert said.count("[localhost] => (item=none)") == 2
    assert "no acknowledged write is lost: 1 times not" in said.partition("Every drill has passed")[2]
    assert "timeline" not in said, "thousands of lines"
    assert "item=switchover" not in said, "the next fault came after a loss"


def test_a_new_url_rolls_every_replica_once(plane: Plane, database: Database) -> None:
    create_secret(
        "source", plane.namespace, {DATA_SOURCE_KEY: database.url(query="sslmode=require&application_name=new")}
    )
    plane.roll()
    assert int(database.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'new'")) > 0


def test_ready_is_not_up_when_a_replica_remembers_what_no_database_holds(
    neighbour: Plane, life: Modules, tmp_path: Path
) -> None:
    """An API server compares every five minutes, most of which have passed since something was taken away."""
    here: dict[str, t.Any] = {"name": neighbour.name, "namespace": neighbour.namespace}
    try:

        def sick() -> dict[str, t.Any]:
            record = neighbour.info()
            return {} if record["up"] else record

        record = waiting.until(sick, "a replica that has found out", 330, 5)
        assert record["reason"].startswith(
            "kmc-next-0 is not well: it remembers something else of configmaps than the database"
        )
        assert "Nothing was disturbed" in life.refused("failover_drill", **neighbour.drill())
        predicted = life.run("replica_repair", check=True, **here)
        repaired = life.ok("replica_repair", **here, wait_timeout=START_SECONDS)
        assert (predicted["changed"], repaired["changed"]) == (True, True)
        both = [each["control_planes"][0] for each in (predicted, repaired)]
        assert [(each["restarted"], each["up"]) for each in both] == [(["kmc-next-0"], False), (["kmc-next-0"], True)]
        assert "phantom" not in neighbour.remembered(tmp_path)
        assert not life.ok("replica_repair", **here)["changed"]
    finally:
        removed = neighbour.run(state="absent")
    assert not removed.get("failed"), removed["msg"]


def test_a_wait_that_fails_says_why(plane: Plane, life: Modules) -> None:
    secret = "wrong-password-of-the-tests"
    life.secrets.append(secret)
    create_secret("wrong", plane.namespace, {DATA_SOURCE_KEY: f"postgres://{OWNER}:{secret}@nowhere.invalid:5432/kine"})
    result = plane.run(
        name="sick", data_source_secret="wrong", replicas=1, api_port=32744, konnectivity_port=32733, wait_timeout=45
    )
    assert result["failed"]
    assert "Not up after 45 s" in result["msg"]
    assert "kmc-sick-0" in result["msg"]
    removed = plane.run(name="sick", state="absent")
    assert not removed.get("failed"), removed["msg"]
    assert removed["changed"]


def test_a_k0s_config_rolls_every_replica_once_when_it_comes_and_when_it_goes(plane: Plane) -> None:
    plane.roll(spec=K0S_CONFIG)
    names = plane.certificate_names()
    assert {"old.example", "life.example", f"kmc-{plane.name}-nodeport.{plane.namespace}.svc"} <= names
    plane.roll()
    assert plane.certificate_names() == names - {"old.example", "life.example"}


@pytest.mark.matrix
def test_a_drill_fails_where_the_primary_does_not_wait_for_its_standby(
    plane: Plane, life: Modules, database: Database
) -> None:
    """The other negative control. Afterwards kine has been thrown back in time, so only removals come after it."""
    database.run(synchronous="off", wait=False)
    waiting.until(lambda: not database.psql("SHOW synchronous_standby_names"), "asynchronous replication", 60)
    told = database.run(synchronous="off")
    assert not told.get("failed"), told["msg"]
    # A watcher would be waited for: of ids that are given out twice kine does not tell.
    fault = {"fault": "command", "fault_command": database.failure(), "fault_seconds": 40}
    found = life.run("failover_drill", **plane.drill(**fault, watchers=0, after=0, max_write_gap=90))
    back = database.run()
    assert found["failed"]
    assert "certificate" in found, found["msg"]
    lost = next(rule["count"] for rule in found["certificate"]["rules"] if rule["id"] == "lost")
    assert lost > 0
    assert f"no acknowledged write is lost: {lost} times not" in found["msg"]
    assert not back.get("failed"), back["msg"]


def test_removal_keeps_secret_and_database(plane: Plane, database: Database) -> None:
    predicted = plane.run(check=True, state="absent")
    assert predicted["changed"]
    assert plane.pods()
    removed = plane.run(state="absent")
    assert not removed.get("failed"), removed["msg"]
    assert removed["changed"]
    assert "life-ca" in warnings(removed)
    assert plane.pods() == {}
    assert get("secret", "source", plane.namespace)
    assert int(database.psql("SELECT count(*) FROM kine", "kine")) > 0
    assert not plane.run(state="absent")["changed"]


def test_removal_keeps_the_data(database: Database) -> None:
    rows = database.psql("SELECT count(*) FROM kine", "kine")
    database.switchover()
    predicted = database.run(check=True, state="absent")
    removed = database.run(state="absent")
    assert not removed.get("failed"), removed["msg"]
    assert predicted["changed"]
    assert removed["changed"]
    assert predicted["left"] == removed["left"]
    assert len([left for left in removed["left"] if left.startswith("PersistentVolumeClaim")]) == 2
    assert names("pods", database.namespace, database.selector) == []
    back = database.run()
    assert not back.get("failed"), back["msg"]
    assert back["replication"]["sync_standby"]
    assert database.psql("SELECT count(*) FROM kine", "kine") == rows


def test_removal_with_data_leaves_nothing(database: Database) -> None:
    predicted = database.run(check=True, state="absent", data="delete")
    removed = database.run(state="absent", data="delete")
    assert not removed.get("failed"), removed["msg"]
    assert [entry["after_header"] for entry in predicted["diff"]] == [e["after_header"] for e in removed["diff"]]
    assert removed["left"] == []
    for kind in ("pvc", "secret", "pods", "services", "endpoints", "configmaps"):
        assert names(kind, database.namespace, database.selector) == []
    assert not database.run(state="absent", data="delete")["changed"]
