# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a drill: a calm log satisfies all, and for each rule a log that breaks it breaks no other."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.drill import oracle
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import Afterwards, Anew, Event, Log, Read
from tests.unit.module_utils.drill_logs import calm, changed

Story: t.TypeAlias = t.Callable[[Log, Afterwards], Afterwards]


def broken(log: Log, afterwards: Afterwards) -> list[str]:
    return [finding.id for finding in oracle.judge(log, afterwards) if not finding.ok]


def without(afterwards: Afterwards, key: str) -> Afterwards:
    return dataclasses.replace(afterwards, objects={k: v for k, v in afterwards.objects.items() if k != key})


def says(afterwards: Afterwards, key: str, value: str) -> Afterwards:
    return dataclasses.replace(afterwards, objects={**afterwards.objects, key: value})


def lost_create(_log: Log, afterwards: Afterwards) -> Afterwards:
    return without(afterwards, "w0-1")


def lost_update(_log: Log, afterwards: Afterwards) -> Afterwards:
    return says(afterwards, "w0-3", "w0-3.1")


def lost_delete(_log: Log, afterwards: Afterwards) -> Afterwards:
    return says(afterwards, "w0-7", "w0-7.2")


def never_sent(_log: Log, afterwards: Afterwards) -> Afterwards:
    return says(afterwards, "w9-9", "w9-9.1")


def another_value(log: Log, afterwards: Afterwards) -> Afterwards:
    changed(log, 1, outcome="unknown", version=None)
    return says(afterwards, "w0-1", "w0-1.9")


def refused_but_there(log: Log, afterwards: Afterwards) -> Afterwards:
    changed(log, 1, outcome="failed", version=None)
    return afterwards


def version_went_back(log: Log, afterwards: Afterwards) -> Afterwards:
    changed(log, 6, version=101)
    return afterwards


def version_given_twice(log: Log, afterwards: Afterwards) -> Afterwards:
    changed(log, 6, version=105)
    return afterwards


def watch_went_back(log: Log, afterwards: Afterwards) -> Afterwards:
    events = log.watchers[0].events
    events[3], events[4] = events[4], events[3]
    return afterwards


def told_twice(log: Log, afterwards: Afterwards) -> Afterwards:
    events = log.watchers[0].events
    events.insert(4, events[3])
    return afterwards


def missed_event(log: Log, afterwards: Afterwards) -> Afterwards:
    del log.watchers[0].events[2]
    return afterwards


def missed_deletion(log: Log, afterwards: Afterwards) -> Afterwards:
    log.watchers[0].events = [event for event in log.watchers[0].events if event.kind != "DELETED"]
    return afterwards


def heard_nothing(log: Log, afterwards: Afterwards) -> Afterwards:
    log.watchers[0].events.clear()
    return afterwards


def told_what_nobody_sent(log: Log, afterwards: Afterwards) -> Afterwards:
    log.watchers[0].events.append(Event(9.0, "ADDED", "w0-99", "w0-99.1", 999))
    return afterwards


def told_another_value(log: Log, afterwards: Afterwards) -> Afterwards:
    log.watchers[0].events.append(Event(9.0, "MODIFIED", "w0-1", "w0-1.9", 999))
    return afterwards


def stale_read(log: Log, afterwards: Afterwards) -> Afterwards:
    log.reads.append(Read("w0-1", 1.0, 1.1, False))
    return afterwards


def replicas_differ(_log: Log, afterwards: Afterwards) -> Afterwards:
    return dataclasses.replace(afterwards, replicas=["configmaps ns/a: 1 in kmc-a-0, 2 in kmc-a-1"])


def not_read(_log: Log, afterwards: Afterwards) -> Afterwards:
    return dataclasses.replace(without(afterwards, "w0-1"), unread=["w0-1"])


def another_authority(_log: Log, afterwards: Afterwards) -> Afterwards:
    return dataclasses.replace(afterwards, authority=("a" * 64, "b" * 64))


def no_authority(_log: Log, afterwards: Afterwards) -> Afterwards:
    return dataclasses.replace(afterwards, authority=("a" * 64, ""))


def sequence_behind(_log: Log, afterwards: Afterwards) -> Afterwards:
    return dataclasses.replace(afterwards, kine=["sequence: behind"])


def no_standby(_log: Log, afterwards: Afterwards) -> Afterwards:
    return dataclasses.replace(afterwards, down="its database is not up: 1 of 2 instances are ready")


def test_a_calm_log_satisfies_every_rule() -> None:
    findings = oracle.judge(*calm())
    assert [finding.id for finding in findings if finding.ok] == [rule[0] for rule in oracle.RULES]
    assert all(finding.count == 0 and finding.observed == "" for finding in findings)


@pytest.mark.parametrize(
    ("rule", "story"),
    [
        ("lost", lost_create),
        ("lost", lost_update),
        ("lost", lost_delete),
        ("invented", never_sent),
        ("invented", another_value),
        ("invented", refused_but_there),
        ("invented", told_what_nobody_sent),
        ("invented", told_another_value),
        ("backwards", version_went_back),
        ("backwards", version_given_twice),
        ("backwards", watch_went_back),
        ("backwards", told_twice),
        ("missed", missed_event),
        ("missed", missed_deletion),
        ("missed", heard_nothing),
        ("stale", stale_read),
        ("replicas", replicas_differ),
        ("unread", not_read),
        ("authority", another_authority),
        ("authority", no_authority),
        ("kine", sequence_behind),
        ("recovered", no_standby),
    ],
)
def test_each_rule_is_broken_by_its_own_story_only(rule: str, story: Story) -> None:
    log, afterwards = calm()
    assert broken(log, story(log, afterwards)) == [rule]


