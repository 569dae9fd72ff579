# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module datastore: what it predicts, declares and refuses. Nothing here waits for pods."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from tests.integration.modules.runner import Modules, get, kubectl, names

POSTGRESQL = "postgresqls.acid.zalan.do"
NAME = "acid-modules"
KINE = {"name": "kine", "owner": "k0smotron"}


@dataclasses.dataclass
class Database:
    """The module with the parameters that every test shares."""

    modules: Modules
    namespace: str

    def params(self, **more: t.Any) -> dict[str, t.Any]:
        return {"name": NAME, "namespace": self.namespace, "databases": [KINE], "wait": False, **more}

    def ok(self, *, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
        return self.modules.ok("datastore", check=check, **self.params(**more))

    def refused(self, **more: t.Any) -> str:
        return self.modules.refused("datastore", **self.params(**more))

    def live(self) -> dict[str, t.Any] | None:
        return get(POSTGRESQL, NAME, self.namespace)


@pytest.fixture
def database(modules: Modules, namespace: str) -> t.Iterator[Database]:
    """A database cluster that does not exist yet."""
    yield Database(modules, namespace)
    kubectl("delete", POSTGRESQL, "--all", "-n", namespace, "--wait=false")


def test_check_mode_predicts_what_then_happens(database: Database) -> None:
    predicted = database.ok(check=True)
    assert predicted["changed"]
    assert database.live() is None
    real = database.ok()
    assert predicted["diff"] == real["diff"]
    assert real["endpoint"] == {"host": f"{NAME}.{database.namespace}", "port": 5432}
    secret = f"k0smotron.{NAME}.credentials.postgresql.acid.zalan.do"
    assert real["databases"] == [{**KINE, "secret": secret}]


def test_the_second_run_changes_nothing(database: Database) -> None:
    database.ok()
    before = database.live()
    assert not database.ok(check=True)["changed"]
    assert not database.ok()["changed"]
    after = database.live()
    assert before
    assert after
    assert after["spec"] == before["spec"]


def test_defaults_are_highly_available_and_safe(database: Database) -> None:
    database.ok()
    live = database.live()
    assert live
    spec = live["spec"]
    assert spec["numberOfInstances"] == 2
    assert spec["patroni"]["synchronous_mode"] is True
    assert spec["patroni"]["initdb"]["data-checksums"] == "true"
    assert spec["users"] == {"k0smotron": []}
    assert "env" not in spec


def test_a_change_is_predicted_and_made(database: Database) -> None:
    database.ok()
    more: dict[str, t.Any] = {
        "instances": 3,
        "volume_size": "20Gi",
        "databases": [KINE, {"name": "other", "owner": "other"}],
    }
    predicted, real = database.ok(check=True, **more), database.ok(**more)
    assert real["changed"]
    assert predicted["diff"] == real["diff"]
    live = database.live()
    assert live
    assert (live["spec"]["numberOfInstances"], live["spec"]["volume"]["size"]) == (3, "20Gi")
    assert live["spec"]["databases"] == {"kine": "k0smotron", "other": "other"}


def test_what_others_set_stays(database: Database) -> None:
    database.ok()
    patch = '{"spec": {"numberOfInstances": 1, "podPriorityClassName": "theirs"}}'
    kubectl("patch", POSTGRESQL, NAME, "-n", database.namespace, "--type=merge", "-p", patch)
    assert database.ok()["changed"]
    live = database.live()
    assert live
    assert (live["spec"]["numberOfInstances"], live["spec"]["podPriorityClassName"]) == (2, "theirs")


def test_a_missing_namespace_is_predicted_or_refused(modules: Modules, kinds: None) -> None:
    database = Database(modules, "modules-not-there")
    assert database.ok(check=True)["changed"]
    assert "modules-not-there" in database.refused()


BAD_INPUT = [
    ({"provider": "oracle"}, "oracle.*zalando"),
    ({"name": "Acid_X"}, "Acid_X.*RFC 1123"),
    ({"name": "9lives"}, "begins with a digit"),
    ({"databases": [{"name": "Kine", "owner": "k0smotron"}]}, "Kine.*lower-case"),
    ({"databases": [{"name": "kine", "owner": "K0smotron"}]}, "K0smotron.*lower-case"),
    ({"databases": [{"name": "postgres", "owner": "k0smotron"}]}, "belongs to PostgreSQL"),
    ({"databases": [{"name": "kine", "owner": "postgres"}]}, "reserved"),
    ({"databases": [KINE, KINE]}, "listed twice"),
    ({"databases": [{"name": "a", "owner": "x_y"}, {"name": "b", "owner": "x-y"}]}, "share one credential Secret"),
    ({"instances": 0}, "instances is 0"),
    ({"instances": 2, "synchronous": "strict"}, "at least 3 instances"),
    ({"version": "9"}, "PostgreSQL 9"),
    ({"volume_size": "much"}, "much.*quantity"),
    ({"owner_flags": ["omnipotent"]}, "omnipotent.*unknown"),
]


@pytest.mark.parametrize(("params", "sentence"), BAD_INPUT)
def test_bad_input_creates_nothing(
    modules: Modules, shared_namespace: str, params: dict[str, t.Any], sentence: str
) -> None:
    database = Database(modules, shared_namespace)
    assert re.search(sentence, message := database.refused(**params)), message
    assert names(POSTGRESQL, database.namespace) == []


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"volume_size": "1Gi"}, "cannot shrink from 10Gi to 1Gi"),
        ({"version": "14"}, "cannot go back from major version 15 to 14"),
        ({"spec": {"teamId": "others"}}, "teamId of a live cluster"),
    ],
)
def test_what_a_live_database_does_not_survive(database: Database, params: dict[str, t.Any], sentence: str) -> None:
    database.ok()
    before = database.live()
    assert re.search(sentence, message := database.refused(**params)), message
    after = database.live()
    assert before
    assert after
    assert after["spec"] == before["spec"]


def test_a_forbidden_user_is_told_what_is_missing(database: Database) -> None:
    sentence = database.refused(impersonate_user="nobody")
    assert "Not allowed to get postgresqls" in sentence
    assert 'user "nobody"' in sentence


def test_removing_what_is_not_there_changes_nothing(database: Database) -> None:
    assert not database.ok(state="absent", wait=True, wait_timeout=30)["changed"]
