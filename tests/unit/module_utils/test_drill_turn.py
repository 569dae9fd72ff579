# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One drill at a time, by a Lease that is renewed."""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import drill_turn
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Object: t.TypeAlias = dict[str, t.Any]


class LeaseKube:
    """Keeps one Lease. `meanwhile` happens after each look at it."""

    def __init__(
        self, lease: Object | None = None, meanwhile: t.Callable[[Object | None], Object | None] | None = None
    ):
        self.lease, self.meanwhile, self.renewals = lease, meanwhile, 0

    def get(self, *_ref: t.Any) -> Object | None:
        found = self.lease
        if self.meanwhile:
            self.lease = self.meanwhile(found)
        return found

    def apply(self, objects: list[Object]) -> None:
        [self.lease] = objects
        self.renewals += 1

    def delete(self, _refs: t.Any) -> None:
        self.lease = None

    def wait(self, probe: t.Callable[[], Verdict], _timeout: float) -> Verdict:
        return probe()


def lease(holder: str, renewed: str) -> Object:
    return {"spec": {"holderIdentity": holder, "renewTime": renewed}}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BEAT_SECONDS", "SILENT_SECONDS", "SETTLE_SECONDS"):
        monkeypatch.setattr(drill_turn, name, 0.02)


def turn(kube: LeaseKube) -> contextlib.AbstractContextManager[drill_turn.Turn]:
    return drill_turn.turn(t.cast("t.Any", kube), "a", "ns")


def test_the_lease_is_renewed_and_goes() -> None:
    kube = LeaseKube()
    with turn(kube):
        until = time.monotonic() + 10
        while kube.renewals < 3 and time.monotonic() < until:
            time.sleep(0.02)
        assert kube.renewals >= 3
        assert kube.lease
        assert kube.lease["spec"]["renewTime"].endswith("Z")
    assert kube.lease is None


def test_one_that_nobody_renews_is_taken_over() -> None:
    kube = LeaseKube(lease("killed", "2026-01-01T00:00:00.000000Z"))
    with turn(kube):
        assert kube.lease
        assert kube.lease["spec"]["holderIdentity"] != "killed"


def test_one_that_is_renewed_is_respected() -> None:
    kube = LeaseKube(
        lease("other", "0"), lambda found: lease("other", f"{found['spec']['renewTime']}1") if found else None
    )
    with pytest.raises(Conflict, match="Another drill of this database runs"), turn(kube):
        pytest.fail("two at a time")
    assert kube.renewals == 0


def test_of_two_that_take_it_at_once_the_last_one_has_it() -> None:
    kube = LeaseKube()

    def other_was_later(lost: Object) -> None:
        kube.renewals += 1
        kube.lease = lease("other", "0")

    kube.apply = lambda objects: other_was_later(objects[0])  # type: ignore[method-assign]
    with pytest.raises(Conflict), turn(kube):
        pytest.fail("two at a time")
    assert kube.lease == lease("other", "0")


def test_one_that_was_taken_over_is_known_to_be_lost_and_stays_with_who_has_it() -> None:
    kube = LeaseKube()
    with turn(kube) as held:
        held.require()
        kube.lease = lease("other", "0")
        assert held.lost.wait(10)
        with pytest.raises(Conflict, match="Another drill of this database has begun"):
            held.require()
    assert kube.lease == lease("other", "0")


@pytest.mark.parametrize("taken", [lease("other", "0"), None], ids=["by one that goes on", "by one that has ended"])
def test_one_that_was_taken_over_is_known_to_be_lost_also_while_its_renewal_hangs(
    taken: Object | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill_turn, "BEAT_SECONDS", 60)
    kube = LeaseKube()
    with turn(kube) as held:
        held.require()
        kube.lease = taken
        with pytest.raises(Conflict, match="Another drill of this database has begun"):
            held.require()
