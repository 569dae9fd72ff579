# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control plane and its database for tests of rotations: who answers for them, and a run that is killed."""

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
    scram,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.credential_rotation import Step
from ansible_collections.k0smotron.ha.plugins.module_utils.datasource_secret_run import LABELS
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, HaError, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import merged
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Object = dict[str, t.Any]
V1BETA1 = "k0smotron.io/v1beta1"
CLUSTER = Ref(V1BETA1, "Cluster", "one", "team")
SOURCE = Ref("v1", "Secret", "one-data-source", "team")
KEPT = Ref("v1", "Secret", "one-data-source-rotation", "team")
OWNER_SECRET = Ref("v1", "Secret", "kine.acid-db.credentials.postgresql.acid.zalan.do", "db")
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
        self.verifiers = {"kine": scram.scram("old")}
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
        if not self.trusts and (not verifier or scram.scram(password, salt) != verifier):
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
        self.objects: dict[Ref, Object] = {}
        self.put(CLUSTER, spec=spec)
        self.put(SOURCE, data={DATA_SOURCE_KEY: encoded(url)})
        self.objects[SOURCE]["metadata"]["labels"] = dict(LABELS)
        self.put(OWNER_SECRET, data={"username": encoded("kine"), "password": encoded("old")})
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


def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandInKube:
    """A cluster that a test may change, and hashes that are made fast."""
    monkeypatch.setattr(scram, "ITERATIONS", 1)
    monkeypatch.setattr(credential_rotation_run, "checksum", lambda *_what: "fast")
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
