# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control plane that has run stays on its database."""

from __future__ import annotations

import base64
import re
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import database_move
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    AccessDenied,
    Conflict,
    HaError,
    Unreachable,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref

Object: t.TypeAlias = dict[str, t.Any]

SECRET = Ref("v1", "Secret", "cp-data-source", "team-a")
HERE = "postgres://k:hunter2@acid-db.databases:5432/kine?sslmode=require"
API = "k0smotron.io/v1beta1"


def secret(name: str, **data: str) -> Object:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "team-a"}, "data": encoded}


def cluster(name: str = "cp", **spec: t.Any) -> Object:
    spec = spec or {"kineDataSourceSecretName": SECRET.name}
    return {"apiVersion": API, "kind": "Cluster", "metadata": {"name": name, "namespace": "team-a"}, "spec": spec}


SOURCE = secret(SECRET.name, **{DATA_SOURCE_KEY: HERE})
HAS_RUN = secret("cp-kubeconfig", value="x")


class StandInKube:
    """Objects in a list instead of a cluster."""

    def __init__(self, *objects: Object, forbidden: str = "", broken: HaError | None = None) -> None:
        self.objects, self.forbidden, self.broken = objects, forbidden, broken

    def serves(self, api_version: str, _kind: str) -> bool:
        return api_version == API

    def get(self, *ref: str) -> Object | None:
        if self.broken and Ref(*ref) == SECRET:
            raise self.broken
        return next((item for item in self.objects if Ref.of(item) == Ref(*ref)), None)

    def list(self, api_version: str, kind: str, namespace: str | None) -> list[Object]:
        if kind == self.forbidden:
            raise AccessDenied("not for you")
        kinds = [item for item in self.objects if (item["apiVersion"], item["kind"]) == (api_version, kind)]
        return [item for item in kinds if namespace in (None, item["metadata"]["namespace"])]


def write(url: str, *objects: Object, **more: t.Any) -> None:
    database_move.refuse_by_secret(t.cast(Kube, StandInKube(SOURCE, *objects, **more)), SECRET, url)


ELSEWHERE = [
    HERE.replace("acid-db.", "acid-other."),
    HERE.replace("/kine", "/other"),
    HERE.replace(":5432", ":5433"),
    "mysql://k:hunter2@tcp(acid-db.databases:5432)/kine",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_secret_that_would_move_a_control_plane_is_not_written(url: str) -> None:
    with pytest.raises(
        Conflict, match=r"control plane team-a/cp .* at acid-db.databases:5432.*allow_other_database"
    ) as error:
        write(url, cluster(), HAS_RUN)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        HERE.replace("hunter2", "hunter3"),
        HERE.replace("k:", "other:"),
        HERE + "&connect_timeout=3",
        HERE.replace("/kine", "/KINE"),
        HERE.replace("acid-db.databases:5432", "acid-db.databases.svc.cluster.local:5432"),
        HERE.replace("acid-db.databases:5432", "new.example.com:5432,acid-db.databases:5432"),
    ],
)
def test_the_same_database_by_another_url(url: str) -> None:
    write(url, cluster(), HAS_RUN)


@pytest.mark.parametrize(
    "objects",
    [
        [],
        [HAS_RUN],
        [cluster()],
        [cluster(kineDataSourceSecretName="another"), HAS_RUN],
        [cluster(etcd={}), HAS_RUN],
    ],
    ids=["nothing runs", "it is gone", "it never ran", "it reads another Secret", "it is on etcd"],
)
def test_where_nothing_is_lost_any_database_will_do(objects: list[Object]) -> None:
    write(ELSEWHERE[0], *objects)


LOST = [
    pytest.param([], "no Secret .cp-data-source. in namespace .team-a.", id="missing"),
    pytest.param([secret(SECRET.name, other="x")], "no key", id="without its key"),
    pytest.param([secret(SECRET.name, **{DATA_SOURCE_KEY: "not a url"})], "scheme is not supported", id="no URL"),
]


@pytest.mark.parametrize("way", ["secret", "cluster"])
@pytest.mark.parametrize(("objects", "why"), LOST)
def test_a_control_plane_that_lost_its_data_source_may_still_run(objects: list[Object], why: str, way: str) -> None:
    kube = t.cast(Kube, StandInKube(*objects, cluster(), HAS_RUN))
    with pytest.raises(Conflict, match=f"nobody can tell whether the database other at acid-db.*{why}") as error:
        refuse(kube, way, ELSEWHERE[1])
    assert "allow_other_database: true" in error.value.remedy
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(("objects", "why"), LOST)
def test_before_it_ran_a_data_source_may_be_lost(objects: list[Object], why: str) -> None:
    refuse(t.cast(Kube, StandInKube(*objects, cluster())), "secret", HERE)


