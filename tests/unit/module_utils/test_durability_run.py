# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What durability_check makes of a database of an operator that may be looked at in part, or that is yet to come."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import durability_run
from ansible_collections.k0smotron.ha.plugins.module_utils.database_ca import KINE_FLAG
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    PROVIDERS,
    DatabaseSpec,
    datastore,
    options_for,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.durability_postgres import KEY
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY, Dsn
from ansible_collections.k0smotron.ha.plugins.module_utils.durability_report import Report
from ansible_collections.k0smotron.ha.plugins.module_utils.durability_run import look
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import AccessDenied, NotFound, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from tests.unit.module_utils import test_durability as healthy

Object = dict[str, t.Any]
GIVEN: Object = {
    "provider": "zalando",
    "name": "db",
    "namespace": None,
    "database": "kine",
    "owner": None,
    "params": {},
}


class StandInKube:
    """A database cluster of Zalando's operator or CloudNativePG, all well, for somebody who may not see some kinds."""

    def __init__(self, provider: str = "", *forbidden: str, check_mode: bool = False) -> None:
        self.forbidden = forbidden
        self.check_mode = check_mode
        self.answer: str = ""
        self.objects: list[Object] = []
        if provider:
            self._fill(provider)

    def _fill(self, provider: str) -> None:
        databases = (DatabaseSpec("kine", "k0smotron"),)
        self.objects = datastore(
            provider, options_for(provider, name="db", namespace="ns", databases=databases)
        ).desired()
        observed = {"zalando": healthy.zalando, "cloudnativepg": healthy.cloudnativepg}[provider]()
        self.objects[0]["status"] = observed["cluster"][0].get("status", {})
        for kind, key in (("Pod", "pods"), ("Endpoints", "sync_endpoints")):
            for each in observed.get(key, []):
                metadata = {**each["metadata"], "namespace": "ns"}
                self.objects.append({**each, "apiVersion": "v1", "kind": kind, "metadata": metadata})
        self.answer = observed[KEY][0]["output"]

    def _may(self, kind: str) -> None:
        if kind in self.forbidden:
            raise AccessDenied(f"Not allowed to see {kind}", "Grant it")

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        self._may(kind)
        wanted = Ref(api_version, kind, name, namespace)
        return next((item for item in self.objects if Ref.of(item) == wanted), None)

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> list[Object]:
        self._may(kind)
        return [item for item in self.objects if (item["apiVersion"], item["kind"]) == (api_version, kind)]

    def exec(self, namespace: str, pod: str, command: t.Sequence[str], container: str | None = None) -> str:
        self._may("exec")
        return self.answer


def looked(kube: StandInKube, provider: str = "zalando", **dsn_params: t.Any) -> Report:
    given: Object = {**GIVEN, "provider": provider, "params": dsn_params}
    return look(t.cast(Kube, kube), {"datastore": given, "namespace": "ns"})


def severities(report: Report) -> dict[str, str]:
    return {risk.id: risk.severity for risk in report.risks}


@pytest.mark.parametrize(
    ("provider", "forbidden", "expected"),
    [
        ("zalando", (), {}),
        ("zalando", ("Secret", "Node"), {}),
        ("zalando", ("exec",), {"not_seen": "unknown"}),
        ("cloudnativepg", ("Secret", "Node"), {}),
    ],
)
def test_what_it_can_do_without(provider: str, forbidden: tuple[str, ...], expected: dict[str, str]) -> None:
    report = looked(StandInKube(provider, *forbidden), provider)
    assert severities(report) == healthy.GOES_ON_ALONE | expected


@pytest.mark.parametrize(
    ("provider", "forbidden"),
    [
        ("zalando", "Pod"),
        ("zalando", "Endpoints"),
        ("zalando", "ConfigMap"),
        ("cloudnativepg", "Pod"),
        ("cloudnativepg", "Database"),
    ],
)
def test_what_may_not_be_looked_at_is_unknown(provider: str, forbidden: str) -> None:
    report = looked(StandInKube(provider, forbidden), provider)
    [risk] = report.risks
    assert (risk.id, risk.observed, risk.remedy) == ("not_seen", f"Not allowed to see {forbidden}", "Grant it")
    assert (report.name, report.provider) == (f"{provider} datastore ns/db", provider)
    assert not report.failed("refuse")


