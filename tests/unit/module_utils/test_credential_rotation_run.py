# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order a rotation asks the cluster and the database for what, and what it refuses."""

from __future__ import annotations

import base64
import copy
import re
import types
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import (
    cluster_observation,
    credential_rotation_run,
    datastore_observation,
    datastore_proof,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.credential_rotation import Step
from ansible_collections.k0smotron.ha.plugins.module_utils.datasource_secret_run import LABELS
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Conflict,
    Forbidden,
    HaError,
    InvalidInput,
    WaitTimeout,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import merged
from ansible_collections.k0smotron.ha.plugins.module_utils.scram import scram
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Object = dict[str, t.Any]
V1BETA1 = "k0smotron.io/v1beta1"
CLUSTER = Ref(V1BETA1, "Cluster", "one", "team")
SOURCE = Ref("v1", "Secret", "one-data-source", "team")
KEPT = Ref("v1", "Secret", "one-data-source-rotation", "team")
DATABASE = Ref("acid.zalan.do/v1", "postgresql", "acid-db", "db")
LOGIN_SQL = re.compile(r"""ALTER ROLE "(\w+)" (?:LOGIN )?PASSWORD '([^']+)'""")
WORDS: t.Mapping[str, str] = {
    r"CREATE ROLE \"(\w+)\"": "make",
    r"^ALTER ROLE \"(\w+)\" PASSWORD": "change",
    r"ALTER ROLE \"(\w+)\" NOLOGIN": "lock",
    r"pg_terminate_backend.*usename = '(\w+)'": "end sessions of",
    r"^DROP ROLE IF EXISTS \"(\w+)\"": "drop",
}


class Server:
    """What PostgreSQL knows of logins, from the statements that it gets."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.verifiers = {"kine": scram("old")}
        self.unlike: list[str] = []
        self.trusts = False

    def execute(self, sql: str) -> str:
        if "count(*) FROM pg_roles" in sql:
            return str(sum(f"'{login}'" in sql for login in self.verifiers))
        if "pg_db_role_setting" in sql:
            return "\n".join(self.unlike)
        self.log += [f"{word} {found[1]}" for pattern, word in WORDS.items() if (found := re.search(pattern, sql))]
        for login, verifier in LOGIN_SQL.findall(sql):
            self.verifiers[login] = verifier
        if sql.startswith("DROP"):
            self.verifiers.pop(sql.split('"')[1], None)
        return ""

    def let_in(self, login: str, password: str) -> None:
        verifier = self.verifiers.get(login, "")
        salt = base64.b64decode(re.split(r"[:$]", verifier)[2]) if verifier else b""
        if not self.trusts and (not verifier or scram(password, salt) != verifier):
            self.log.append(f"refuse {login}")
            raise Forbidden(f"password of {login}")
        self.log.append(f"prove {login}")


class StandInKube:
    """A control plane on a database of Zalando's operator, all of it up. A test says what happens as waits begin and end."""

    check_mode = False

    def __init__(self) -> None:
        self.log: list[str] = []
        self.server = Server(self.log)
        self.timeouts: set[float] = set()
        self.on_wait: t.Callable[[], None] = lambda: None
        self.on_observe: t.Callable[[], None] = lambda: None
        url = "postgres://kine:old@acid-db.db:5432/kine?sslmode=require"
        spec = {"replicas": 2, "kineDataSourceSecretName": SOURCE.name}
        owner = "kine.acid-db.credentials.postgresql.acid.zalan.do"
        self.objects: dict[Ref, Object] = {}
        self.put(CLUSTER, spec=spec)
        self.put(SOURCE, data={DATA_SOURCE_KEY: encoded(url)})
        self.objects[SOURCE]["metadata"]["labels"] = dict(LABELS)
        self.put(Ref("v1", "Secret", owner, "db"), data={"username": encoded("kine"), "password": encoded("old")})
        self.put(
            DATABASE, spec={"databases": {"kine": "kine"}, "numberOfInstances": 2, "postgresql": {"version": "17"}}
        )

    def put(self, ref: Ref, **parts: t.Any) -> None:
        metadata = {"name": ref.name, "namespace": ref.namespace, "creationTimestamp": "2026-01-01T00:00:00Z"}
        self.objects[ref] = {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata, **parts}

    def serves(self, api_version: str, kind: str) -> bool:
        return api_version == V1BETA1

    def get(self, *ref: str) -> Object | None:
        return copy.deepcopy(self.objects.get(Ref(*ref)))

    def merge(self, ref: Ref, part: Object) -> None:
        self.objects[ref] = merged(self.objects[ref], part)

    def apply(self, objects: list[Object]) -> None:
        self.objects |= {Ref.of(each): each for each in objects}

    def delete(self, refs: list[Ref]) -> None:
        for ref in refs:
            del self.objects[ref]

    def wait(self, probe: t.Callable[[], Verdict], timeout: float, _diagnose: t.Callable[[], str] = str) -> Verdict:
        self.timeouts.add(timeout)
        self.on_wait()
        verdict = probe()
        if not verdict.up:
            raise WaitTimeout(verdict.reason)
        return verdict

    def exec(self, _namespace: str, _pod: str, command: t.Sequence[str], _container: str) -> str:
        return self.server.execute(command[-1].removeprefix("--command="))

    def source(self) -> str:
        return base64.b64decode(self.objects[SOURCE]["data"][DATA_SOURCE_KEY]).decode()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def no_write(*_what: object) -> None:
    """Nobody gets as far as the driver."""


@pytest.fixture
def kube(monkeypatch: pytest.MonkeyPatch) -> StandInKube:
    made = StandInKube()

    def observe(*_what: object) -> cluster_observation.Observation:
        made.log.append("settle")
        made.on_observe()
        return cluster_observation.Observation(None, Verdict(True, "up"), None)

    def write_as(_kube: object, _store: object, login: tuple[str, str], *_where: object) -> None:
        made.server.let_in(*login)

    monkeypatch.setattr(credential_rotation_run, "observe", observe)
    monkeypatch.setattr(datastore_observation, "judge", lambda *_: Verdict(True, "", {"leader": {"pod": "p"}}))
    monkeypatch.setattr(datastore_proof, "write_as", write_as)
    monkeypatch.setattr(
        datastore_proof, "DRIVERS", {"postgres": datastore_proof.Driver("psycopg (version 3)", None, no_write)}
    )
    return made


def rotate(kube: StandInKube, days: float = 0) -> Object:
    params = {"name": "one", "namespace": "team", "older_than_days": days, "wait_timeout": 10}
    module = types.SimpleNamespace(params=params, warn=lambda _: None)
    return credential_rotation_run.rotate(t.cast("t.Any", module), t.cast("t.Any", kube))


def cut_before(kube: StandInKube, monkeypatch: pytest.MonkeyPatch, step: Step) -> None:
    """A run that was killed before a step."""

    def killed(_place: object) -> None:
        raise HaError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(credential_rotation_run, "TAKE", {**credential_rotation_run.TAKE, step: killed})
        with pytest.raises(HaError, match="killed"):
            rotate(kube)
    kube.log.clear()


def test_a_whole_rotation_leaves_the_owner_with_another_password(kube: StandInKube) -> None:
    assert rotate(kube)["steps"] == ["begin", "bridge", "change", "revoke"]
    assert kube.server.verifiers.keys() == {"kine"}
    assert ":old@" not in kube.source()
    assert KEPT not in kube.objects
    assert kube.log.count("end sessions of kine") == 1


def test_nobody_comes_in_between_the_end_of_sessions_and_the_end_of_the_login(
    kube: StandInKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_before(kube, monkeypatch, Step.REVOKE)
    rotate(kube)
    assert kube.log == [
        "change kine",
        "settle",
        "prove kine",
        "lock kine_rotation",
        "end sessions of kine_rotation",
        "drop kine_rotation",
        "refuse kine",
        "refuse kine_rotation",
    ]


def test_sessions_of_the_old_password_end_even_if_another_one_gave_replicas_the_new_one(
    kube: StandInKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_before(kube, monkeypatch, Step.CHANGE)
    following = kube.objects[KEPT]["data"]["following"]
    kube.merge(SOURCE, {"data": {DATA_SOURCE_KEY: following}})  # as site does after a run that was killed in the step
    assert rotate(kube)["steps"] == ["revoke"]
    assert kube.log[:3] == ["change kine", "end sessions of kine", "settle"]


def test_a_second_login_that_was_lost_is_made_again_before_replicas_need_it(
    kube: StandInKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_before(kube, monkeypatch, Step.CHANGE)
    del kube.server.verifiers["kine_rotation"]
    assert rotate(kube)["steps"] == ["change", "revoke"]
    assert kube.log[:3] == ["make kine_rotation", "prove kine_rotation", "settle"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_owner_with_more_than_a_rotation_reaches_is_refused_before_anything_is_made(
    kube: StandInKube, check_mode: bool
) -> None:
    kube.check_mode = check_mode
    kube.server.unlike = ["the setting search_path", "the database theirs"]
    with pytest.raises(
        InvalidInput,
        match=r"break or leave out something of kine, which has: the setting search_path, the database theirs\.",
    ):
        rotate(kube)
    assert (KEPT in kube.objects, kube.log) == (False, [])
    assert kube.timeouts == {0 if check_mode else 10}


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_server_that_trusts_loopback_is_refused_before_anything_is_made(kube: StandInKube, check_mode: bool) -> None:
    """Else each proof would succeed but the last one, that the old password is refused, which would fail for ever."""
    kube.check_mode = check_mode
    kube.server.trusts = True
    with pytest.raises(InvalidInput, match=r"lets kine in with any password.*scram-sha-256 instead of trust for 127"):
        rotate(kube)
    assert (KEPT in kube.objects, kube.log) == (False, ["prove kine"])


def test_a_server_that_trusts_loopback_only_later_fails_the_last_proof(
    kube: StandInKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_before(kube, monkeypatch, Step.REVOKE)
    kube.server.trusts = True
    with pytest.raises(Conflict, match=r"still lets kine in with a password that was revoked.*loopback"):
        rotate(kube)
    kube.server.trusts = False
    assert rotate(kube)["steps"] == ["revoke"]


def test_check_mode_asks_the_server_and_changes_nothing(kube: StandInKube) -> None:
    before = copy.deepcopy(kube.objects)
    kube.check_mode = True
    assert rotate(kube)["steps"] == ["begin", "bridge", "change", "revoke"]
    assert (kube.objects, kube.log) == (before, ["refuse kine"])


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_login_of_somebody_else_is_left_alone(kube: StandInKube, check_mode: bool) -> None:
    kube.check_mode = check_mode
    kube.server.verifiers["kine_rotation"] = scram("theirs")
    with pytest.raises(Conflict, match="There is a login kine_rotation that no rotation made"):
        rotate(kube)
    assert (KEPT in kube.objects, kube.log) == (False, [])


@pytest.mark.parametrize(("moment", "looked"), [("on_wait", 1), ("on_observe", 2)])
def test_a_data_source_that_somebody_moves_under_the_replicas_ends_the_run(
    kube: StandInKube, moment: str, looked: int
) -> None:
    """The annotation is still the one that is wanted, and the replicas that restart read what the Secret says."""
    before = kube.objects[SOURCE]["data"]

    def site() -> None:
        if "kine_rotation" in kube.source():
            kube.merge(SOURCE, {"data": before})

    setattr(kube, moment, site)
    with pytest.raises(Conflict, match="Somebody else has changed Secret team/one-data-source meanwhile"):
        rotate(kube)
    assert kube.log.count("settle") == looked
    assert "change kine" not in kube.log
    setattr(kube, moment, lambda: None)
    assert rotate(kube)["steps"] == ["bridge", "change", "revoke"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("days", [0, 10**5])
def test_an_owner_whose_second_login_could_have_no_name_is_refused_first(
    kube: StandInKube, check_mode: bool, days: int
) -> None:
    kube.check_mode = check_mode
    owner = "k" * 55
    url = kube.source().replace("kine:", f"{owner}:")
    kube.merge(SOURCE, {"data": {DATA_SOURCE_KEY: encoded(url)}})
    kube.merge(DATABASE, {"spec": {"databases": {"kine": owner}}})
    with pytest.raises(InvalidInput, match="an owner with a shorter name"):
        rotate(kube, days)
    assert kube.log == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_without_a_driver_nothing_begins(kube: StandInKube, monkeypatch: pytest.MonkeyPatch, check_mode: bool) -> None:
    kube.check_mode = check_mode
    missing = datastore_proof.Driver("psycopg (version 3)", "no psycopg", no_write)
    monkeypatch.setattr(datastore_proof, "DRIVERS", {"postgres": missing})
    with pytest.raises(HaError, match=r"psycopg.*Install it there\."):
        rotate(kube)
    assert (KEPT in kube.objects, kube.log) == (False, [])


@pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
def test_a_data_source_that_somebody_else_writes_is_left_alone(kube: StandInKube, check_mode: bool) -> None:
    kube.check_mode = check_mode
    kube.objects[SOURCE]["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "external-secrets"}
    before = copy.deepcopy(kube.objects)
    with pytest.raises(InvalidInput, match="somebody else's, who may write the old password back"):
        rotate(kube)
    assert kube.objects == before


def test_a_control_plane_that_its_class_would_take_back_is_left_alone(kube: StandInKube) -> None:
    kube.objects[CLUSTER]["metadata"]["ownerReferences"] = [{"kind": "K0smotronControlPlane", "name": "one-x7k2p"}]
    above = Ref("cluster.x-k8s.io/v1beta2", "Cluster", "one", "team")
    kube.put(above, spec={"topology": {"classRef": {"name": "highly-available"}}})
    before = copy.deepcopy(kube.objects)
    with pytest.raises(InvalidInput, match="built from the ClusterClass highly-available"):
        rotate(kube)
    assert (kube.objects, kube.log) == (before, [])
