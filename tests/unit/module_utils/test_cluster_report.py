# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs a control plane's database, by what was found out about its data source."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import control_plane_run
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_report import data_source, dsn_of, health, provider
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import cluster_api
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    AccessDenied,
    HaError,
    InvalidInput,
    NotFound,
    Unreachable,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube
from tests.unit.module_utils.left_databases import StandInKube, control_plane
from tests.unit.module_utils.test_control_plane_created import PARAMS, PredictingKube
from tests.unit.module_utils.test_fast_start import VERSION, declare, inner


@pytest.mark.parametrize(
    ("host", "behind", "expected"),
    [
        ("main.db.svc", {"provider": "zalando"}, "zalando"),
        ("main-rw.db", {"provider": "cloudnativepg"}, "cloudnativepg"),
        ("main.db.svc", {"provider": None, "reason": "no answer"}, "unknown"),
        ("main.db.svc.cluster.local", None, "unknown"),
        ("main.db", None, "unknown"),
        ("main", None, "unknown"),
        ("db.example.com", None, "managed"),
        ("one.example.com:5432,two.example.com:5432", None, "managed"),
        ("192.0.2.7", None, "managed"),
    ],
)
def test_who_runs_the_database(host: str, behind: dict[str, t.Any] | None, expected: str) -> None:
    assert provider(parse(f"postgres://u:p@{host}/kine"), behind) == expected


def test_mysql_too() -> None:
    assert provider(parse("mysql://u:p@tcp(db.example.com:3306)/kine"), None) == "managed"
    assert provider(parse("mysql://u:p@tcp(main-primary.db:3306)/kine"), {"provider": "mariadb"}) == "mariadb"


def test_without_a_database_nobody_does() -> None:
    assert provider(None, None) is None


class UnreadableKube(StandInKube):
    def __init__(self, error: HaError | None) -> None:
        super().__init__()
        self.error = error

    def get(self, *ref: str | None) -> t.Any:
        if self.error:
            raise self.error


@pytest.mark.parametrize("error", [AccessDenied("not for you"), Unreachable("no answer"), None], ids=repr)
def test_a_data_source_that_cannot_be_read_is_reported_to_who_reports_and_raised_to_who_refuses(
    error: HaError | None,
) -> None:
    kube = t.cast(Kube, UnreadableKube(error))
    found, dsn = data_source(kube, control_plane())
    assert dsn is None
    assert (error.message if error else "no Secret") in found["problem"]
    with pytest.raises(type(error) if error else NotFound):
        dsn_of(kube, control_plane())


def test_a_cluster_that_somebody_else_keeps_is_looked_at_and_not_changed() -> None:
    owner = {"kind": "Fleet", "name": "f", "controller": True}
    metadata = {"name": "team-a", "namespace": "ns", "ownerReferences": [owner]}
    above = {"apiVersion": cluster_api.CLUSTER, "kind": "Cluster", "metadata": metadata}
    made, _warned = declare(control_plane_run)
    kube: t.Any = PredictingKube(VERSION, above, made, inner(made))
    assert "Cluster API has not made" in health(kube, inner(made))["reason"], "what is really missing here"
    options = control_plane_run.options_from(PARAMS)
    for act in (control_plane_run.present, control_plane_run.remove):
        with pytest.raises(InvalidInput, match="belongs to Fleet f"):
            act(kube, options, PARAMS, lambda _warning: None)
