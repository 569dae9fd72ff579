# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client knows that sent a request twice."""

from __future__ import annotations

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.drill.attempts import Attempt, together, worth_another
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import Verb

NOT_SENT = Attempt("failed", None, error="refused")
TOO_MANY = Attempt("failed", 429, error="429")
NO_ANSWER = Attempt("unknown", None, error="timed out")
BROKEN = Attempt("unknown", 500, error="500")
DONE = Attempt("acknowledged", 201, 12)
EXISTS = Attempt("failed", 409, error="409 AlreadyExists")
NOTHING = Attempt("failed", 404, error="404 NotFound")


@pytest.mark.parametrize(
    ("status", "another"),
    [(None, True), (500, True), (504, True), (429, True), (201, False), (403, False), (404, False), (409, False)],
)
def test_who_is_not_to_blame_tries_again(status: int | None, another: bool) -> None:
    assert worth_another(status) is another


@pytest.mark.parametrize(
    ("verb", "first", "second", "outcome"),
    [
        ("create", NO_ANSWER, DONE, "acknowledged"),
        ("create", NOT_SENT, DONE, "acknowledged"),
        ("create", NOT_SENT, NOT_SENT, "failed"),
        ("create", TOO_MANY, NOT_SENT, "failed"),
        ("create", NOT_SENT, BROKEN, "unknown"),
        ("create", NO_ANSWER, NOT_SENT, "unknown"),
        ("create", BROKEN, TOO_MANY, "unknown"),
        ("create", BROKEN, NO_ANSWER, "unknown"),
        # A first one that nobody got cannot be why the object exists.
        ("create", NOT_SENT, EXISTS, "failed"),
        ("create", TOO_MANY, EXISTS, "failed"),
        ("delete", NO_ANSWER, NOTHING, "acknowledged"),
        ("delete", NOT_SENT, NOTHING, "failed"),
        # What is gone before anybody deleted it is lost, and no update of it was acknowledged.
        ("update", NO_ANSWER, NOTHING, "unknown"),
        ("update", NO_ANSWER, EXISTS, "unknown"),
        ("delete", BROKEN, EXISTS, "unknown"),
    ],
)
def test_two_attempts_have_one_outcome(verb: Verb, first: Attempt, second: Attempt, outcome: str) -> None:
    def nobody_reads() -> int | None:
        raise AssertionError("only a create that exists is read")

    found = together(verb, first, second, nobody_reads)
    assert found.outcome == outcome
    assert (found.error == "") is (outcome == "acknowledged")
    assert found.error in ("", second.error)


@pytest.mark.parametrize(("there", "outcome"), [(11, "acknowledged"), (None, "unknown")])
def test_a_create_that_exists_is_done_only_when_a_read_shows_it(there: int | None, outcome: str) -> None:
    found = together("create", NO_ANSWER, EXISTS, lambda: there)
    assert (found.outcome, found.version) == (outcome, there)