@pytest.mark.parametrize("way", ["secret", "cluster"])
@pytest.mark.parametrize(
    ("broken", "remedy"),
    [
        (AccessDenied("Not allowed to get secrets", "Grant it"), "Grant it.* allow_other_database: true"),
        (Unreachable("no answer", "Run it again"), "^Run it again$"),
        (HaError("The API server answers 500"), "^$"),
    ],
    ids=["forbidden", "unreachable", "500"],
)
def test_a_data_source_that_nobody_can_see_is_not_taken_for_none(broken: HaError, remedy: str, way: str) -> None:
    kube = t.cast(Kube, StandInKube(SOURCE, cluster(), HAS_RUN, broken=broken))
    with pytest.raises(type(broken), match=broken.message) as error:
        refuse(kube, way, HERE)
    assert re.search(remedy, error.value.remedy)


def refuse(kube: Kube, way: str, url: str) -> None:
    if way == "secret":
        database_move.refuse_by_secret(kube, SECRET, url)
    else:
        database_move.refuse_by_cluster(kube, cluster(), url)


def test_who_may_not_see_control_planes_may_write_secrets() -> None:
    write(ELSEWHERE[0], cluster(), HAS_RUN, forbidden="Cluster")


@pytest.mark.parametrize("spec", [{"kineDataSourceSecretName": SECRET.name}, {"kineDataSourceURL": HERE}])
def test_a_cluster_is_not_moved_by_another_secret_or_url(spec: Object) -> None:
    live = cluster(**spec)
    kube = t.cast(Kube, StandInKube(SOURCE, live, HAS_RUN))
    with pytest.raises(Conflict, match="would be gone from its API"):
        database_move.refuse_by_cluster(kube, live, ELSEWHERE[0])
    for url in (HERE, HERE.replace("hunter2", "hunter3"), None):
        database_move.refuse_by_cluster(kube, live, url)
    database_move.refuse_by_cluster(kube, None, ELSEWHERE[0])


def create(url: str | None, *objects: Object, name: str = "new", namespace: str = "team-b", **more: t.Any) -> list[str]:
    """Warnings about a new control plane with that data source."""
    warned: list[str] = []
    kube = t.cast(Kube, StandInKube(SOURCE, *objects, **more))
    database_move.refuse_shared(kube, name, namespace, url, warned.append)
    return warned


@pytest.mark.parametrize(
    ("url", "namespace"),
    [
        (HERE, "team-b"),
        (HERE.replace("k:hunter2", "other:secret"), "team-b"),
        (HERE.replace("acid-db.databases:", "acid-db.databases.svc.cluster.local.:"), "team-b"),
        (HERE.replace("acid-db.databases:", "acid-db:"), "databases"),
    ],
)
def test_two_control_planes_do_not_share_a_database(url: str, namespace: str) -> None:
    says = r"The database kine at acid-db.* is the one of the control plane team-a/cp, .*destroy.*database of its own"
    with pytest.raises(Conflict, match=says) as error:
        create(url, cluster("older", etcd={}), cluster(), namespace=namespace)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("url", [*ELSEWHERE, None, HERE.replace("acid-db.databases:", "acid-db:")])
def test_each_may_have_its_own(url: str | None) -> None:
    assert create(url, cluster()) == []


@pytest.mark.parametrize(
    "objects",
    [
        [cluster("new", kineDataSourceURL=HERE)],
        [cluster("cp", kineDataSourceSecretName="lost")],
        [{**cluster(), "metadata": {**cluster()["metadata"], "deletionTimestamp": "now"}}],
    ],
    ids=["it is itself", "its data source is lost", "it is going"],
)
def test_who_does_not_count(objects: list[Object]) -> None:
    assert create(HERE, *objects, namespace="team-a") == []


def test_what_nobody_may_see_is_said() -> None:
    assert "Cannot see whether another control plane has" in create(HERE, cluster(), forbidden="Cluster")[0]
    assert "Cannot see whether the control plane team-a/cp" in create(HERE, cluster(), broken=AccessDenied("no"))[0]
    with pytest.raises(Unreachable):
        create(HERE, cluster(), broken=Unreachable("gone"))