def test_a_read_that_was_not_answered_is_not_stale() -> None:
    log, afterwards = calm()
    log.reads.append(Read("w0-1", 1.0, 11.0, None))
    assert broken(log, afterwards) == []


@pytest.mark.parametrize("there", [True, False])
def test_an_unknown_write_may_be_there_or_not(there: bool) -> None:
    log, afterwards = calm()
    changed(log, 1, outcome="unknown", version=None)
    if not there:
        log.watchers[0].events = [event for event in log.watchers[0].events if event.key != "w0-1"]
        log.reads = [read for read in log.reads if read.key != "w0-1"]
        afterwards = without(afterwards, "w0-1")
    assert broken(log, afterwards) == []


@pytest.mark.parametrize(("value", "rules"), [("w0-3.1", []), ("w0-3.2", []), (None, ["lost"])])
def test_an_unknown_update_leaves_two_values_possible(value: str | None, rules: list[str]) -> None:
    log, afterwards = calm()
    [number] = [n for n, write in enumerate(log.writes) if write.value == "w0-3.2"]
    changed(log, number, outcome="unknown", version=None)
    assert broken(log, says(afterwards, "w0-3", value) if value else without(afterwards, "w0-3")) == rules


def test_writes_at_the_same_time_may_get_their_versions_in_any_order() -> None:
    log, afterwards = calm()
    changed(log, 4, ended=log.writes[5].began + 0.05, version=105)
    changed(log, 5, version=104)
    assert "backwards" not in broken(log, afterwards)


def deaf(log: Log, first: int, last: int) -> dict[str, str]:
    """Let the watcher miss the writes from first to last, and begin anew then; what its list says."""
    log.watchers[0].events = [
        event for event in log.watchers[0].events if not 100 + first <= event.version <= 100 + last
    ]
    objects: dict[str, str] = {}
    for write in log.writes[: last + 1]:
        if write.value is None:
            del objects[write.key]
        else:
            objects[write.key] = write.value
    log.watchers[0].anew.append(Anew(99 + first, 100 + last, objects))
    return objects


@pytest.mark.parametrize(("first", "last"), [(1, 3), (3, 4), (8, 10), (0, 12), (9, 10)])
def test_who_was_told_to_begin_anew_finds_in_the_list_what_it_missed(first: int, last: int) -> None:
    log, afterwards = calm()
    deaf(log, first, last)
    assert broken(log, afterwards) == []


def test_a_list_without_what_was_acknowledged_before_it_is_no_excuse() -> None:
    log, afterwards = calm()
    del deaf(log, 1, 3)["w0-1"]
    assert broken(log, afterwards) == ["missed"]


def test_a_list_with_an_older_value_is_no_excuse() -> None:
    log, afterwards = calm()
    deaf(log, 4, 5)["w0-3"] = "w0-3.1"
    assert broken(log, afterwards) == ["missed"]


def test_a_list_with_what_was_deleted_before_is_no_excuse() -> None:
    log, afterwards = calm()
    [number] = [number for number, write in enumerate(log.writes) if write.value is None]
    deaf(log, number, number)["w0-7"] = "w0-7.2"
    assert broken(log, afterwards) == ["missed"]


@pytest.mark.parametrize("event", [0, 7])
def test_a_list_excuses_only_what_came_while_nothing_was_told(event: int) -> None:
    log, afterwards = calm()
    deaf(log, 1, 3)
    events = log.watchers[0].events
    del events[events.index(next(each for each in events if each.version == 100 + event))]
    assert broken(log, afterwards) == ["missed"]


def test_a_list_with_what_nobody_sent() -> None:
    log, afterwards = calm()
    deaf(log, 1, 3)["w0-99"] = "w0-99.1"
    assert broken(log, afterwards) == ["invented"]


@pytest.mark.parametrize("there", [True, False])
def test_a_create_tried_again_that_exists_may_be_there_or_not(there: bool) -> None:
    """Its first attempt was done, or it was taken back with the primary that had told the second one of it."""
    log, afterwards = calm()
    changed(log, 1, outcome="unknown", version=None, tries=2, error="409 AlreadyExists")
    if not there:
        log.watchers[0].events = [event for event in log.watchers[0].events if event.key != "w0-1"]
        log.reads = [read for read in log.reads if read.key != "w0-1"]
        afterwards = without(afterwards, "w0-1")
    assert broken(log, afterwards) == []


def test_a_create_tried_again_that_a_read_has_shown_must_stay() -> None:
    log, afterwards = calm()
    changed(log, 1, tries=2)
    assert broken(log, without(afterwards, "w0-1")) == ["lost"]


def test_a_deletion_tried_again_of_what_was_gone_must_stay_and_be_told() -> None:
    log, afterwards = calm()
    [number] = [number for number, write in enumerate(log.writes) if write.value is None]
    changed(log, number, tries=2)
    assert broken(log, says(afterwards, "w0-7", "w0-7.2")) == ["lost"]
    missed_deletion(log, afterwards)
    assert broken(log, afterwards) == ["missed"]


def test_a_write_tried_again_began_with_its_first_attempt() -> None:
    """Its second attempt may only confirm the first one's version, which others have overtaken meanwhile."""
    log, afterwards = calm()
    changed(log, 4, ended=log.writes[6].ended + 0.05, tries=2)
    assert broken(log, afterwards) == []
    changed(log, 4, began=log.writes[6].ended + 0.01)
    assert broken(log, afterwards) == ["backwards"]


def test_a_lost_database_does_not_fill_the_page() -> None:
    log, afterwards = calm(rounds=100)
    lost = oracle.judge(log, dataclasses.replace(afterwards, objects={}))[0]
    assert lost.count > 80
    assert lost.observed.count(";") == oracle.MOST_SHOWN
    assert lost.observed.endswith(f"and {lost.count - oracle.MOST_SHOWN} more")
