# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database that a control plane has left, for tests: who answers for it, and what the module makes of it."""

from __future__ import annotations

import base64
import types
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import left_database_run
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    DatastoreOptions,
    datastore,
    mariadb_answers,
    options_for,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    HaError,
    WaitTimeout,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict
from tests.unit.module_utils import test_mariadb_judge as mdb
from tests.unit.module_utils.test_datastore_judge import pod

Object = dict[str, t.Any]
SECRET = {"data_source_secret": "one-data-source", "url": None, "datastore": None}
DATASTORE = {"provider": "zalando", "name": "db", "namespace": "data", "database": "kine"}


def database_cluster(*, leader: bool = True, declared: bool = True) -> list[Object]:
    databases = [DatabaseSpec("kine", "k0smotron")] if declared else []
    [live] = datastore("zalando", DatastoreOptions(name="db", namespace="data", databases=databases)).desired()
    return [live, {"apiVersion": "v1", "kind": "Pod", **pod("db-0", "master" if leader else "replica", "10.0.0.1")}]


def secret(host: str = "db.data", database: str = "kine", namespace: str = "team", name: str = "one") -> Object:
    url = base64.b64encode(f"postgres://k0smotron:pw@{host}/{database}".encode()).decode()
    metadata = {"name": f"{name}-data-source", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"K0SMOTRON_KINE_DATASOURCE_URL": url}}


def control_plane(name: str = "one", namespace: str = "team") -> Object:
    return {
        "apiVersion": "k0smotron.io/v1beta1",
        "kind": "Cluster",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"kineDataSourceSecretName": f"{name}-data-source"},
    }


class StandInKube:
    """Objects in a list, and a PostgreSQL that answers by the words of the question and keeps what it is told."""

    def __init__(self, *objects: Object, check_mode: bool = False, **answers: str) -> None:
        self.objects = objects
        self.check_mode = check_mode
        self.answers = {
            "pg_has_role": "1",
            "datdba": "k0smotron",
            "relname = 'kine'": "1",
            "pg_stat_activity": "",
            "left(datname": "",
            **answers,
        }
        self.told: list[str] = []
        self.asked: list[str] = []

    def serves(self, api_version: str, kind: str) -> bool:
        return api_version == "k0smotron.io/v1beta1"

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        return next((item for item in self.objects if Ref.of(item) == Ref(api_version, kind, name, namespace)), None)

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, selector: str | None = None
    ) -> list[Object]:
        """A database's pods have labels of their own, and no namespace here."""
        of_database = any(word in (selector or "") for word in ("spilo", "name=mariadb", "cnpg.io/cluster"))
        return [
            item
            for item in self.objects
            if item["kind"] == kind
            and (kind != "Pod" or of_database == ("namespace" not in item["metadata"]))
            and (kind != "Database" or not selector or "labels" in item["metadata"])
        ]

    def exec(self, namespace: str, where: str, command: t.Sequence[str], container: str) -> str:
        assert (namespace, container) == ("data", "postgres")
        self.asked.append(where)
        statements = [part.removeprefix("--command=") for part in command if part.startswith("--command=")]
        known = [answer for words, answer in self.answers.items() if words in statements[0]]
        if known:
            return known[0]
        self.told += statements
        return ""

    def meanwhile(self) -> None:
        """What happens before it is waited for."""

    def wait(self, probe: t.Callable[[], Verdict], timeout: float, diagnose: t.Callable[[], str]) -> Verdict:
        self.meanwhile()
        verdict = probe()
        if not verdict.up:
            raise WaitTimeout(verdict.reason, diagnose())
        return verdict


class StandInMariaDB(StandInKube):
    """One server, that is demoted before the statements when it is told so."""

    read_only = 0

    def __init__(self, *objects: Object, demoted: bool) -> None:
        super().__init__(*objects)
        like = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        self.answers = {"schemata": like, "information_schema.tables": "1", "processlist": "", "mysql.db": "1"}
        self.demote = int(demoted)

    def meanwhile(self) -> None:
        self.read_only = self.demote

    def exec(self, namespace: str, where: str, command: t.Sequence[str], container: str) -> str:
        assert (namespace, where, container) == ("data", "mdb-0", "mariadb")
        if command == mariadb_answers.COMMAND:
            return mdb.vertical({**mdb.PRIMARY, "read_only": self.read_only})
        known = [answer for words, answer in self.answers.items() if words in command[-1]]
        if known:
            return known[0]
        self.told.append(command[-1])
        return ""


def mariadb() -> list[Object]:
    options = options_for("mariadb", name="mdb", namespace="data", instances=1)
    [live] = datastore("mariadb", options).desired()
    live["status"] = mdb.healthy()["cluster"][0]["status"]
    running = mdb.pod(0)
    del running["metadata"]["namespace"]
    service = {"metadata": {"name": "mdb", "namespace": "data"}, **mdb.healthy()["leader_endpoints"][0]}
    return [
        live,
        {"apiVersion": "v1", "kind": "Pod", **running},
        {"apiVersion": "v1", "kind": "Endpoints", **service},
    ]


def run(kube: StandInKube, state: str = "archived", **source: t.Any) -> tuple[Object, list[str]]:
    """The module's result and its warnings."""
    said: list[str] = []
    params = {"name": "one", "namespace": "team", "state": state, "wait_timeout": 1, **SECRET, **source}
    module: t.Any = types.SimpleNamespace(params=params, warn=said.append)
    return left_database_run.ensure(module, t.cast(t.Any, kube)), said


def refused(kube: StandInKube, error: type[HaError], says: str, **given: t.Any) -> None:
    with pytest.raises(error, match=says):
        run(kube, **given)
    assert kube.told == []