def test_a_database_cluster_that_may_not_be_looked_at_is_an_error() -> None:
    """It was named, and with credentials that are refused altogether it ends like this, too."""
    with pytest.raises(AccessDenied):
        looked(StandInKube("zalando", "postgresql"))


@pytest.mark.parametrize(
    ("dsn_params", "value"),
    [
        ({"synchronous_commit": "off"}, "off"),
        ({"synchronous_commit": False}, "False"),  # what YAML makes of off
        ({"synchronous_commit": "LOCAL"}, "LOCAL"),
        ({"synchronous_commit": "on"}, ""),
        ({"options": "-c synchronous_commit=off"}, "off"),
        ({"options": "-csynchronous_commit=0"}, "0"),
        ({"options": "-c work_mem=4MB --synchronous-commit=local"}, "local"),
        ({"options": "-c synchronous_commit=off -c synchronous_commit=on"}, ""),
        ({"options": "-c synchronous_commit=on -c synchronous_commit=off"}, "off"),
        ({"options": "-c synchronous_commit=off", "synchronous_commit": "on"}, ""),
        ({"options": "-c x.synchronous_commit=off"}, ""),
    ],
)
def test_commits_that_the_data_source_does_not_let_wait(dsn_params: dict[str, t.Any], value: str) -> None:
    found = {risk.id: risk.observed for risk in looked(StandInKube("zalando"), **dsn_params).risks}
    expected = f"synchronous_commit is {value} in the data source" if value else None
    assert found.get("commits_do_not_wait") == expected


@pytest.mark.parametrize(
    ("role", "database", "asked"),
    [
        ("k0smotron", "", {}),  # the owner that is declared
        ("k0smotron", "", {"owner": "k0smotron"}),
        ("guest", "", {"owner": "guest"}),
        ("", "by-hand", {"database": "by-hand"}),  # one that nobody has declared
        ("guest", "by-hand", {"database": "by-hand", "owner": "guest"}),
    ],
)
def test_commits_that_are_set_not_to_wait_for_who_logs_in(role: str, database: str, asked: dict[str, str]) -> None:
    kube = StandInKube("zalando")
    said = json.loads(kube.answer)
    said["set"] = [{"role": role, "database": database, "value": "off"}]
    kube.answer = json.dumps(said)
    found = severities(look(t.cast(Kube, kube), {"datastore": {**GIVEN, **asked}, "namespace": "ns"}))
    assert found.get("commits_do_not_wait") == "refuse"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_in_check_mode_a_database_cluster_may_be_yet_to_be_made(provider: str) -> None:
    report = looked(StandInKube(check_mode=True), provider)
    assert report.text() == f"The {provider} datastore ns/db does not exist yet, so there is nothing to look at."
    assert not report.failed("warn")
    with pytest.raises(NotFound, match=f"There is no {provider} datastore ns/db"):
        looked(StandInKube(), provider)


def test_in_check_mode_a_secret_may_be_yet_to_be_made() -> None:
    given = {"datastore": None, "secret": {"name": "kine", "namespace": "ns"}}
    report = look(t.cast(Kube, StandInKube(check_mode=True)), given)
    assert report.text() == "The Secret ns/kine does not exist yet, so there is nothing to look at."
    assert not report.failed("warn")
    with pytest.raises(NotFound, match="There is no Secret kine"):
        look(t.cast(Kube, StandInKube()), given)


def test_a_server_elsewhere_is_asked_with_the_ca_file_that_kine_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {DATA_SOURCE_KEY: "postgres://kine:x@192.0.2.1:5432/kine", KINE_FLAG: "/ca.crt"}
    kube, asked = StandInKube(), []
    kube.objects = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "kine", "namespace": "ns"},
            "data": {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()},
        }
    ]

    def opened(dsn: Dsn, *_rest: t.Any) -> t.NoReturn:
        asked.append(dsn.params)
        raise Unreachable("nobody is there")

    monkeypatch.setattr(durability_run, "opened", opened)
    given = {"datastore": None, "secret": {"name": "kine", "namespace": "ns"}, "timeout": 1}
    assert severities(look(t.cast(Kube, kube), given))
    assert asked == [{"sslmode": "verify-full", "sslrootcert": "/ca.crt"}]
