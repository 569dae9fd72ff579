# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database cluster that was changed is up once it stays so: its operator has not begun yet when the first look comes."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import datastore_run
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_run import lasting, present
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import PROVIDERS, datastore, options_for
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict
from tests.unit.module_utils.test_datastore_run import LastingKube


def test_up_is_believed_once_it_lasts() -> None:
    up, down = Verdict(True, "up", {"leader": "pg-1"}), Verdict(False, "down")
    seen: list[tuple[float, Verdict | HaError]] = [
        (0, up),
        (6, up),
        (9, down),
        (12, up),
        (15, HaError("500")),
        (18, up),
        (27.9, up),
        (28, up),
    ]
    clock = [0.0]

    def probe() -> Verdict:
        clock[0], found = seen.pop(0)
        if isinstance(found, HaError):
            raise found
        return found

    look = lasting(probe, 10, lambda: clock[0])
    first = look()
    assert (first.up, first.reason, first.details) == (False, "It was changed, and is not up for 10 s yet", up.details)
    assert [look() for _look in range(2)][1] is down
    assert not look().up
    with pytest.raises(HaError):
        look()
    assert [look().up for _look in range(3)] == [False, False, True]


class Looking(LastingKube):
    """Is asked once."""

    def wait(self, probe: t.Callable[[], Verdict], timeout: float, diagnose: t.Callable[[], str] = str) -> Verdict:
        return probe()


def said_of(kube: Looking, provider: str, **options: t.Any) -> str:
    """By a run that waits for a database that is up."""
    store = datastore(provider, options_for(provider, name="pg", namespace="ns", **options))
    result = present(t.cast(Kube, kube), store, {"wait": True, "wait_timeout": 1}, pytest.fail)
    return str(result["verdict"]["reason"])


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Looking:
    monkeypatch.setattr(datastore_run, "prove", lambda kube, store: Verdict(True, "as before"))
    return Looking()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_only_a_live_database_that_was_changed_has_to_stay_up(provider: str, looking: Looking) -> None:
    assert said_of(looking, provider) == "as before"
    assert said_of(looking, provider) == "as before"
    assert "It was changed" in said_of(looking, provider, spec={"more": "words"})
    assert said_of(looking, provider, spec={"more": "words"}) == "as before"


def applied(kube: Looking, seconds_ago: float, **entry: str) -> None:
    """As the API server keeps it of an apply to the database cluster, which is an hour old."""
    now = datetime.datetime.now(datetime.UTC)
    time, created = (f"{now - datetime.timedelta(seconds=ago):%Y-%m-%dT%H:%M:%SZ}" for ago in (seconds_ago, 3600))
    [cluster] = [item for item in kube.objects if item["kind"] == PROVIDERS["mariadb"].kind]
    apply = {"manager": "k0smotron.ha", "operation": "Apply", "time": time, **entry}
    cluster["metadata"] |= {"creationTimestamp": created, "managedFields": [apply, {"manager": "operator"}]}


@pytest.mark.parametrize(
    ("seconds_ago", "entry", "stays"),
    [
        (20, {}, True),
        (-30, {}, True),
        (120, {}, False),
        (3600, {}, False),
        (20, {"operation": "Update"}, False),
        (20, {"manager": "somebody"}, False),
    ],
    ids=["a moment ago", "by a clock that is fast", "long ago", "the creation", "an update", "by somebody else"],
)
def test_what_an_earlier_run_changed_a_moment_ago_has_to_stay_up(
    seconds_ago: float, entry: dict[str, str], stays: bool, looking: Looking
) -> None:
    said_of(looking, "mariadb")
    applied(looking, seconds_ago, **entry)
    assert ("It was changed" in said_of(looking, "mariadb")) == stays


def test_a_database_that_was_created_a_moment_ago_was_nothing_before(looking: Looking) -> None:
    said_of(looking, "mariadb")
    applied(looking, 5)
    [cluster] = [item for item in looking.objects if item["kind"] == PROVIDERS["mariadb"].kind]
    cluster["metadata"]["creationTimestamp"] = cluster["metadata"]["managedFields"][0]["time"]
    assert said_of(looking, "mariadb") == "as before"
