# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An examination is bounded: in time, in connections, in what it leaves behind when it is killed or cut off. Of each database."""

from __future__ import annotations

import signal
import time
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from tests.integration.kine_check.conftest import PLAN, findings
from tests.integration.kine_check.subject import Subject, endless_run, maria_subject, postgres_subject


@pytest.fixture(params=["site", "maria_site"])
def subject(request: pytest.FixtureRequest) -> Subject:
    """Give a fresh database of each kind."""
    site = request.getfixturevalue(request.param)
    if request.param == "site":
        return postgres_subject(site, request.getfixturevalue("run"))
    return maria_subject(site, request.getfixturevalue("run_mysql"))


def await_no_session(subject: Subject) -> None:
    """Wait until the server has noticed that its clients are gone."""
    until = time.monotonic() + 10
    while subject.site.sessions():
        assert time.monotonic() < until, "connections were left open"
        time.sleep(0.02)


class TestScratch:
    """The scratch never stays."""

    def test_killed_run_is_cleaned_up_by_the_next(self, subject: Subject) -> None:
        with endless_run(subject) as process:
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert len(subject.left()) == 1, "this test needs a leftover"
            await_no_session(subject)
            report = subject.examine(subject.site.url())
        assert findings(report, "fail") == []
        assert subject.left() == []

    def test_interrupted_run_cleans_up_itself(self, subject: Subject) -> None:
        with endless_run(subject) as process:
            process.send_signal(signal.SIGINT)
            process.wait(20)
        assert subject.left() == []

    def test_run_under_way_is_left_alone(self, subject: Subject) -> None:
        with endless_run(subject) as process:
            [name] = subject.left()
            assert findings(subject.examine(subject.site.url()), "fail") == []
            assert subject.left() == [name]
            assert process.poll() is None
        subject.site.admin(subject.drop.format(name))

    def test_session_waits_for_commits_as_before(self, subject: Subject) -> None:
        """Behind a pooler it may be kine's next one."""
        with subject.connect(dsns.parse(subject.site.url()), Deadline(20)) as database:
            before = database.replication().commit
            with database.scratch():
                pass
            assert database.replication().commit == before

    def test_connection_cut_in_the_middle(self, subject: Subject) -> None:
        with subject.connect(dsns.parse(subject.site.url()), Deadline(20)) as database:
            scratch = database.scratch()
            table = scratch.__enter__()
            table.insert("/registry/a", b"")
            subject.site.admin(*(subject.end.format(session) for session in subject.site.sessions()))
            with pytest.raises(Exception, match="connection was lost"):
                table.insert("/registry/b", b"")
            scratch.__exit__(None, None, None)
        assert subject.left() == []

    def test_server_gone_in_the_middle(self, subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
        insert = subject.scratch.insert

        def last_insert(*args: t.Any, **options: t.Any) -> int:
            revision = insert(*args, **options)
            subject.site.server.stop()
            return revision

        monkeypatch.setattr(subject.scratch, "insert", last_insert)
        try:
            report = subject.examine(subject.site.url())
        finally:
            monkeypatch.undo()
            subject.site.server.start()
            subject.await_copy()
        assert findings(report, "fail") == ["revisions"], report.text()
        assert report.checks[-1].id == "cleanup"
        assert findings(subject.examine(subject.site.url()), "fail") == []


class TestConnections:
    """Few connections, and a limit that cannot be passed."""

    def test_two_at_a_time(self, subject: Subject) -> None:
        subject.site.admin(subject.limit.format(2))
        report = subject.examine(subject.site.url(), Plan(replicas=1, max_open=1, samples=1))
        assert findings(report, "fail") == [], report.text()

    def test_at_most_twelve(self, subject: Subject) -> None:
        with (
            subject.connect(dsns.parse(subject.site.url()), Deadline(20)) as database,
            pytest.raises(Exception, match="12 connections"),
        ):
            database.write_states(13)

    def test_examination_stays_below(self, subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(subject.connections, "MAX_CONNECTIONS", 7)
        report = subject.examine(subject.site.url(), PLAN)
        assert findings(report, "fail", "skipped") == [], report.text()
        await_no_session(subject)


def test_time_is_up_before_it_starts(subject: Subject) -> None:
    assert "deadline of 0 s" in subject.examine(subject.site.url(), seconds=0).text()
