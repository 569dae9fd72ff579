# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes of a data source that is not there, or not PostgreSQL. The rest is tried on real servers."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import commit_order_run
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kine_check_sources import Source

SECRET = {"name": "team-a-data-source", "namespace": "team-a"}


class StandInKube:
    """A cluster without any Secret."""

    def get(self, *_what: t.Any) -> None:
        return None


class StandInModule:
    """A module's options."""

    def __init__(self, *, check_mode: bool, **params: t.Any) -> None:
        self.check_mode = check_mode
        self.params = {"url": None, "secret": None, "state": "present", "reach": "auto", "tls_files": {}, **params}


def act(*, check_mode: bool, **params: t.Any) -> dict[str, t.Any]:
    module: t.Any = StandInModule(check_mode=check_mode, **params)
    kube: t.Any = StandInKube()
    return commit_order_run.act(module, lambda: kube)


@pytest.mark.parametrize(("state", "changed"), [("present", True), ("absent", False)])
def test_a_secret_that_a_run_would_write_is_foreseen(state: str, changed: bool) -> None:
    result = act(check_mode=True, secret=SECRET, state=state)
    assert (result["changed"], result["ordered"]) == (changed, changed)
    assert result["statements"] == []


def test_a_secret_that_is_not_there_is_an_error() -> None:
    with pytest.raises(NotFound, match="There is no Secret team-a-data-source in namespace team-a"):
        act(check_mode=False, secret=SECRET)


def test_kines_own_ca_file_is_verified_by(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("postgres://kine:secret@127.0.0.1:1/kine", ca_file="/etc/database-ca/none.crt")
    monkeypatch.setattr(commit_order_run, "sources", lambda *_given: [source])
    with pytest.raises(InvalidInput, match="kine's own --ca-file, names the file /etc/database-ca/none"):
        act(check_mode=False, secret=SECRET, timeout=5)


@pytest.mark.parametrize("state", ["present", "absent"])
def test_mysql_is_left_alone_without_a_connection(state: str) -> None:
    result = act(check_mode=False, url="mysql://kine:secret@tcp(127.0.0.1:1)/kine", state=state)
    assert (result["changed"], result["ordered"]) == (False, False)
    assert "PostgreSQL" in result["msg"]


def test_the_diff_tells_what_changes_in_words() -> None:
    diff = act(check_mode=True, secret=SECRET)["diff"]
    assert diff == {"before": f"{commit_order_run.IN_ANY}\n", "after": f"{commit_order_run.IN_ORDER}\n"}
